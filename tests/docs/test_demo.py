"""Tests that the demo runs, and that what is shown of it is what it printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from contracts.pages import ROOT, normalised, read_blocks

TRANSCRIPT = ROOT / "examples" / "digits" / "transcript.txt"
README = ROOT / "README.md"


def shown_blocks() -> list[list[str]]:
    return [block.text.splitlines() for block in read_blocks(README.read_text("utf-8")) if block.language == "console"]


def pieces(lines: list[str]) -> list[str]:
    """The stretches between lines of `…`, with ids, times and sizes by kind."""
    text = "\n".join(normalised(line) for line in lines)
    return [piece.strip("\n") for piece in re.split(r"^…$", text, flags=re.MULTILINE) if piece.strip()]


@pytest.mark.parametrize("lines", shown_blocks(), ids=lambda lines: lines[0])
def test_the_readme_shows_what_the_demo_printed(lines: list[str]) -> None:
    printed = "\n" + "\n".join(normalised(line) for line in TRANSCRIPT.read_text("utf-8").splitlines()) + "\n"
    position = 0
    for piece in pieces(lines):
        found = printed.find(f"\n{piece}\n", position)
        assert found >= 0, f"not in the transcript, in this order:\n{piece}"
        position = found + len(piece)


def test_the_readme_begins_with_the_two_commands() -> None:
    first = next(block for block in read_blocks(README.read_text("utf-8")))
    assert [line.split("  ")[0].split(" #")[0] for line in first.text.splitlines()] == ["make demo", "make test"]


def commands(text: str) -> list[str]:
    """The commands of a transcript, numbers left out: another processor trains other weights."""
    return [re.sub(r"[\d.]+", "#", line) for line in text.splitlines() if line.startswith("$ ")]


def test_the_demo_runs_and_does_what_the_transcript_says(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    new = tmp_path / "transcript.txt"
    demo = ROOT / "examples" / "digits" / "demo.py"
    done = subprocess.run(
        [sys.executable, str(demo), "--transcript", str(new)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert commands(new.read_text("utf-8")) == commands(TRANSCRIPT.read_text("utf-8"))
    assert "when it was committed: the same." in new.read_text("utf-8")
