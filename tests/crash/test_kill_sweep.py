"""Killed at any instant, a command loses nothing that was acknowledged and needs no repair: it is simply run again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SWEEP = Path(__file__).with_name("sweep.py")
COMMANDS = (
    "init", "add", "commit-all", "commit-staged", "commit-run", "undo-run", "checkout", "restore", "reset-hard",
    "merge", "undo", "tag", "branch", "gc", "keep", "undo-keep", "gc-forgotten",
    "commit-many-packs", "gc-many-packs", "repack", "repack-phases", "repack-backwards",
    "repack-progressive", "reindex",
)  # fmt: skip


def sweep(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SWEEP, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_acknowledged_is_lost_and_the_command_can_be_run_again(command: str) -> None:
    done = sweep(command)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
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
def test_the_sweep_notices_a_broken_order(command: str, sabotage: str) -> None:
    done = sweep(command, sabotage)
    assert done.returncode == 1
    assert "killed" in done.stderr, done.stderr
