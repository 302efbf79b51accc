"""A run that is over becomes objects: always the same ones, with all that was logged and printed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from contracts.logged_run import FIRST, GONE, begin, finished, log_of, pending
from contracts.project import ADA, START_MS

from modelhub.errors import StateError
from modelhub.repository.objects import Derivation, Evaluation, Run, Usage, decode, encode
from modelhub.repository.repository import Repository
from modelhub.runs.live import LiveRun
from modelhub.runs.notes import Derived, End, Evaluated, Goals, Input, Output, Params
from modelhub.runs.pending import PendingRun, list_pending, points_of, read_pending
from modelhub.runs.seal import discard, release, seal, seal_imported

OID = "ab" * 32


def sealed(repo: Repository, run: PendingRun) -> tuple[str, Run]:
    with repo.store.writer() as writer:
        result = seal(repo, writer, run)
        writer.publish()
    return result


def test_a_run_becomes_one_object_with_all_that_was_said(repo) -> None:
    run = begin(repo.layout, params={"lr": 0.1}, command=("python", "train.py"), environment={"python": "3.11"})
    run.note(Params({"seed": 1}))
    run.note(Goals({"loss": "min"}))
    usage = Usage("model.bin", OID, 5, step=2)
    for _ in range(2):
        run.note(Output(usage))
    run.note(Input(Usage("data", OID, 0, mode="tree", kept=False)))
    derivation = Derivation("model.bin", "fine-tune", OID, "base.bin")
    run.note(Derived(derivation))
    run.note(Evaluated("loss", Evaluation(OID, "data")))
    run.points(1, START_MS + 10, {"loss": 0.5})
    out = run.stream("stdout")
    out.append(b"hello\n" * 1_000_000)
    out.close()
    run.stream("stderr").close()
    run.note(End(START_MS + 20, "failed", 3))
    run.close()
    oid, made = sealed(repo, pending(repo.layout))
    found = repo.get(oid, Run)
    assert found == made
    assert decode(encode(found), Run, oid) == found
    assert (found.id, found.status, found.started, found.ended, found.exit_code) == (
        FIRST, "failed", START_MS, START_MS + 20, 3,
    )  # fmt: skip
    assert found.params == {"lr": 0.1, "seed": 1}
    assert found.goals == {"loss": "min"}
    assert found.outputs == (usage,)
    assert [one.path for one in found.inputs] == ["data"]
    assert found.derivations == (derivation,)
    assert found.evaluations["loss"].data == OID
    assert repo.store.read(found.stdout) == b"hello\n" * 1_000_000
    assert found.stderr is None
    assert points_of(repo, found)["loss"][2].tolist() == [0.5]


def test_a_run_without_points_has_no_points_object(repo) -> None:
    oid, run = sealed(repo, finished(repo.layout, points=0))
    assert (run.points, run.series, run.stdout) == (None, (), None)
    assert points_of(repo, repo.get(oid, Run)) == {}


def test_the_same_log_gives_the_same_object_in_another_process(repo) -> None:
    logged = finished(repo.layout, points=1000)
    oid, _ = sealed(repo, logged)
    assert sealed(repo, pending(repo.layout))[0] == oid
    script = (
        "import sys; from pathlib import Path\n"
        "from modelhub.repository.repository import Repository\n"
        "from modelhub.runs.pending import list_pending\n"
        "from modelhub.runs.seal import seal\n"
        "repo = Repository.find(Path(sys.argv[1]))\n"
        "with repo.store.writer() as writer: print(seal(repo, writer, list_pending(repo.layout)[0])[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(repo.layout.root)],
        env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == oid


def test_the_same_logs_of_several_processes_give_the_same_object_wherever_they_lie(repo, tmp_path, act) -> None:
    run = begin(repo.layout, owner=GONE)
    for number in range(3):
        joined = LiveRun.join(repo.layout, FIRST)
        for step in range(10):
            joined.points(step, START_MS + step, {"loss": number, f"rank{number}": step})
        joined.note(Params({"last": number}))
        joined.close()
    run.note(End(START_MS + 99, "finished"))
    run.close()
    other = tmp_path / "other"
    other.mkdir()
    second = Repository.create(other, act)
    shutil.copytree(repo.layout.runs, second.layout.runs)
    assert sealed(repo, pending(repo.layout)) == sealed(second, pending(second.layout))


def test_a_run_that_goes_on_is_not_sealed(repo) -> None:
    run = begin(repo.layout)
    with pytest.raises(StateError, match="still going on"):
        sealed(repo, pending(repo.layout))
    run.close()


def test_a_released_run_is_pending_again_as_the_same_object(repo) -> None:
    oid, run = sealed(repo, finished(repo.layout))
    discard(repo.layout, pending(repo.layout))
    assert list(repo.layout.runs.iterdir()) == []
    release(repo.layout, run.id, oid)
    again = pending(repo.layout)
    assert (again.id, again.sealed) == (FIRST, oid)
    assert read_pending(repo, again) == run
    assert sealed(repo, again) == (oid, run)
    discard(repo.layout, again)
    assert list_pending(repo.layout) == ()


def test_a_released_run_counts_as_sealed_where_its_log_is_still_there(repo) -> None:
    oid, _ = sealed(repo, finished(repo.layout))
    release(repo.layout, FIRST, oid)
    assert log_of(repo.layout).exists()
    assert pending(repo.layout).sealed == oid


def test_discarding_cut_short_is_finished_by_the_next_one(repo) -> None:
    finished(repo.layout)
    left = repo.layout.runs / f"{FIRST}-0a0b0c0d.gone"
    left.mkdir()
    (left / "log").write_text("x")
    discard(repo.layout, pending(repo.layout))
    assert list(repo.layout.runs.iterdir()) == []


def test_an_imported_run_is_stored_with_its_series(repo) -> None:
    steps = np.arange(5)
    run = Run("00000000000000cc", "old", "finished", ADA, START_MS, START_MS + 9, 0, origin="elsewhere")
    with repo.store.writer() as writer:
        oid = seal_imported(writer, run, {"acc": (steps, steps + START_MS, steps / 10)})
        empty = seal_imported(writer, run, {})
        writer.publish()
    found = repo.get(oid, Run)
    assert [(one.name, one.points, one.last) for one in found.series] == [("acc", 5, 0.4)]
    assert points_of(repo, found)["acc"][2].tolist() == (steps / 10).tolist()
    assert repo.get(empty, Run) == run
