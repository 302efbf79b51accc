"""Size against accuracy is measured with a network that was really trained, in every format that loads."""

import io
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from contracts.project import safetensors
from contracts.trained import arrays, trained
from safetensors.numpy import save

from modelhub.errors import InvalidInputError, StateError
from modelhub.formats.extent import FileSource
from modelhub.formats.zip_walk import walk_zip
from modelhub.tracking.command_run import Outside
from modelhub.tracking.precision import Evaluation, eval_precision
from modelhub.tracking.printed_metric import last_metric
from modelhub.weights.schemes import fit, parse_scheme

EVALUATE = """
import json, os
import numpy as np
from safetensors.numpy import load_file

path = os.environ["MH_MODEL"]
assert os.path.samefile(path, os.path.join(os.getcwd(), os.path.basename(path)))
if path.endswith(".pt"):
    import torch

    state = {name: values.numpy() for name, values in torch.load(path, weights_only=True).items()}
else:
    state = np.load(path) if path.endswith(".npz") else load_file(path)
points = np.load("points.npz")

def linear(values, layer):
    return values @ state[layer + ".weight"].T + state[layer + ".bias"]

values = linear(points["inputs"], "0")
values = (values - values.mean(1, keepdims=True)) / np.sqrt(values.var(1, keepdims=True) + 1e-5)
values = np.maximum(values * state["1.weight"] + state["1.bias"], 0)
answers = linear(np.maximum(linear(values, "3"), 0), "5").astype(np.float64)
right = answers[np.arange(len(answers)), points["classes"]]
loss = float(np.mean(np.log(np.exp(answers).sum(1)) - right))
print("evaluated")
print(json.dumps({"accuracy": float((answers.argmax(1) == points["classes"]).mean()), "loss": loss}))
"""
RESULT = "print('{\"accuracy\": 0.5}')\n"


def points_bytes():
    """The points that `contracts.trained` trains on, and their classes."""
    inputs = torch.randn(512, 20, generator=torch.Generator().manual_seed(1))
    classes = (inputs @ torch.randn(20, 4, generator=torch.Generator().manual_seed(100))).argmax(1)
    buffer = io.BytesIO()
    np.savez(buffer, inputs=inputs.numpy(), classes=classes.numpy())
    return buffer.getvalue()


def torch_bytes():
    buffer = io.BytesIO()
    torch.save(trained(0).state_dict(), buffer)
    return buffer.getvalue()


def npz_bytes():
    buffer = io.BytesIO()
    np.savez(buffer, **arrays(trained(0)))
    return buffer.getvalue()


def measured(project, path, *schemes, script="evaluate.py", metric="", **evaluation):
    return eval_precision(
        project.repo,
        place=f"HEAD:{path}",
        evaluation=Evaluation((sys.executable, script), metric=metric, **evaluation),
        outside=Outside(os.environ),
        **({"schemes": schemes} if schemes else {}),
    )


@pytest.mark.timeout(600)
def test_fewer_bits_are_smaller_and_accuracy_goes_last(project):
    project.write("evaluate.py", EVALUATE)
    project.write("points.npz", points_bytes())
    project.save("model.safetensors", save(arrays(trained(0))))
    result = measured(project, "model.safetensors")
    rows = {row.scheme: row for row in result.rows}
    assert list(rows) == [
        "as it is", "bfloat16", "float16", "fixed16", "fixed8", "quantized-8", "quantized-4", "quantized-2"
    ]  # fmt: skip
    assert result.metric == "accuracy"
    assert result.raw_nbytes == 4 * sum(values.size for values in arrays(trained(0)).values())
    assert rows["as it is"].metric > 0.95
    assert abs(rows["float16"].change) < 0.01
    assert abs(rows["fixed8"].change) < 0.05
    assert rows["quantized-2"].share < rows["quantized-4"].share < rows["fixed8"].share < rows["as it is"].share < 1
    assert all(row.factor == pytest.approx(1 / row.share) for row in result.rows)
    assert rows["quantized-2"].relative > rows["quantized-4"].relative > rows["float16"].relative > 0
    assert not result.failed


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("path", "make"), [("model.pt", torch_bytes), ("model.npz", npz_bytes)])
def test_a_file_of_another_format_still_loads_with_the_same_result(project, path, make):
    project.write("evaluate.py", EVALUATE)
    project.write("points.npz", points_bytes())
    project.write(path, make())
    project.save("model.safetensors", save(arrays(trained(0))))
    schemes = ("float16", "quantized-1")
    one, other = (measured(project, name, *schemes, metric="loss") for name in (path, "model.safetensors"))
    assert [(row.metric, row.share) for row in one.rows] == [(row.metric, row.share) for row in other.rows]
    assert one.rows[2].change > 0.01


KEEP = "import os, shutil\nshutil.copy(os.environ['MH_MODEL'], os.environ['KEPT'])\n" + RESULT


@pytest.mark.parametrize(("path", "make"), [("model.pt", torch_bytes), ("model.npz", npz_bytes)])
def test_the_numbers_are_those_of_the_scheme_and_the_zip_is_whole(project, tmp_path, monkeypatch, path, make):
    import zipfile

    monkeypatch.setenv("KEPT", str(tmp_path / path))
    project.write("keep.py", KEEP)
    project.save(path, make())
    measured(project, path, "fixed8", script="keep.py")
    loaded = torch.load(tmp_path / path) if path.endswith("pt") else np.load(tmp_path / path)
    for name, values in arrays(trained(0)).items():
        coder = fit(parse_scheme("fixed8"), name, values)
        expected = coder.decode(coder.encode(values)) if values.ndim == 2 else values
        np.testing.assert_array_equal(np.asarray(loaded[name]), expected)
    assert zipfile.ZipFile(tmp_path / path).testzip() is None
    with FileSource(tmp_path / path) as source:
        assert walk_zip(source, "zip")
    assert os.path.getsize(tmp_path / path) == os.path.getsize(project.root / path)


def test_each_scheme_has_a_folder_of_its_own_with_the_files_of_the_version(project):
    script = "import os\nassert sorted(os.listdir()) == ['m.safetensors', 'run.py', 'sub'], os.listdir()\n"
    script += "assert open('sub/data.txt').read() == 'committed'\nopen('left.txt', 'w').close()\n" + RESULT
    project.write("run.py", script)
    project.write("sub/data.txt", "committed")
    project.save("m.safetensors", safetensors({"w": np.ones((64, 64), np.float32)}))
    project.write("sub/data.txt", "changed since")
    project.write("more.txt", "new")
    result = measured(project, "m.safetensors", "fixed8", "float16", script="run.py")
    assert [row.metric for row in result.rows] == [0.5, 0.5, 0.5]
    assert not (project.root / "left.txt").exists()


def test_a_command_that_fails_for_one_scheme_leaves_the_others(project):
    script = "import os, sys\nfrom safetensors.numpy import load_file\n"
    script += "w = load_file(os.environ['MH_MODEL'])['w']\nif len(set(w.ravel().tolist())) == 2: sys.exit(3)\n" + RESULT
    project.write("run.py", script)
    project.save("m.safetensors", safetensors({"w": np.random.default_rng(0).normal(0, 1, (64, 64)).astype("f4")}))
    result = measured(project, "m.safetensors", "quantized-1", "fixed8", script="run.py")
    assert [row.problem for row in result.rows] == ["", "the command ended with 3", ""]
    assert result.rows[1].share is not None
    assert not result.failed
    assert measured(project, "m.safetensors", "quantized-1", script="run.py").failed


def test_numbers_that_a_scheme_has_not_are_that_rows_problem(project):
    values = np.ones((64, 64), np.float32)
    values[0, 0] = np.inf
    project.write("run.py", RESULT)
    project.save("m.safetensors", safetensors({"w": values}))
    rows = measured(project, "m.safetensors", "fixed8", "bfloat16", script="run.py").rows
    assert "tensor 'w' has 1 values" in rows[1].problem
    assert rows[2].metric == 0.5


def test_what_fails_on_the_model_as_it_is_ends_it(project):
    project.write("fails.py", "raise SystemExit(4)\n")
    project.write("says.py", "print('nothing')\n")
    project.write("words.py", RESULT)
    project.save("m.safetensors", safetensors({"w": np.ones((8, 8), np.float32), "n": np.arange(3)}))
    with pytest.raises(StateError, match="ended with 4 on the model as it is"):
        measured(project, "m.safetensors", script="fails.py")
    with pytest.raises(StateError, match="no line of JSON"):
        measured(project, "m.safetensors", script="says.py")
    with pytest.raises(StateError, match="printed no 'loss'"):
        measured(project, "m.safetensors", script="words.py", metric="loss")
    with pytest.raises(InvalidInputError, match="there is no such command"):
        eval_precision(
            project.repo,
            place="HEAD:m.safetensors",
            evaluation=Evaluation(("no-such-program",)),
            outside=Outside(os.environ),
        )


def test_what_has_no_weights_or_no_version_is_refused(project):
    project.write("run.py", RESULT)
    project.save("n.safetensors", safetensors({"n": np.arange(3)}))
    with pytest.raises(InvalidInputError, match="no float tensors"):
        measured(project, "n.safetensors", script="run.py")
    with pytest.raises(InvalidInputError, match="no file of a version"):
        eval_precision(project.repo, place="HEAD", evaluation=Evaluation(("true",)), outside=Outside(os.environ))


def test_a_program_of_the_folder_that_versions_leave_out_is_found(project):
    os.makedirs(project.root / ".venv")
    project.write(".venv/evaluate", f"#!{sys.executable}\n{RESULT}", executable=True)
    project.save("m.safetensors", safetensors({"w": np.ones((64, 64), np.float32)}))
    for program in (".venv/evaluate", str(project.root / ".venv" / "evaluate")):
        found = eval_precision(
            project.repo,
            place="HEAD:m.safetensors",
            evaluation=replace(Evaluation((program,))),
            outside=Outside(os.environ),
            schemes=("fixed8",),
        )
        assert found.rows[1].metric == 0.5


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ('{"accuracy": 0.5}\n', ("accuracy", 0.5)),
        ('{"loss": 1}\nnoise\n{"name": "x", "good": true, "f1": 3, "n": 4}\n[1]\n{broken\n', ("f1", 3.0)),
        ('{"a": 1e999}', ("a", float("inf"))),
    ],
)
def test_the_metric_is_the_first_number_of_the_last_object(printed, expected):
    assert last_metric(printed) == expected


@pytest.mark.parametrize("printed", ["", "0.5", "[0.5]", '{"a": "b"}', '{"a": true}', "{" * 100_000])
def test_without_a_number_there_is_no_metric(printed):
    with pytest.raises(StateError):
        last_metric(printed)
