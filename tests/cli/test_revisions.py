def test_a_name_that_is_both_is_a_revision(mh, project):
    (project / "v1").write_text("a file called as a tag")
    mh("commit", "-m", "v1")
    assert mh("log", "--oneline", "v1").out.endswith("baseline  accuracy=0.91\n")
    assert len(mh("log", "--oneline", "--", "v1").out.splitlines()) == 1


def test_a_file_that_is_gone_needs_dashes(mh, project):
    (project / "train.py").unlink()
    mh("log", "train.py", code=4)
    assert len(mh("log", "--oneline", "--", "train.py").out.splitlines()) == 2


def test_paths_are_relative_to_the_folder_one_is_in(mh, project, monkeypatch):
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    assert len(mh("log", "--oneline", "--", "../train.py").out.splitlines()) == 2
    assert [file["path"] for file in mh("ls", "--json", "--", "../train.py").json()] == ["train.py"]


def test_a_word_that_is_neither_is_named(mh, project):
    assert "'nope' is neither a version nor a file here" in mh("diff", "v1", "v2", "nope", code=2).err
    assert "at most 2 revisions" in mh("diff", "v1", "v2", "main", code=2).err
