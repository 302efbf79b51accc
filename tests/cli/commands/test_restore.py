def test_a_changed_file_comes_back_only_with_force(mh, project):
    (project / "train.py").write_text("precious\n")
    mh("restore", "train.py", code=7)
    assert (project / "train.py").read_text() == "precious\n"
    assert mh("restore", "-f", "train.py", "--json").json()["restored"] == ["train.py"]
    assert (project / "train.py").read_text() == "lr = 1e-4\n"


def test_a_deleted_file_comes_back(mh, project):
    (project / "train.py").unlink()
    assert "1 file restored" in mh("restore", ".").err
    assert (project / "train.py").exists()


def test_the_file_of_an_old_version(mh, project):
    mh("restore", "--source", "v1", "train.py")
    assert (project / "train.py").read_text() == "lr = 1e-3\n"


def test_unstaging_leaves_the_file(mh, project):
    (project / "train.py").write_text("precious\n")
    mh("add", "train.py")
    assert "1 file unstaged" in mh("restore", "--staged", "train.py").err
    assert mh("status", "-s").out == " M train.py\n"


def test_a_file_that_is_not_recorded_is_not_found(mh, project):
    mh("restore", "nowhere.txt", code=4)
