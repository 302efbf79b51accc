"""The real command, killed at random times: this reaches the writes of SQLite too, which are not made in Python."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from contracts.answers import all_answers, forget_catalog
from contracts.project import Project, safetensors, weights

from modelhub.porcelain.log import log

KILLS = 25
LONGEST_S = 0.5


def test_a_commit_killed_at_random_times_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.save("model.safetensors", model(0), "first")
    chance = random.Random(20261123)
    known = {project.repo.head_commit(): project.folder()}
    written = [project.folder()]
    for number in range(1, KILLS + 1):
        project.write("model.safetensors", model(number))
        written.append(project.folder())
        run_and_kill(project.root, number, chance.uniform(0.05, LONGEST_S))
        repo = project.repo = project.again()
        head = repo.head_commit()
        known.setdefault(head, project.files_of(head))
        assert [entry.commit for entry in log(repo)] == list(reversed(known))
        assert known[head] in written
    project.assert_sound()
    for commit, files in known.items():
        assert project.files_of(commit) == files
    answers = all_answers(project.repo)
    forget_catalog(project.repo)
    assert all_answers(project.repo) == answers
    assert project.save("model.safetensors", model(KILLS + 1)) == project.repo.head_commit()


def model(number: int) -> bytes:
    return safetensors({f"layer.{one}": weights(number * 100 + one, 40, 40) for one in range(12)})


def run_and_kill(folder: Path, number: int, seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "modelhub", "commit", "-m", f"version {number}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
