import re

import pytest
from cli.conftest import write_model

from modelhub.cli.output.text import cell_width


def test_two_versions_differ_in_files_facts_and_tensors(mh, project):
    out = mh("diff", "v1", "v2").out
    assert out.startswith("v1 .. v2\n\nfiles\n  M  model.safetensors")
    assert re.search(r"lr\s+0\.001\s+0\.0001\s+-0\.0009  -90\.0 %", out)
    assert re.search(r"optimizer\s+adam\s+-\n", out)
    assert re.search(r"accuracy\s+0\.91\s+0\.93\s+\+0\.02  \+2\.2 %", out)
    assert re.search(r"encoder\.layer\.1\.weight  ▇▇▇▇▇▇▇▇ ", out)
    assert "  3 tensors unchanged\n" in out


def test_the_same_is_said_with_two_dots(mh, project):
    assert mh("diff", "v1..v2").out == mh("diff", "v1", "v2").out
    assert mh("diff", "v1..", "--json").json()["after"] == "HEAD"


def test_json_has_every_number(mh, project):
    result = mh("diff", "v1", "v2", "--json").json()
    (tensor,) = result["tensors"]
    assert tensor["name"] == "encoder.layer.1.weight"
    assert 0 < tensor["relative"] < 0.1
    assert {"cosine", "largest", "changed", "new_nans", "new_infs", "norm_before", "norm_after"} <= set(tensor)
    assert result["unchanged_tensors"] == 3
    assert result["differs"] is True


def test_the_exit_code_tells_on_request(mh, project):
    mh("diff", "v1", "v2", "--exit-code", code=1)
    mh("diff", "v1", "v2")
    mh("diff", "v1", "v1", "--exit-code")
    mh("diff", "--exit-code")
    mh("diff", "v1", "v9", "--exit-code", code=4)


def test_a_difference_in_metrics_alone_is_a_difference(mh, project):
    mh("commit", "-m", "measured again", "--metric", "accuracy=0.94", "--param", "lr=1e-4")
    done = mh("diff", "v2", "HEAD", "--exit-code", code=1)
    assert "accuracy" in done.out


def test_the_folder_is_compared_with_what_is_recorded(mh, project):
    (project / "train.py").write_text("lr = 7\n")
    assert [file["path"] for file in mh("diff", "--json").json()["files"]] == ["train.py"]
    assert len(mh("diff", "v1", "--json").json()["files"]) == 2
    mh("add", "train.py")
    assert "no difference" in mh("diff").err
    assert "train.py" in mh("diff", "--staged").out
    assert "train.py" in mh("diff", "--cached", "v1").out


def test_a_model_in_the_folder_is_compared_tensor_by_tensor(mh, project):
    write_model(project / "model.safetensors", seed=5)
    result = mh("diff", "--json").json()
    assert [tensor["name"] for tensor in result["tensors"]] == ["encoder.layer.0.weight", "encoder.layer.1.weight"]
    assert result["unchanged_tensors"] == 2
    assert not list((project / ".mh" / "tmp").iterdir())


def test_paths_narrow_the_diff(mh, project):
    for words in (["v1", "v2", "--", "train.py"], ["v1", "v2", "train.py"]):
        assert [file["path"] for file in mh("diff", "--json", *words).json()["files"]] == ["train.py"]


def test_tensors_can_be_left_out(mh, project):
    assert mh("diff", "v1", "v2", "--no-tensors", "--json").json()["tensors"] == []


def test_too_many_revisions_are_refused(mh, project):
    mh("diff", "v1", "v2", "HEAD", code=2)


@pytest.mark.parametrize("columns", [40, 100])
@pytest.mark.parametrize("line", ["diff v1 v2", "diff v1 v2 --all", "ls v1:model.safetensors", "ls", "du", "branch"])
def test_nothing_is_wider_than_the_terminal(screen, project, columns, line):
    shown = screen(*line.split(), columns=columns, NO_COLOR="1").out
    assert max(map(cell_width, shown.splitlines())) <= columns


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["v1:train.py"], "mh diff v1 -- train.py"),
        (["v1:train.py", "train.py"], "mh diff v1 -- train.py"),
        (["v1:train.py", "v2"], "mh diff v1:train.py v2:train.py"),
        (["v1", "v2:train.py"], "mh diff v1:train.py v2:train.py"),
    ],
)
def test_a_file_on_one_side_only_leads_to_the_right_words(mh, project, words, hint):
    done = mh("diff", *words, code=2)
    assert done.err.startswith("error: a file of a version is compared with a file of a version\n")
    assert done.err.endswith(f"hint: {hint}\n")


def test_two_files_may_be_named_from_a_sub_folder(mh, project, monkeypatch):
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    assert "train.py" in mh("diff", "v1:../train.py", "v2:../train.py").out
