"""Rows of tensors that lie in their bytes in other ways than in C order, and of dtypes without numbers."""

from __future__ import annotations

import numpy as np
import pytest

from modelhub.errors import InvalidInputError
from modelhub.weights.region import Region, in_order


def cut(region: Region, data: bytes, rows: slice) -> np.ndarray:
    part = region.rows(rows)
    return part.array(data[part.offset : part.offset + part.nbytes])


def test_rows_of_a_matrix_on_its_side() -> None:
    numbers = np.arange(24, dtype=np.float32)
    region = Region("float32", (6, 4), 96, strides=(1, 6))
    assert np.array_equal(cut(region, numbers.tobytes(), slice(2, 5)), numbers.reshape(4, 6).T[2:5])
    assert region.rows(slice(2, 5)).nbytes == 4 * (18 + 3)


def test_rows_of_a_view_begin_where_it_begins() -> None:
    numbers = np.arange(30, dtype=np.int16)
    region = Region("int16", (4, 3), 60, strides=in_order((4, 3)), start=10)
    part = region.rows(slice(1, 3))
    assert (part.offset, part.nbytes) == (26, 12)
    assert np.array_equal(cut(region, numbers.tobytes(), slice(1, 3)), numbers[13:19].reshape(2, 3))


def test_bfloat16_rows_come_widened() -> None:
    values = np.array([[1, 2], [3, -4]], np.float32)
    data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    assert np.array_equal(cut(Region("bfloat16", (2, 2), 8), data, slice(1, 2)), values[1:])


def test_rows_of_a_quantised_tensor_are_their_bytes() -> None:
    data = bytes(range(102))
    region = Region("q8_0", (3, 32), 102)
    assert cut(region, data, slice(1, 2)).tobytes() == data[34:68]
    assert cut(region, data, slice(None, None, -2)).tobytes() == data[68:] + data[:34]
    assert cut(region, data, slice(3, 3)).size == 0


def test_rows_of_halved_bytes_come_where_they_fill_bytes() -> None:
    data = bytes([0x21, 0x43, 0x65, 0x07])
    region = Region("float4_e2m1fn_x2", (2, 2), 4)
    whole = region.array(data)
    assert np.array_equal(cut(region, data, slice(1, 2)), whole[1:])
    with pytest.raises(InvalidInputError, match="packed together"):
        Region("float4_e2m1fn", (3, 3), 5).rows(slice(1))


def test_shapes_that_do_not_fit_their_bytes_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        cut(Region("float32", (4, 4), 16), bytes(16), slice(0, 2))
    with pytest.raises(InvalidInputError):
        Region("float32", (-1, 4), 16).rows(slice(1))
