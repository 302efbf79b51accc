"""A real logging process, killed at random times: everything it had logged is there, and the run shows as cut off."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from contracts.logged_run import pending

from modelhub.runs.log import read_log
from modelhub.runs.pending import fold_pending, is_going, list_pending, read_pending, signature

KILLS = 8

LOOP = """
import sys
from pathlib import Path
from contracts.logged_run import FIRST, begin
from modelhub.repository.layout import Layout
from modelhub.runs.live import LiveRun
from modelhub.runs.notes import Tags

layout, joins = Layout(Path(sys.argv[1])), sys.argv[2] == "join"
run = LiveRun.join(layout, FIRST) if joins else begin(layout)
name = "joined" if joins else "loss"
step = 0
while True:
    run.points(step, 1_700_000_000_000 + step, {name: step / 7, "lr": 0.1})
    step += 1
    if step % 1000 == 0:
        run.note(Tags({"step": str(step)}))
        print(step, flush=True)
"""


def logging_process(root: Path, how: str = "begin") -> subprocess.Popen[str]:
    folders = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
    return subprocess.Popen(
        [sys.executable, "-c", LOOP, str(root), how],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(process: subprocess.Popen[str]) -> int:
    """Kill a process; return the last step that it told of."""
    process.send_signal(signal.SIGKILL)
    told = process.communicate()[0].split()
    return int(told[-1]) if told else 0


@pytest.mark.parametrize("number", range(KILLS))
def test_all_that_a_killed_process_logged_is_there(repo, number: int) -> None:
    process = logging_process(repo.layout.root)
    first = int(process.stdout.readline())
    time.sleep(random.Random(number).uniform(0, 0.05))
    assert read_pending(repo, pending(repo.layout)).status == "running"
    before = signature(repo.layout)
    told = max(first, kill(process))
    assert signature(repo.layout) != before
    found = fold_pending(pending(repo.layout))
    steps, _, values = found.series["loss"]
    assert len(steps) >= told
    assert steps.tolist() == list(range(len(steps)))
    assert values.tolist() == [step / 7 for step in range(len(steps))]
    content = read_log(pending(repo.layout).folder / "log")
    assert content.sound_nbytes == content.nbytes
    assert found.run.status == "interrupted"
    assert found.run.ended == 1_700_000_000_000 + len(steps) - 1
    assert int(found.run.tags["step"]) >= told


def test_a_run_goes_on_while_a_process_that_joined_it_does(repo) -> None:
    main = logging_process(repo.layout.root)
    main.stdout.readline()
    joined = logging_process(repo.layout.root, "join")
    joined.stdout.readline()
    kill(main)
    assert is_going(pending(repo.layout))
    told = kill(joined)
    assert not is_going(pending(repo.layout))
    found = fold_pending(pending(repo.layout))
    assert len(found.series["joined"][0]) >= max(told, 1000)
    assert len(found.series["lr"][0]) == len(found.series["joined"][0]) + len(found.series["loss"][0])
    assert found.run.status == "interrupted"


def test_a_process_killed_while_it_begins_leaves_a_run_or_none(repo) -> None:
    chance = random.Random(7)
    for _ in range(6):
        process = logging_process(repo.layout.root)
        time.sleep(chance.uniform(0.05, 0.4))
        kill(process)
        for run in list_pending(repo.layout):
            assert read_pending(repo, run).status == "interrupted"
            break
        else:
            continue
        break
