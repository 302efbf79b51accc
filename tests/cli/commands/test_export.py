"""`mh export` says how large the copy is and what was lost, and ends as it should."""

import json
import os

import numpy as np
from safetensors.numpy import load_file, save_file


def test_a_copy_is_written_beside_the_model_and_said(mh, project):
    done = mh("export", "v1:model.safetensors", "--as", "float16")
    first, second, third, fourth = done.out.splitlines()
    assert first.startswith("model.float16.safetensors  ")
    assert "times smaller" in first
    assert second == "  4 tensors as float16"
    assert third.startswith("  largest relative error 0.0002")
    assert fourth == "  0 values became infinite, 0 became 0"
    assert "takes it in as a 'convert' of" in done.err
    committed = mh("commit", "-m", "copy").out
    assert "model.float16.safetensors: convert of" in committed
    edge = mh("query", "select relation, source_path from derivations", "--format", "csv").out.splitlines()[1]
    assert edge == "convert,model.safetensors"
    assert "convert (metadata)  model.safetensors" in mh("lineage", "HEAD:model.float16.safetensors").out


def test_paths_are_those_of_the_folder_one_is_in(mh, project, monkeypatch):
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    done = mh("export", "HEAD:../model.safetensors", "--as", "fixed8", "-o", "small.safetensors")
    assert done.out.startswith("small.safetensors")
    assert os.listdir(project / "sub") == ["small.safetensors"]
    assert mh("export", "HEAD:../model.safetensors", "--as", "fixed8").out.startswith("../model.fixed8.safetensors")


def test_a_copy_elsewhere_is_just_written(mh, project, tmp_path):
    done = mh("export", "HEAD:model.safetensors", "--as", "bfloat16", "-o", str(tmp_path / "x.safetensors"))
    assert (tmp_path / "x.safetensors").exists()
    assert "mh commit" not in done.err


def test_values_that_overflow_are_warned_of(mh, folder):
    mh("init")
    save_file({"a": np.array([1e6, 1.0], np.float32), "b": np.ones((2, 2), np.float32)}, folder / "m.safetensors")
    mh("commit", "-m", "large")
    done = mh("export", "HEAD:m.safetensors", "--as", "float16")
    assert "warning: 'a': 1 value too large for float16, now infinite" in done.err
    assert "1 value became infinite" in done.out
    assert load_file(folder / "m.float16.safetensors")["a"].tolist() == [np.inf, 1.0]


def test_a_copy_that_cannot_be_smaller_is_said(mh, folder):
    mh("init")
    save_file({"bias": np.ones(8, np.float32)}, folder / "m.safetensors")
    mh("commit", "-m", "vector")
    assert "the copy is as large" in mh("export", "HEAD:m.safetensors", "--as", "fixed8").err


def test_programs_get_every_tensor(mh, project):
    found = mh("export", "HEAD:model.safetensors", "--as", "quantized-2", "--json").json()
    assert found["relation"] == "quantize"
    assert found["kept"] == 2
    assert {item["name"] for item in found["tensors"]} == {f"encoder.layer.{layer}.weight" for layer in (0, 1)}
    assert json.dumps(found["tensors"])


def test_what_goes_wrong_has_its_code_and_a_hint(mh, project):
    mh("export", "HEAD:model.safetensors", "--as", "fixed8")
    assert "--force overwrites it" in mh("export", "HEAD:model.safetensors", "--as", "fixed8", code=3).err
    mh("export", "HEAD:model.safetensors", "--as", "fixed8", "--force")
    assert "one of: float16" in mh("export", "HEAD:model.safetensors", "--as", "int8", code=2).err
    mh("export", "HEAD:model.safetensors", code=2)
    mh("export", "HEAD:nope.safetensors", "--as", "fixed8", code=4)
    mh("export", "HEAD:train.py", "--as", "fixed8", code=2)
    mh("export", "nope:model.safetensors", "--as", "fixed8", code=4)
    assert (
        "no name of a safetensors file"
        in mh("export", "HEAD:model.safetensors", "--as", "fixed8", "-o", "m.pt", code=2).err
    )


def test_without_a_repository_it_says_so(mh, folder):
    assert "no modelhub repository" in mh("export", "HEAD:m.pt", "--as", "float16", code=4).err


def test_a_file_of_a_run_that_no_version_has_is_exported_without_a_parent(mh, project):
    mh("run", "--output", "new.safetensors", "--", "cp", "model.safetensors", "new.safetensors")
    (run,) = (item["run"] for item in mh("runs", "--json").json())
    done = mh("export", f"{run}:new.safetensors", "--as", "float16")
    assert "the lineage will not know it" in done.err
    assert (project / "new.float16.safetensors").exists()


def test_it_fits_a_narrow_terminal(project, screen):
    done = screen("export", "HEAD:model.safetensors", "--as", "fixed8", columns=40)
    assert "times smaller" in done.out
