"""`mh eval-precision` prints a table, and ends with 1 only where nothing could be measured."""

import os
import sys

import pytest
from cli.conftest import plain_text

COUNT = """
import json, os
import numpy as np
from safetensors.numpy import load_file
values = np.concatenate([array.ravel() for array in load_file(os.environ["MH_MODEL"]).values()])
print("noise")
print(json.dumps({"distinct": len(np.unique(values)) / values.size, "values": values.size}))
"""


@pytest.fixture
def model(mh, project):
    (project / "count.py").write_text(COUNT)
    mh("commit", "-m", "an evaluation")
    return project


def test_a_table_of_schemes(mh, model):
    done = mh(
        "eval-precision", "HEAD:model.safetensors", "--as", "fixed8", "--as", "quantized-2", "--", sys.executable,
        "count.py",
    )  # fmt: skip
    title, header, *rows = done.out.splitlines()
    assert title.startswith("model.safetensors of ")
    assert title.endswith("576 B of weights as float32")
    assert header.split() == ["scheme", "size", "factor", "distinct", "points", "relative", "error"]
    assert [row[:11].strip() for row in rows] == ["as it is", "fixed8", "quantized-2"]
    assert rows[0].split()[-2:] == ["=", "0"]
    assert rows[2].split()[-2].startswith("-")


def test_another_metric_and_json(mh, model):
    words = ("--metric", "values", "--json", "--as", "fixed8", "--", sys.executable, "count.py")
    found = mh("eval-precision", "HEAD:model.safetensors", *words).json()
    assert found["metric"] == "values"
    assert [row["metric"] for row in found["rows"]] == [144.0, 144.0]
    assert found["rows"][0]["stored_nbytes"] > found["rows"][1]["stored_nbytes"] > 0


def test_it_runs_in_the_folder_one_is_in(mh, model, monkeypatch):
    (model / "sub").mkdir()
    monkeypatch.chdir(model / "sub")
    words = ("--as", "float16", "--", sys.executable, "../count.py")
    assert "float16" in mh("eval-precision", "HEAD:../model.safetensors", *words).out
    assert os.listdir(model / "sub") == []


def test_a_scheme_that_fails_is_a_row_and_all_that_fail_are_1(mh, model):
    check = "import os\nfrom safetensors.numpy import load_file\n"
    check += "w = load_file(os.environ['MH_MODEL'])['encoder.layer.0.weight']\n"
    check += "assert len(set(w.ravel().tolist())) > 2\nprint('{\"a\": 1}')\n"
    (model / "check.py").write_text(check)
    mh("commit", "-m", "a check")
    words = ("--", sys.executable, "check.py")
    done = mh("eval-precision", "HEAD:model.safetensors", "--as", "quantized-1", "--as", "fixed8", *words)
    assert "the command ended with 1" in done.out.splitlines()[3]
    mh("eval-precision", "HEAD:model.safetensors", "--as", "quantized-1", *words, code=1)


def test_what_goes_wrong_has_its_code_and_a_hint(mh, model):
    place = "HEAD:model.safetensors"
    assert "--" in mh("eval-precision", place, code=2).err
    assert "no such command" in mh("eval-precision", place, "--", "no-such-program", code=2).err
    assert "is empty" in mh("eval-precision", place, "--", "", code=2).err
    assert "one of: float16" in mh("eval-precision", place, "--as", "int4", "--", "true", code=2).err
    assert "JSON" in mh("eval-precision", place, "--", "true", code=7).err
    assert "ended with 1" in mh("eval-precision", place, "--", "false", code=7).err
    mh("eval-precision", "HEAD:train.py", "--", "true", code=2)
    mh("eval-precision", "HEAD:nope", "--", "true", code=4)


def test_it_fits_a_narrow_terminal(model, screen):
    words = ("eval-precision", "HEAD:model.safetensors", "--as", "fixed8", "--", sys.executable, "count.py")
    lines = plain_text(screen(*words, columns=60).out).splitlines()[-3:]
    assert max(map(len, lines)) <= 60
    assert [line.split()[0] for line in lines] == ["scheme", "as", "fixed8"]
