"""Commands that move models are given memory that is there already."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from modelhub.cli.command_table import COMMANDS
from modelhub.cli.freed_memory import MOVES_MODELS

CODE = """
import resource
from modelhub.cli.freed_memory import keep_freed_memory
keep_freed_memory()
bytes(8 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    bytes(8 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_memory_that_was_freed_is_used_again_without_being_mapped_again() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
    pages_of_one = (8 << 20) // 4096
    assert int(done.stdout) < pages_of_one  # of twenty


def test_only_commands_there_are_move_models() -> None:
    assert set(COMMANDS) >= MOVES_MODELS
