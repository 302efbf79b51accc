import numpy as np
from safetensors.numpy import save_file


def test_show_tells_facts_and_changes(mh, project):
    out = mh("show").out
    assert out.startswith("commit ")
    assert "2 files changed\n  M  model.safetensors\n  M  train.py\n" in out
    assert "made with: " in out


def test_any_revision_can_be_shown(mh, project):
    assert mh("show", "v1", "--json").json()["entry"]["message"] == "baseline"
    assert "2 files added" in mh("show", "v1").out


def test_a_file_of_a_version_is_shown_by_cat(mh, project):
    assert "'mh cat v1:train.py' prints it" in mh("show", "v1:train.py", code=2).err


def test_a_finding_names_its_file(mh, project):
    save_file({"head": np.full(4, np.nan, np.float32)}, project / "head.safetensors")
    mh("commit", "-m", "broken")
    assert "  warning: 'head.safetensors': 'head' has NaN" in mh("show").out
