"""`mh repack` says what it saves, which versions are over the bound, and what the bound costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from modelhub.cli.commands.repack import _lines
from modelhub.porcelain.repack import RepackResult


def save_steps(mh, folder: Path, count: int) -> None:
    rng = np.random.default_rng(1)
    values, step = (rng.standard_normal((120, 130)).astype(np.float32) * scale for scale in (0.05, 1e-3))
    mh("init")
    for number in range(count):
        values = values + step
        save_file({"w": values}, folder / "m.safetensors")
        mh("commit", "-m", f"step {number}")


def test_what_it_saves_is_said_and_there_is_nothing_to_gain_twice(mh, folder: Path) -> None:
    save_steps(mh, folder, 4)
    dry = mh("repack", "--dry-run").out
    assert "would be encoded anew" in dry
    assert "  current " in dry
    assert "encoded anew" in mh("repack").out
    assert "nothing to gain" in mh("repack").out
    assert mh("repack", "--json").json()["encoded_anew"] == 0
    assert mh("fsck", "--full").code == 0


@pytest.mark.parametrize("text", ["0.5", "fast", "nan"])
def test_a_bound_that_is_none_is_refused_with_an_example(mh, folder: Path, text: str) -> None:
    mh("init")
    assert "--max-recreation 1.6x" in mh("repack", "--max-recreation", text, code=2).err


def test_without_a_repository_the_way_on_is_said(mh) -> None:
    assert "mh init" in mh("repack", code=4).err


def result(*, slow_now: int, slow_then: int, within_nbytes: int | None) -> RepackResult:
    return RepackResult(
        False, 9, 20, 0, 5000, 5000, 5000, 4.0, 6.0, slow_now, slow_then, within_nbytes, "current", ()
    )  # fmt: skip


def test_versions_over_the_bound_are_said_with_what_it_would_take() -> None:
    text = "\n".join(_lines(result(slow_now=3, slow_then=2, within_nbytes=7_000_000)))
    assert "2 versions took longer before than 4x, or 2.5x where a ref names it, and still may" in text
    assert "7.00 MB: mh repack --max-recreation 4x" in text
    assert "3 versions took longer before than 4x" in "\n".join(
        _lines(result(slow_now=3, slow_then=0, within_nbytes=None))
    )
    assert "longer" not in "\n".join(_lines(result(slow_now=0, slow_then=0, within_nbytes=None)))
