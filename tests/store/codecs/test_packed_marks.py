"""Marks come back from their runs; runs that do not fit the items are refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.codecs.packed_integers import pack
from modelhub.store.codecs.packed_marks import pack_marks, unpack_marks


@given(marks=st.lists(st.booleans(), min_size=1, max_size=200).filter(any))
def test_marks_come_back(marks: list[bool]) -> None:
    packed = pack_marks(np.array(marks))
    found, nbytes = unpack_marks(memoryview(packed + b"rest"), len(marks))
    assert found.tolist() == marks
    assert nbytes == len(packed)


def test_a_few_scattered_marks_cost_what_telling_their_places_must() -> None:
    share, items = 0.01, 1 << 20
    marks = np.random.default_rng(1).random(items) < share
    entropy = -(share * np.log2(share) + (1 - share) * np.log2(1 - share)) * items / 8
    assert len(pack_marks(marks)) < 1.03 * entropy


def frame(gaps: list[int], lengths: list[int], *, runs: int | None = None) -> bytes:
    """Return a frame of runs of these lengths, with these gaps before them, that says to have so many."""
    parts = [pack(np.array(values, np.uint32)) for values in (gaps, lengths)]
    return struct.pack("<III", len(gaps) if runs is None else runs, *map(len, parts)) + b"".join(parts)


def test_a_frame_that_fits_is_read() -> None:
    marks, _ = unpack_marks(memoryview(frame([0, 2], [1, 3])), 7)
    assert marks.tolist() == [True, False, False, True, True, True, False]


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        bytes(12),
        frame([0, 2], [1, 3])[:-1],
        frame([0, 2], [1, 3], runs=3),
        frame([0, 2], [1, 3], runs=1),
        frame([0, 2], [1, 3], runs=1 << 31),
        frame([0, 2], [1, 5]),
        frame([0, 0], [1, 3]),
        frame([0, 2], [0, 3]),
        frame([0, 0xFFFFFFFF], [1, 3]),
        frame([0xFFFFFFFF, 0xFFFFFFFF], [0xFFFFFFFF, 0xFFFFFFFF]),
        frame([0] * 5, [1] * 5),
        struct.pack("<III", 1, 0xFFFFFFFF, 0),
    ],
)
def test_runs_that_do_not_fit_are_refused(packed: bytes) -> None:
    with pytest.raises(IntegrityError):
        unpack_marks(memoryview(packed), 7)
