import os
import subprocess
import sys
from pathlib import Path

import pytest


def complete(folder, line):
    words = line.split(" ")
    env = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "_MH_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    command = [sys.executable, "-m", "modelhub"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return [found.partition(",")[2] for found in done.stdout.splitlines() if found]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("mh sta", ["status"]),
        ("mh re", ["replay", "restore", "reset", "repack", "reindex"]),
        ("mh checkout v", ["v1", "v2"]),
        ("mh switch m", ["main"]),
        ("mh switch v", []),
        ("mh diff --st", ["--staged"]),
        ("mh op l", ["log"]),
        ("mh commit --from H", ["HEAD"]),
    ],
)
def test_commands_options_and_names_are_completed(project, line, found):
    assert complete(project, line) == found


def test_outside_a_repository_nothing_is_completed(tmp_path):
    assert complete(tmp_path, "mh checkout v") == []
