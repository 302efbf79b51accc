def test_a_clean_folder_is_said_to_be_clean(mh, project):
    assert "nothing to commit" in mh("status").out
    assert mh("status", "--json").json()["clean"] is True
    assert mh("status", "-s").out == ""


def test_each_kind_of_change_is_listed(mh, project):
    (project / "new.txt").write_text("new")
    (project / "train.py").write_text("lr = 1\n")
    (project / "model.safetensors").unlink()
    mh("add", "new.txt")
    (project / "other.txt").write_text("other")
    assert mh("status", "-s").out.splitlines() == ["A  new.txt", " D model.safetensors", " M train.py", "?? other.txt"]
    long = mh("status").out
    assert "staged for the next commit" in long
    assert "  deleted:      model.safetensors\n" in long


def test_paths_are_shown_as_they_can_be_typed_here(mh, project, monkeypatch):
    (project / "sub").mkdir()
    (project / "train.py").write_text("lr = 1\n")
    monkeypatch.chdir(project / "sub")
    assert mh("status", "-s").out == " M ../train.py\n"
    assert mh("status", "--json").json()["unstaged"][0]["path"] == "train.py"


def test_a_detached_head_is_said_to_be_one(mh, project):
    mh("checkout", "v1")
    assert "HEAD is detached" in mh("status").out


def test_a_hostile_name_is_shown_safely(mh, project):
    (project / "a\x1b[2Jb").write_text("x")
    assert "a\\x1b[2Jb" in mh("status").out
    assert "\x1b" not in mh("status", "-s").out
