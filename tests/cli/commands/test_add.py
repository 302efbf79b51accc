import os


def test_add_stages_the_paths_given(mh, project):
    (project / "a.txt").write_text("a")
    (project / "b.txt").write_text("b")
    assert mh("add", "a.txt", "--json").json()["added"] == [{"kind": "added", "path": "a.txt", "old_path": None}]
    assert mh("status", "-s").out == "A  a.txt\n?? b.txt\n"


def test_a_dot_is_the_folder_one_is_in(mh, project, monkeypatch):
    (project / "sub").mkdir()
    (project / "sub" / "a.txt").write_text("a")
    (project / "b.txt").write_text("b")
    monkeypatch.chdir(project / "sub")
    mh("add", ".")
    assert mh("status", "-s").out == "A  a.txt\n?? ../b.txt\n"
    mh("add", "-A")
    assert "A  ../b.txt" in mh("status", "-s").out


def test_a_path_through_a_link_to_the_folder_is_understood(mh, project, tmp_path):
    (project / "a.txt").write_text("a")
    os.symlink(project, tmp_path / "link")
    mh("add", str(tmp_path / "link" / "a.txt"))
    assert mh("status", "-s").out == "A  a.txt\n"


def test_add_needs_a_path(mh, project):
    assert "'mh add .'" in mh("add", code=2).err


def test_a_path_outside_is_refused(mh, project):
    assert "is outside the repository" in mh("add", "../elsewhere", code=2).err


def test_a_path_that_is_not_there_is_not_found(mh, project):
    mh("add", "nowhere.txt", code=4)


def test_a_file_that_cannot_be_understood_is_warned_about(mh, project):
    data = (project / "model.safetensors").read_bytes()
    (project / "cut.safetensors").write_bytes(data[:200])
    done = mh("add", "cut.safetensors")
    assert "warning: 'cut.safetensors' is kept as plain bytes" in done.err


def test_quiet_says_nothing_of_an_add(mh, project):
    (project / "train.py").write_text("x")
    done = mh("add", "-q", ".")
    assert (done.out, done.err) == ("", "")


def test_an_empty_path_stages_nothing(mh, project):
    (project / "train.py").write_text("x")
    assert "a path is empty" in mh("add", "", code=2).err
    assert mh("status", "--json").json()["staged"] == []
