"""Killed at any instant, a command loses nothing that was acknowledged and needs no repair: it is simply run again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SWEEP = Path(__file__).with_name("sweep.py")
COMMANDS = (
    "init", "add", "commit-all", "commit-staged", "commit-run", "undo-run", "checkout", "restore", "reset-hard",
    "merge", "undo", "tag", "branch", "gc", "keep", "undo-keep", "gc-forgotten",
    "commit-many-packs", "gc-many-packs", "repack", "repack-phases", "repack-backwards",
    "repack-progressive", "reindex",
)  # fmt: skip


@pytest.fixture(scope="session")
def sweep() -> Iterator[Callable[..., tuple[int, str]]]:
    """Have sweeps made by one process, which has everything imported."""
    with subprocess.Popen([sys.executable, SWEEP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def make(*words: str) -> tuple[int, str]:
            print(json.dumps(words), file=process.stdin, flush=True)
            status, answer = json.loads(process.stdout.readline())
            return status, answer

        yield make
        process.stdin.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_acknowledged_is_lost_and_the_command_can_be_run_again(sweep, command: str) -> None:
    status, answer = sweep(command)
    assert status == 0, answer
    summary = json.loads(answer)
    assert summary["deaths"] > summary["calls"] > 8


@pytest.mark.parametrize(
    ("command", "sabotage"),
    [
        ("tag", "pointer-first"),
        ("commit-staged", "pointer-first"),
        ("tag", "in-place"),
        ("gc", "delete-first"),
        ("repack", "drop-first"),
        ("repack-phases", "drop-first"),
        ("repack-phases", "one-phase"),
    ],
)
def test_the_sweep_notices_a_broken_order(sweep, command: str, sabotage: str) -> None:
    status, answer = sweep(command, sabotage)
    assert status != 0
    assert "killed" in answer, answer
