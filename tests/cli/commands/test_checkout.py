def test_a_version_and_back(mh, project):
    mh("checkout", "v1")
    assert (project / "train.py").read_text() == "lr = 1e-3\n"
    assert mh("status", "--json").json()["branch"] is None
    assert mh("checkout", "main", "--json").json()["branch"] == "main"
    assert (project / "train.py").read_text() == "lr = 1e-4\n"


def test_unsaved_work_is_not_overwritten(mh, project):
    (project / "train.py").write_text("precious\n")
    assert "'train.py'" in mh("checkout", "v1", code=7).err
    assert (project / "train.py").read_text() == "precious\n"
    mh("checkout", "-f", "v1")
    assert (project / "train.py").read_text() == "lr = 1e-3\n"


def test_files_of_a_version(mh, project):
    mh("checkout", "v1", "--", "train.py")
    assert (project / "train.py").read_text() == "lr = 1e-3\n"
    assert mh("status", "--json").json()["branch"] == "main"
    (project / "model.safetensors").unlink()
    mh("checkout", "--", "model.safetensors")
    assert (project / "model.safetensors").exists()


def test_a_new_branch(mh, project):
    mh("checkout", "-b", "idea", "v1")
    assert mh("status", "--json").json()["branch"] == "idea"
    assert (project / "train.py").read_text() == "lr = 1e-3\n"


def test_a_file_is_no_revision_and_the_hint_says_what_to_do(mh, project):
    (project / "train.py").write_text("precious\n")
    assert "'mh restore train.py'" in mh("checkout", "train.py", code=4).err
    assert (project / "train.py").read_text() == "precious\n"


def test_checkout_needs_one_revision(mh, project):
    mh("checkout", code=2)
    mh("checkout", "v1", "v2", code=2)
