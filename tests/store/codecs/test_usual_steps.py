"""Steps that are nearly always the same for a sign and mantissa come back, and so do all others."""

from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.codecs.usual_steps import UsualReader, pack_usual


@st.composite
def moved(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw rows of numbers, which of them moved by a step that their mantissa has, and what a share of those became."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    shape = draw(st.integers(1, 40)), draw(st.integers(1, 70))
    marks = rng.random(shape[0]) < draw(st.sampled_from([0.1, 0.9, 1]))
    marks[0] = True
    old = rng.integers(0, 1 << 32, shape).astype(np.uint32)
    new = old + rng.integers(0, 1 << 32, 64).astype(np.uint32)[(old >> np.uint8(18)) % np.uint8(64)]
    others = rng.random(shape) < draw(st.sampled_from([0, 0.01, 0.5, 1]))
    new[others] = rng.integers(0, 1 << 32, shape).astype(np.uint32)[others]
    return new, old, marks


@given(case=moved(), cuts=st.lists(st.integers(0, 40), max_size=3))
def test_all_steps_of_marked_rows_come_back_piece_by_piece(case, cuts: list[int]) -> None:
    new, old, marks = case
    length = new.shape[1]
    packed = pack_usual(new[marks].reshape(-1), old[marks].reshape(-1))
    reader = UsualReader(memoryview(packed), int(marks.sum()) * length)
    bounds = sorted({0, len(new), *(min(cut, len(new)) for cut in cuts)})
    out = np.zeros_like(new)
    for begin, end in pairwise(bounds):
        reader.walk(old[begin:end].reshape(-1), marks[begin:end], out[begin:end].reshape(-1), length)
    assert out.tobytes() == np.where(marks[:, None], new, np.uint32(0)).tobytes()


def test_usual_steps_alone_cost_a_table() -> None:
    old = np.full(10_000, 0x3F800000, np.uint32)
    assert len(pack_usual(old + np.uint32(7), old)) == 8 + 4 * 64


def test_what_does_not_lie_among_the_elements_is_refused() -> None:
    old = np.full(1000, 0x3F800000, np.uint32)
    new = old.copy()
    new[500] += np.uint32(3)
    packed = pack_usual(new, old)
    UsualReader(memoryview(packed), 501)
    others, nbytes = struct.unpack_from("<II", packed)
    wrong = [packed[:7], packed[:263], packed[:-1]]
    wrong += [
        struct.pack("<II", *values) + packed[8:] for values in ((0, nbytes), (2, nbytes), (0, 0), (others, 1 << 20))
    ]
    for one in wrong:
        with pytest.raises(IntegrityError):
            UsualReader(memoryview(one), 1000)
    with pytest.raises(IntegrityError):
        UsualReader(memoryview(packed), 500)
