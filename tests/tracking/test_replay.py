"""Tests of running a recorded command again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from contracts.project import ADA, Project

import modelhub
from modelhub.errors import StateError, UnsafePath
from modelhub.porcelain.find_run import find_run
from modelhub.repository.objects import Commit, Run, RunStatus, Usage
from modelhub.repository.repository import put
from modelhub.repository.trees import write_tree
from modelhub.runs.pending import list_pending, read_pending
from modelhub.store.object_writer import ObjectWriter
from modelhub.tracking.command_run import Outside
from modelhub.tracking.replay import ReplayResult, replay, why_not_replayable

PYTHON = sys.executable

TRAIN = """
import sys
import numpy as np
import modelhub as mh

random = np.random.default_rng({seed})
with mh.run("linear", params={{"lr": 0.1}}) as run:
    data = np.loadtxt("data/points.csv", delimiter=",")
    x, y = data[:, :1], data[:, 1:]
    w = random.standard_normal((1, 1)).astype(np.float32)
    for step in range(20):
        error = x @ w - y
        w -= (0.1 * (x.T @ error) / len(x)).astype(np.float32)
        run.log(step, {{"loss": float((error**2).mean())}})
    run.log_model("model.safetensors", {{"w": w}})
    print("done", sys.argv[1:])
"""


@pytest.fixture
def trained(project: Project) -> Project:
    project.write("data/points.csv", "".join(f"{x / 10},{x / 5}\n" for x in range(10)))
    project.write("train.py", TRAIN.format(seed=7))
    return project


def newest(project: Project) -> Run:
    runs = [read_pending(project.repo, item) for item in list_pending(project.repo.layout)]
    return max(runs, key=lambda run: run.started)


def again(project: Project, run: str, keep: Path | None = None, env: dict[str, str] | None = None) -> ReplayResult:
    act = project.act("replay")
    return replay(project.repo, act=act, run=run, outside=Outside(os.environ | (env or {}), stdout=2), keep=keep)


def test_a_deterministic_training_comes_out_identical(trained: Project, script, mh) -> None:
    mh("run", "--output", "model.safetensors", "--", PYTHON, "train.py")
    run = newest(trained)
    trained.write("train.py", "raise SystemExit('changed since')")
    trained.remove("data/points.csv")
    result = again(trained, run.id[:6])
    assert (result.run, result.exit_code, result.identical) == (run.id, 0, True)
    assert [(item.path, item.verdict) for item in result.outputs] == [("model.safetensors", "identical")]
    assert [(item.name, item.verdict, item.points_after) for item in result.metrics] == [("loss", "identical", 20)]
    assert result.packages == ()
    assert result.folder is None
    made = find_run(trained.repo, result.replay).run
    assert (made.replays, made.params, made.status) == (run.id, {"lr": 0.1}, "finished")
    assert "data/points.csv" not in trained.folder()


WARM = """
import numpy as np
import modelhub as mh

with mh.run("warm") as run:
    weights = {"w": np.zeros((1, 1), np.float32)}
    mh.load_into(weights, "HEAD:model.safetensors", run=run)
    run.log(0, loss=float(weights["w"][0, 0]))
    run.log_model("more.safetensors", {"w": weights["w"] + 1})
"""


def test_a_replay_starts_from_the_model_that_the_run_started_from(trained: Project, script, mh) -> None:
    mh("run", "--", PYTHON, "train.py")
    trained.write("warm.py", WARM)
    trained.commit("trained")
    mh("run", "--name", "warm", "--", PYTHON, "warm.py")
    trained.write("train.py", TRAIN.format(seed=8))
    mh("run", "--", PYTHON, "train.py")
    trained.commit("HEAD has another model")
    result = again(trained, "warm")
    assert (result.exit_code, result.identical) == (0, True)
    assert [(item.path, item.verdict) for item in result.outputs] == [("more.safetensors", "identical")]


def test_a_script_started_with_python_is_replayed_without_mh_run(trained: Project, script) -> None:
    script(TRAIN.format(seed=1), "--flag", "x y")
    run = newest(trained)
    assert run.command == (PYTHON, "train.py", "--flag", "x y")
    result = again(trained, run.id)
    assert result.identical
    assert find_run(trained.repo, result.replay).run.command == run.command


def test_a_commit_in_the_script_is_not_repeated(trained: Project, script) -> None:
    script(TRAIN.format(seed=1) + "made = run.commit('trained')\nprint(made.warnings)\n")
    head = trained.again().head_commit()
    (oid,) = trained.repo.get(head, Commit).runs
    result = again(trained, trained.repo.get(oid, Run).id)
    assert result.identical
    assert trained.repo.head_commit() == head


def test_chance_shows_by_how_far_and_from_which_step(trained: Project, mh) -> None:
    trained.write("train.py", TRAIN.format(seed="None").replace("0.1 * (x.T", "0 * (x.T"))
    mh("run", "--", PYTHON, "train.py")
    result = again(trained, newest(trained).id)
    (output,) = result.outputs
    (metric,) = result.metrics
    assert not result.identical
    assert (output.verdict, output.tensors) == ("differs", 1)
    assert output.relative is not None
    assert output.relative > 0
    assert (metric.verdict, metric.step) == ("differs", 0)
    assert metric.before != metric.after


def test_what_is_missing_or_new_or_longer_is_said(project: Project, mh) -> None:
    project.write(
        "train.py",
        "import modelhub as mh, os\n"
        "again = bool(os.environ.get('MH_FOLDER'))\n"
        "with mh.run() as run:\n"
        "    for i in range(3 if again else 2): run.log(loss=i)\n"
        "    run.log({'new' if again else 'old': 1})\n"
        "    name = 'b.bin' if again else 'a.bin'\n"
        "    open(name, 'wb').write(b'x')\n"
        "    run.output(name)\n"
        "    open('c.txt', 'w').write('then now'.split()[again])\n"
        "    run.output('c.txt')\n"
        "raise SystemExit(int(again))\n",
    )
    mh("run", "--", PYTHON, "train.py")
    result = again(project, newest(project).id)
    assert {item.path: item.verdict for item in result.outputs} == {
        "a.bin": "missing", "b.bin": "new", "c.txt": "differs"
    }  # fmt: skip
    metrics = {item.name: item for item in result.metrics}
    assert {name: item.verdict for name, item in metrics.items()} == {
        "loss": "differs", "old": "missing", "new": "new"
    }  # fmt: skip
    assert (metrics["loss"].step, metrics["loss"].before, metrics["loss"].after) == (2, None, 2.0)
    assert (result.exit_code_before, result.exit_code, result.identical) == (0, 1, False)


def test_inputs_that_nobody_kept_must_be_as_they_were(project: Project, mh, tmp_path) -> None:
    outside = tmp_path / "big.csv"
    outside.write_text("1")
    project.write(".mhignore", "cache/\n")
    project.write("cache/x.txt", "2")
    mh(
        "run", "--input", str(outside), "--input", "cache", "--output", "sum.txt", "--", "sh", "-c",
        f"cat {outside} cache/x.txt > sum.txt",
    )  # fmt: skip
    run = newest(project)
    assert again(project, run.id).identical
    outside.write_text("3")
    with pytest.raises(StateError, match="has changed"):
        again(project, run.id)
    outside.unlink()
    with pytest.raises(StateError, match="is gone"):
        again(project, run.id)


def test_a_run_starts_again_in_the_folder_below_the_top_it_was_started_in(project: Project, mh) -> None:
    project.write("sub/a.txt", "a")
    mh("run", "--output", "b.txt", "--", "cp", "a.txt", "b.txt", cwd=project.root / "sub")
    result = again(project, newest(project).id)
    assert [(item.path, item.verdict) for item in result.outputs] == [("sub/b.txt", "identical")]


def test_paths_into_the_folder_lead_to_the_copy(project: Project, mh) -> None:
    project.write("lib/part.py", "VALUE = 1\n")
    project.write("train.py", "import part; open('out.txt', 'w').write(f'{part.VALUE} {__file__}')\n")
    path = str(project.root / "lib")
    mh("run", "--output", "out.txt", "--", PYTHON, str(project.root / "train.py"), PYTHONPATH=f"{path}:{_sources()}")
    project.write("lib/part.py", "VALUE = 2\n")
    keep = project.root.parent / "again"
    result = again(project, newest(project).id, keep, {"PYTHONPATH": f"{path}:{_sources()}"})
    assert result.folder == str(keep)
    assert (keep / "out.txt").read_text() == f"1 {keep / 'train.py'}"


def test_a_version_named_by_head_is_the_one_it_was_then(project: Project, mh) -> None:
    project.save("model.bin", b"one")
    project.write(
        "train.py",
        "import modelhub as mh\nr = mh.run()\nopen('o', 'wb').write(r.input('HEAD:model.bin').read_bytes())\n",
    )
    mh("run", "--output", "o", "--", PYTHON, "train.py")
    run = newest(project)
    project.save("model.bin", b"two")
    assert again(project, run.id).identical


def test_a_folder_to_keep_must_be_empty(project: Project, mh) -> None:
    mh("run", "--", "true")
    with pytest.raises(StateError, match="not empty"):
        again(project, newest(project).id, project.root)


def test_what_cannot_be_replayed_says_why(project: Project, mh) -> None:
    mh("run", "--no-snapshot", "--", "true")
    with pytest.raises(StateError, match="folder was not recorded"):
        again(project, newest(project).id)
    with modelhub.run() as run, pytest.raises(StateError, match="not started by a command"):
        again(project, run.id)
    run = newest(project)
    assert "imported from mlflow" in (why_not_replayable(msgspec.structs.replace(run, origin="mlflow:1")) or "")
    assert "still going on" in (why_not_replayable(_as_if_started(run, "running")) or "")


def _as_if_started(run: Run, status: RunStatus) -> Run:
    return msgspec.structs.replace(run, command=("true",), status=status)


def _sources() -> str:
    return str(Path(__file__).parents[2])


def test_a_run_whose_paths_lead_out_of_the_folder_is_refused(project: Project, mh) -> None:
    mh("run", "--", "true")
    run = newest(project)
    for evil in (
        msgspec.structs.replace(run, id="1" * 16, environment={"folder": "../../up"}),
        msgspec.structs.replace(run, id="2" * 16, inputs=(Usage("../x", "0" * 64, 1, kept=False),)),
    ):
        with project.repo.writing(), project.repo.store.writer() as writer:
            oid = put(writer, evil)
            made = msgspec.structs.replace(_empty_commit(project, writer), runs=(oid,))
            project.repo.record(project.act(), project.repo.refs.advanced(put(writer, made)), writer=writer)
        with pytest.raises(UnsafePath):
            again(project, evil.id)


def test_a_module_of_the_folder_is_a_command_too(project: Project, mh) -> None:
    project.write("pack/train.py", "import modelhub as mh\nmh.run().finish()\n")
    subprocess.run([PYTHON, "-m", "pack.train", "x"], cwd=project.root, check=True, timeout=60)
    run = newest(project)
    assert run.command == (PYTHON, "-m", "pack.train", "x")
    assert again(project, run.id).exit_code == 0


def test_a_script_joins_from_wherever_it_runs(project: Project, mh, tmp_path) -> None:
    project.write("train.py", "import modelhub as mh, os\nos.chdir('/')\nmh.run().log(loss=1.0)\n")
    mh("run", "--", PYTHON, "train.py")
    assert [series.name for series in newest(project).series] == ["loss"]
    assert again(project, newest(project).id).identical


def _empty_commit(project: Project, writer: ObjectWriter) -> Commit:
    return Commit(write_tree(writer, {}), (), ADA, 0, 0, "made by hand")


def test_a_torch_training_is_replayed_bit_for_bit_after_its_version_is_committed(project: Project, mh) -> None:
    pytest.importorskip("torch")
    project.write(
        "train.py",
        "import torch, modelhub as mh\n"
        "torch.manual_seed(3)\n"
        "torch.set_num_threads(1)\n"
        "net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))\n"
        "optimizer = torch.optim.Adam(net.parameters(), 0.01)\n"
        "with mh.run('torch', params={'lr': 0.01}) as run:\n"
        "    for step in range(30):\n"
        "        x = torch.randn(32, 4)\n"
        "        loss = (net(x) - x.sum(1, keepdim=True)).square().mean()\n"
        "        optimizer.zero_grad(); loss.backward(); optimizer.step()\n"
        "        run.log(loss=loss)\n"
        "        if step % 10 == 9: run.log_model('net.safetensors', net)\n"
        "run.commit('trained')\n",
    )
    subprocess.run([PYTHON, "train.py"], cwd=project.root, check=True, timeout=120)
    result = again(project, "torch")
    assert result.identical
    assert [(item.step, item.verdict) for item in result.outputs] == [(step, "identical") for step in (9, 19, 29)]
    project.assert_sound()
