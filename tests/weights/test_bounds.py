"""Bounds hold for every bit pattern of every kind of number, are the tightest, and say what may be NaN or infinite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelhub.errors import InvalidInputError
from modelhub.weights.bounds import Bounds, bounds, number_nbytes
from modelhub.weights.region import Region

WIDTHS = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
INTEGERS = {f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (16, 32, 64)}

_SPECIAL = {
    "float64": [0x7FF0 << 48, 0xFFF0 << 48, 0x7FF0000000000001, 0x7FF8 << 48, 0x7FEF << 48 | (1 << 48) - 1, 1, 1 << 63],
    "float32": [0x7F800000, 0xFF800000, 0x7F800001, 0x7FFFFFFF, 0x7F7FFFFF, 0x7F000000, 1, 1 << 31, 0x80000001],
    "float16": [0x7C00, 0xFC00, 0x7C01, 0x7D00, 0x7FFF, 0x7BFF, 1, 0x8000, 0x8001],
    "bfloat16": [0x7F80, 0xFF80, 0x7F81, 0x7FFF, 0x7F7F, 0x7F00, 1, 0x8000, 0x8001],
}
"""Infinities, NaN with small and large payloads, the largest finite number, the smallest, minus zero."""


def bits(dtype: str) -> st.SearchStrategy[int]:
    """Any bit pattern; the special ones often."""
    return st.sampled_from(_SPECIAL[dtype]) | st.integers(0, (1 << 8 * WIDTHS[dtype]) - 1)


def of(patterns: list[int], dtype: str, precision: int) -> tuple[Bounds, np.ndarray]:
    width = (WIDTHS | INTEGERS)[dtype]
    data = np.array(patterns, f"<u{width}").tobytes()
    region = Region(dtype, (len(patterns),), len(data))
    return bounds(region, data, precision), region.array(data)


def value_range(pattern: int, dtype: str, precision: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest of the numbers with these high-order bytes, by trying all of them (16 bits only)."""
    unknown = 8 * (2 - precision)
    every = [pattern >> unknown << unknown | low for low in range(1 << unknown)]
    data = np.array(every, "<u2").tobytes()
    values = Region(dtype, (len(every),), len(data)).array(data)
    numbers = values[~np.isnan(values)]
    return (numbers.min(), numbers.max()) if numbers.size else (np.nan, np.nan)


@settings(max_examples=400)
@given(data=st.data(), dtype=st.sampled_from(sorted(WIDTHS)))
def test_every_number_lies_between_its_bounds(data: st.DataObject, dtype: str) -> None:
    patterns = data.draw(st.lists(bits(dtype), max_size=20))
    precision = data.draw(st.integers(1, 9))
    found, values = of(patterns, dtype, precision)
    assert found.lower.dtype == found.upper.dtype == values.dtype
    assert found.lower.shape == found.upper.shape == values.shape
    is_nan = np.isnan(values)
    held = (found.lower <= values) & (values <= found.upper)
    assert held[~is_nan].all()
    finite = np.isfinite(found.lower) & np.isfinite(found.upper)
    assert np.isfinite(values[finite]).all()
    assert is_nan[np.isnan(found.lower)].all()
    assert np.array_equal(np.isnan(found.lower), np.isnan(found.upper))
    assert found.is_exact == (precision >= WIDTHS[dtype])
    if found.is_exact:
        assert np.array_equal(found.lower, values, equal_nan=True)


@settings(max_examples=60)
@given(data=st.data(), dtype=st.sampled_from(["float16", "bfloat16"]))
@example(data=None, dtype="float16")
@example(data=None, dtype="bfloat16")
def test_bounds_are_the_tightest_there_are(data: st.DataObject | None, dtype: str) -> None:
    patterns = _SPECIAL[dtype] if data is None else data.draw(st.lists(bits(dtype), min_size=1, max_size=8))
    found, _ = of(patterns, dtype, 1)
    least, greatest = zip(*(value_range(pattern, dtype, 1) for pattern in patterns), strict=True)
    assert np.array_equal(found.lower, np.array(least, found.lower.dtype), equal_nan=True)
    assert np.array_equal(found.upper, np.array(greatest, found.upper.dtype), equal_nan=True)


@settings(max_examples=200)
@given(data=st.data(), dtype=st.sampled_from(["float64", "float32"]))
def test_wide_bounds_are_values_with_the_same_high_order_bytes(data: st.DataObject, dtype: str) -> None:
    """So none could be tighter. What is surely NaN has none."""
    width = WIDTHS[dtype]
    precision = data.draw(st.integers(1, width - 1))
    patterns = data.draw(st.lists(bits(dtype), min_size=1, max_size=20))
    found, _ = of(patterns, dtype, precision)
    known = np.array(patterns, f"<u{width}") >> np.uint64(8 * (width - precision))
    for end in (found.lower, found.upper):
        pattern = end.view(f"<u{width}") >> np.uint64(8 * (width - precision))
        assert np.array_equal(pattern[~np.isnan(end)], known[~np.isnan(end)])


@settings(max_examples=200)
@given(data=st.data(), dtype=st.sampled_from(sorted(INTEGERS)))
def test_whole_numbers_are_bounded_in_twos_complement(data: st.DataObject, dtype: str) -> None:
    width = INTEGERS[dtype]
    patterns = data.draw(st.lists(st.integers(0, (1 << 8 * width) - 1), max_size=20))
    precision = data.draw(st.integers(1, width))
    found, values = of(patterns, dtype, precision)
    assert found.lower.dtype == values.dtype
    assert ((found.lower <= values) & (values <= found.upper)).all()
    gap = found.upper.astype(object) - found.lower.astype(object)
    assert all(one == (1 << 8 * (width - precision)) - 1 for one in gap)


def test_what_is_not_known_makes_no_difference() -> None:
    numbers = np.array([1.5, -2.25, 3e-40], np.float32)
    cut = (numbers.view(np.uint32) & np.uint32(0xFFFF0000)).tobytes()
    region = Region("float32", (3,), 12)
    one, two = bounds(region, numbers.tobytes(), 2), bounds(region, cut, 2)
    assert np.array_equal(one.lower, two.lower)
    assert np.array_equal(one.upper, two.upper)


def test_bounds_of_usual_numbers_by_hand() -> None:
    found, _ = of([0x3F800000, 0xBF800000, 0, 1 << 31], "float32", 2)
    assert found.lower.tolist() == [1.0, -1.0 - 2**-7 + 2**-23, 0.0, -(2**-133 - 2**-149)]
    assert found.upper.tolist() == [1.0 + 2**-7 - 2**-23, -1.0, 2**-133 - 2**-149, 0.0]
    assert np.signbit(found.upper).tolist() == [False, True, False, True]


def test_complex_numbers_are_bounded_part_by_part() -> None:
    values = np.array([1.5 - 2.25j, -3 + 0.1j], np.complex64)
    found = bounds(Region("complex64", (2,), 16), values.tobytes(), 2)
    assert found.lower.dtype == np.complex64
    for part in ("real", "imag"):
        low, value, high = (getattr(array, part) for array in (found.lower, values, found.upper))
        assert (low <= value).all()
        assert (value <= high).all()
        assert (high - low < np.abs(value) / 64).all()


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float8_e4m3fn", "q8_0", "float4_e2m1fn_x2"])
def test_numbers_of_a_byte_are_exact(dtype: str) -> None:
    data = bytes(range(68)) if dtype == "q8_0" else bytes([0, 1, 1, 0])
    shape = (2, 32) if dtype == "q8_0" else (2, 2)
    region = Region(dtype, shape, len(data))
    assert number_nbytes(dtype) == 1
    found = bounds(region, data, 1)
    assert found.is_exact
    assert np.array_equal(found.lower, region.array(data))


def test_rows_and_strides_are_kept() -> None:
    values = np.arange(12, dtype=np.float32) / 7
    found = bounds(Region("float32", (3, 4), 48, strides=(1, 3)), values.tobytes(), 2)
    assert (found.lower <= values.reshape(4, 3).T).all()
    assert (found.upper >= values.reshape(4, 3).T).all()
    nothing = bounds(Region("float32", (4, 3), 48).rows(slice(0, 0)), b"", 2)
    assert nothing.lower.shape == nothing.upper.shape == (0, 3)


def test_no_byte_is_no_precision() -> None:
    with pytest.raises(InvalidInputError):
        bounds(Region("float32", (1,), 4), bytes(4), 0)
