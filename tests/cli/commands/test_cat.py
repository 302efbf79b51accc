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


def test_rows_of_a_tensor_come_alone(mh, written, project):
    expected = load_file(project / "model.safetensors")["encoder.layer.1.weight"]
    place = ["cat", "v2:model.safetensors", "-t", "encoder.layer.1.weight", "--rows"]
    assert written(*place, "2:4", "--raw") == expected[2:4].tobytes()
    assert np.array_equal(np.load(io.BytesIO(written(*place, "-3:", "--npy"))), expected[-3:])
    assert mh(*place, ":1").out.startswith("float32 [1, 8]\n")
    assert mh(*place, "9:").out.startswith("float32 [0, 8]\n")
    shown = mh(*place, "1:2", "--json").json()
    assert shown["shape"] == [1, 8]
    assert np.array_equal(np.array(shown["values"], dtype=np.float32), expected[1:2])


def test_bounds_come_as_two_arrays(mh, written, project):
    values = load_file(project / "model.safetensors")["encoder.layer.1.weight"]
    place = ["cat", "v2:model.safetensors", "-t", "encoder.layer.1.weight", "--precision"]
    lower, upper = np.load(io.BytesIO(written(*place, "2", "--npy")))
    assert (lower <= values).all()
    assert (values <= upper).all()
    assert (lower < upper).all()
    shown = mh(*place, "2", "--rows", "0:1", "--json").json()
    assert shown["lower"] == lower[:1].tolist()
    assert shown["upper"] == upper[:1].tolist()
    mh(*place, "4", "-o", "both.npy")
    assert np.array_equal(np.load(project / "both.npy"), [values, values])
    lines = mh(*place, "1", "--rows", "2:3").out.splitlines()
    assert lines[0] == "float32 [1, 8]"
    assert {"lower", "upper"} < set(lines)
    assert "--raw has no bounds" in mh(*place, "2", "--raw", code=2).err
    mh(*place, "0", code=2)
    assert "--precision is for a tensor" in mh("cat", "v1:train.py", "--precision", "1", code=2).err


@pytest.mark.parametrize("rows", ["", "3", "a:b", "1:2:3", "1.5:2"])
def test_rows_that_are_none_are_refused(mh, project, rows):
    done = mh("cat", "v1:model.safetensors", "-t", "encoder.layer.0.bias", "--rows", rows, code=2)
    assert "names no rows" in done.err


def test_what_is_for_tensors_needs_one(mh, project):
    assert "--rows is for a tensor" in mh("cat", "v1:model.safetensors", "--rows", "0:1", code=2).err
    assert "--npy is for a tensor" in mh("cat", "v1:model.safetensors", "--npy", code=2).err


def test_a_file_and_a_tensor_are_written_to_files(mh, project):
    expected = load_file(project / "model.safetensors")["encoder.layer.0.bias"]
    mh("cat", "v2:model.safetensors", "-o", "old.safetensors")
    assert (project / "old.safetensors").read_bytes() == (project / "model.safetensors").read_bytes()
    place = ["cat", "v2:model.safetensors", "-t", "encoder.layer.0.bias"]
    assert mh(*place, "-o", "bias.npy").out == ""
    assert np.array_equal(np.load(project / "bias.npy"), expected)
    mh(*place, "--raw", "-o", "bias.bin")
    assert (project / "bias.bin").read_bytes() == expected.tobytes()
    assert "--json prints" in mh(*place, "--json", "-o", "bias.json", code=2).err


def test_a_file_that_cannot_be_read_whole_leaves_what_was_there(mh, project):
    (project / "old.bin").write_bytes(b"mine")
    mh("cat", "v1:nothing.bin", "-o", "old.bin", code=4)
    mh("cat", "v1:train.py", "-o", "nowhere/old.bin", code=4)
    assert (project / "old.bin").read_bytes() == b"mine"
    assert not list(project.glob("*.tmp"))


def test_a_name_that_is_nearly_right_is_told(mh, project):
    done = mh("cat", "v1:model.safetensors", "-t", "encoder.layer.0.bais", code=4)
    assert "did you mean 'encoder.layer.0.bias'" in done.err


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


def test_files_of_runs_are_printed_listed_restored_and_compared(mh, project):
    for number in (1, 2):
        mh("run", "--name", f"r{number}", "--param", f"n={number}", "--output", "out.txt", "--", "sh", "-c",
           f"echo {number} > out.txt")  # fmt: skip
    assert mh("cat", "r1:out.txt").out == "1\n"
    run = mh("runs", "--json").json()[0]["run"]
    assert mh("cat", f"{run[:6]}:out.txt").out == "2\n"
    assert mh("ls", "r1").out.split() == ["2", "B", "out.txt"]
    assert "out.txt" in mh("diff", "r1:out.txt", "r2:out.txt").out
    mh("commit", "-m", "take them in")
    mh("restore", "--source", "r1", "out.txt")
    assert (project / "out.txt").read_text() == "1\n"
    text = mh("compare", "r1", "r2").out
    assert [line.split() for line in text.splitlines()][-1] == ["n", "1", "2"]
    assert run[:10] in text


def test_a_path_that_only_a_run_has_stands_after_dashes(mh, project):
    mh("run", "--name", "made", "--output", "gone.txt", "--", "sh", "-c", "echo 1 > gone.txt")
    (project / "gone.txt").unlink()
    assert mh("ls", "made", "--", "gone.txt").out.split() == ["2", "B", "gone.txt"]
    assert "'gone.txt' is neither a version nor a file here" in mh("ls", "made", "gone.txt", code=2).err
    assert mh("ls", "made@7", code=4).err.startswith("error: the run")


def test_tensors_of_runs_are_read(mh, project):
    mh("run", "--name", "made", "--output", "model.safetensors", "--", "true")
    assert mh("cat", "made:model.safetensors", "-t", "encoder.layer.0.bias").out.startswith("float32 [8]")
    assert "encoder.layer.0.bias" in mh("ls", "made:model.safetensors").out


def test_a_run_in_the_place_of_a_version_is_told(mh, project):
    mh("run", "--name", "made", "--", "true")
    lines = ("show made", "log made", "diff made HEAD", "lineage made", "verify made", "checkout made", "tag x made")
    for line in lines:
        done = mh(*line.split(), code=4)
        assert "'made' is a run, not a version" in done.err, line
        assert "'mh runs made' shows it" in done.err
    assert "'made' is a run" in mh("query", "select * from tensor_diff('made', 'v1')", code=2).err
    done = mh("commit", "--allow-empty", "-m", "x", "--from", "made", code=7)
    assert "'made' is a run, not a version" in done.err
    assert "no branch, tag, commit or run is called 'nosuch'" in mh("cat", "nosuch:a", code=4).err
