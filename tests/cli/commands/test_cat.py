import io

import numpy as np
import pytest
from safetensors.numpy import load_file

from modelhub.cli.main import run


@pytest.fixture
def written(mh, project, monkeypatch):
    """Run a command and return the bytes it wrote."""

    def call(*words):
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with monkeypatch.context() as patched:
            patched.setattr("sys.stdout", out)
            assert run(list(words)) == 0
        return out.buffer.getvalue()

    return call


def test_a_file_comes_back_byte_for_byte(written, project):
    assert written("cat", "v2:model.safetensors") == (project / "model.safetensors").read_bytes()


def test_a_tensor_comes_as_its_bytes_or_as_npy(written, project):
    expected = load_file(project / "model.safetensors")["encoder.layer.0.bias"]
    place = ["cat", "v2:model.safetensors", "-t", "encoder.layer.0.bias"]
    assert written(*place, "--raw") == expected.tobytes()
    assert np.array_equal(np.load(io.BytesIO(written(*place, "--npy"))), expected)


def test_a_file_of_a_version_is_printed(mh, project):
    assert mh("cat", "v1:train.py").out == "lr = 1e-3\n"
    assert mh("cat", ":train.py").out == "lr = 1e-4\n"


def test_a_tensor_is_shown(mh, project):
    out = mh("cat", "v1:model.safetensors", "-t", "encoder.layer.0.bias").out
    assert out.startswith("float32 [8]\n[-1. ")


def test_json_has_every_value(mh, project):
    shown = mh("cat", "v1:model.safetensors", "-t", "encoder.layer.0.bias", "--json").json()
    expected = load_file(project / "model.safetensors")["encoder.layer.0.bias"]
    assert shown["shape"] == [8]
    assert np.array_equal(np.array(shown["values"], dtype=np.float32), expected)


def test_what_is_not_there_is_not_found(mh, project):
    mh("cat", "v1:nowhere", code=4)
    mh("cat", "v1:model.safetensors", "-t", "nope", code=4)
    mh("cat", "v1", code=2)
    mh("cat", "v1:train.py", "--npy", code=2)


def test_binary_files_are_kept_from_the_terminal(screen, project):
    shown = screen("cat", "v1:model.safetensors", code=7).out
    assert "it would upset the terminal" in shown
    assert screen("cat", "v1:train.py").out == "lr = 1e-3\n"


def test_a_file_without_a_version_leads_to_the_right_words(mh, project):
    done = mh("cat", "train.py", code=2)
    assert done.err == "error: 'train.py' names no version\nhint: as last committed: mh cat HEAD:train.py\n"


def test_a_path_may_begin_at_the_folder_one_is_in(mh, project, monkeypatch):
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    assert mh("cat", "v1:../train.py").out == "lr = 1e-3\n"
