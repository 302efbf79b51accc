import pytest


def test_reset_unstages(mh, project):
    (project / "train.py").write_text("precious\n")
    mh("add", "-A")
    mh("reset")
    assert mh("status", "-s").out == " M train.py\n"


@pytest.mark.parametrize("words", [["--", "train.py"], ["train.py"], ["HEAD", "--", "train.py"]])
def test_reset_of_a_path_unstages_it(mh, project, words):
    (project / "train.py").write_text("precious\n")
    (project / "new.txt").write_text("x")
    mh("add", "-A")
    mh("reset", *words)
    assert mh("status", "-s").out == "A  new.txt\n M train.py\n"


def test_soft_keeps_the_changes_staged(mh, project):
    mh("reset", "--soft", "HEAD~1")
    assert mh("status", "-s").out == "M  model.safetensors\nM  train.py\n"


def test_hard_brings_the_folder_there(mh, project):
    assert mh("reset", "--hard", "v1", "--json").json()["written"] == ["model.safetensors", "train.py"]
    assert (project / "train.py").read_text() == "lr = 1e-3\n"
    (project / "train.py").write_text("precious\n")
    mh("reset", "--hard", code=7)
    mh("reset", "--hard", "-f")
    assert (project / "train.py").read_text() == "lr = 1e-3\n"


def test_paths_do_not_go_with_hard(mh, project):
    mh("reset", "--hard", "--", "train.py", code=2)
