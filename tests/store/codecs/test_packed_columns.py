"""Columns of bytes come back, those alike lie in one file, and what is no such frame is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.codecs.packed_columns import pack_columns, unpack_columns
from modelhub.store.codecs.packed_integers import LEVEL


def round_trip(columns: np.ndarray) -> bytes:
    packed = pack_columns(columns, LEVEL)
    found = np.empty_like(columns)
    assert unpack_columns(memoryview(packed + b"rest"), found) == len(packed)
    assert np.array_equal(found, columns)
    return packed


@given(seed=st.integers(0, 1 << 20), shape=st.tuples(st.integers(1, 9), st.integers(1, 70)), top=st.integers(1, 256))
def test_columns_come_back(seed: int, shape: tuple[int, int], top: int) -> None:
    round_trip(np.random.default_rng(seed).integers(0, top, shape, np.uint8))


def test_columns_alike_are_packed_together_and_others_apart() -> None:
    rng = np.random.default_rng(1)
    small, large = rng.integers(0, 4, (3, 5000), np.uint8), rng.integers(100, 256, (2, 5000), np.uint8)
    packed = round_trip(np.concatenate([small, large]))
    assert struct.unpack_from("<H", packed) == (2,)
    assert [struct.unpack_from("<H", packed, 8 + 8 * run)[0] for run in range(2)] == [3, 2]


def test_noise_is_put_down_as_it_is() -> None:
    columns = np.random.default_rng(2).integers(0, 256, (1, 1000), np.uint8)
    assert round_trip(columns)[16:] == columns.tobytes()


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        bytes(7),
        bytes(8),
        struct.pack("<HxxI", 1, 7) + bytes(7),
        struct.pack("<HxxI HxxI", 1, 8, 1, 0),
        struct.pack("<HxxI HxxI", 1, 8 + 10, 0, 10) + bytes(10),
        struct.pack("<HxxI HxxI", 1, 8 + 30, 3, 30) + bytes(30),
        struct.pack("<HxxI HxxI", 1, 8 + 20, 2, 21) + bytes(20),
        struct.pack("<HxxI HxxI", 1, 8 + 21, 2, 20) + bytes(21),
        struct.pack("<HxxI HxxI", 1, 8 + 20, 2, 20) + bytes(19),
        struct.pack("<HxxI HxxI", 1, 8 + 10, 1, 10) + bytes(10),
    ],
)
def test_tables_that_do_not_fit_are_refused(frame: bytes) -> None:
    with pytest.raises(IntegrityError):
        unpack_columns(memoryview(frame), np.empty((2, 10), np.uint8))
