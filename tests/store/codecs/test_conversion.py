"""Bases are read as other kinds of float, or turned, by rules that the bits alone decide."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from contracts.codec import SPECIAL
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.codecs.conversion import converted, transposed
from modelhub.store.item import FLOAT_KINDS, Item

FORMAT = {"float64": (11, 52), "float32": (8, 23), "float16": (5, 10), "bfloat16": (8, 7)}
"""Bits of exponent and of fraction."""

CODES = {2: "H", 4: "I", 8: "Q"}
PAIRS = [(old, new) for old in FLOAT_KINDS for new in FLOAT_KINDS if old != new]


def bits_of(kind: str) -> int:
    return 8 * Item.of(kind).nbytes


def pack(kind: str, numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}{CODES[bits_of(kind) // 8]}", *numbers)


def unpack(kind: str, data: bytes) -> list[int]:
    return list(struct.unpack(f"<{8 * len(data) // bits_of(kind)}{CODES[bits_of(kind) // 8]}", data))


def value_of(kind: str, bits: int) -> Fraction | str:
    """Return the size that a pattern stands for, exactly; 'inf' and 'nan' by name."""
    width, fraction_bits = FORMAT[kind]
    exponent, fraction = bits >> fraction_bits & (1 << width) - 1, bits & (1 << fraction_bits) - 1
    if exponent == (1 << width) - 1:
        return "nan" if fraction else "inf"
    lead = (1 << fraction_bits) if exponent else 0
    return Fraction(lead + fraction) * Fraction(2) ** (max(exponent, 1) - (1 << width - 1) + 1 - fraction_bits)


def nearest(kind: str, size: Fraction) -> int:
    """Return the pattern, without its sign, nearest to a size, ties to even: patterns are in the order of sizes."""
    width, fraction_bits = FORMAT[kind]
    bias = (1 << width - 1) - 1
    octave = size.numerator.bit_length() - size.denominator.bit_length()
    octave -= size < Fraction(2) ** octave
    exponent = 1 - bias if not size else min(max(octave, 1 - bias), bias)
    steps = round(size / Fraction(2) ** (exponent - fraction_bits))  # to even, as Fraction rounds
    pattern = steps + (exponent - 1 + bias << fraction_bits)
    return min(pattern, (1 << width) - 1 << fraction_bits)


def expected(old: str, new: str, bits: int) -> int:
    """Return what the page says a pattern becomes (docs/reference/format/pack.md)."""
    sign = bits >> bits_of(old) - 1
    if old == "bfloat16" and new == "float32":
        return bits << 16
    width, fraction_bits = FORMAT[new]
    top = sign << bits_of(new) - 1
    infinity = (1 << width) - 1 << fraction_bits
    value = value_of(old, bits)
    if not isinstance(value, Fraction):
        return top | infinity | (1 << fraction_bits - 1 if value == "nan" else 0)
    middle = nearest("float32", value)
    if (old, new) != ("float32", "bfloat16") and middle < 1 << 23:
        return top
    single = value_of("float32", middle)
    return top | (nearest(new, single) if isinstance(single, Fraction) else infinity)


def patterns(kind: str) -> st.SearchStrategy[int]:
    """Any bits, and often ones that conversions stumble on."""
    top = (1 << bits_of(kind)) - 1
    reals = st.floats(width=64) | st.sampled_from(
        [65504.0, 65519.99, 65520.0, 2.0**-24, 2.0**-25, 2.0**-126, 2.0**-127, 2.0**-149, 3.4e38, 3.402824e38, 1e39]
    )
    return st.sampled_from(SPECIAL[kind]) | st.integers(0, top) | reals.map(lambda value: _near(kind, value))


def _near(kind: str, value: float) -> int:
    sign = int(math.copysign(1, value) < 0) << bits_of(kind) - 1
    if math.isfinite(value):
        return sign | nearest(kind, abs(Fraction(value)))
    width, fraction_bits = FORMAT[kind]
    return sign | (1 << width) - 1 << fraction_bits | (1 if math.isnan(value) else 0)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_every_number_becomes_what_the_format_says(old: str, new: str) -> None:
    @given(numbers=st.lists(patterns(old), min_size=1, max_size=40))
    @settings(max_examples=40, deadline=None)
    def check(numbers: list[int]) -> None:
        found = unpack(new, bytes(converted(pack(old, numbers), old, new)))
        assert [hex(one) for one in found] == [hex(expected(old, new, number)) for number in numbers]

    check()


@pytest.mark.parametrize("new", ["float64", "float32", "bfloat16"])
def test_every_third_float16_becomes_what_the_format_says(new: str) -> None:
    numbers = list(range(0, 1 << 16, 3))
    assert unpack(new, bytes(converted(pack("float16", numbers), "float16", new))) == [
        expected("float16", new, number) for number in numbers
    ]


@pytest.mark.parametrize("new", ["float64", "float32", "float16"])
def test_every_third_bfloat16_becomes_what_the_format_says(new: str) -> None:
    numbers = list(range(0, 1 << 16, 3))
    assert unpack(new, bytes(converted(pack("bfloat16", numbers), "bfloat16", new))) == [
        expected("bfloat16", new, number) for number in numbers
    ]


@pytest.mark.parametrize(("wide", "narrow"), [("float32", "bfloat16"), ("float32", "float16"), ("float64", "float32")])
def test_casts_are_those_of_the_libraries_people_use(wide: str, narrow: str) -> None:
    kinds = {"bfloat16": ml_dtypes.bfloat16}
    values = (np.random.default_rng(1).standard_normal(20_000) * 0.05).astype(wide)
    assert bytes(converted(values.tobytes(), wide, narrow)) == values.astype(kinds.get(narrow, narrow)).tobytes()


@pytest.mark.parametrize(("narrow", "wide"), [("bfloat16", "float32"), ("float16", "float32"), ("float32", "float64")])
def test_what_was_widened_comes_back(narrow: str, wide: str) -> None:
    values = (np.random.default_rng(1).standard_normal(5000) * 0.05).astype(np.float32).tobytes()
    block = values if narrow == "float32" else bytes(converted(values, "float32", narrow))
    assert bytes(converted(converted(block, narrow, wide), wide, narrow)) == block


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_nothing_stays_nothing(old: str, new: str) -> None:
    assert bytes(converted(b"", old, new)) == b""


@pytest.mark.parametrize(("old", "new"), [("int32", "float32"), ("float32", "int32"), ("bytes", "float16")])
def test_what_is_no_float_is_refused(old: str, new: str) -> None:
    with pytest.raises(IntegrityError, match="cannot be read as"):
        converted(bytes(16), old, new)


@given(
    rows=st.integers(1, 9),
    columns=st.integers(0, 9),
    width=st.sampled_from([1, 2, 3, 4, 8, 18]),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_a_transpose_is_one(rows: int, columns: int, width: int, data: st.DataObject) -> None:
    content = data.draw(st.binary(min_size=rows * columns * width, max_size=rows * columns * width))
    turned = bytes(transposed(content, rows, width))
    cells = [content[at : at + width] for at in range(0, len(content), width)]
    assert turned == b"".join(cells[row * columns + column] for column in range(columns) for row in range(rows))
    if columns:
        assert bytes(transposed(turned, columns, width)) == content


@pytest.mark.parametrize(("nbytes", "rows"), [(16, 0), (16, 3), (10, 1), (16, 5)])
def test_what_is_no_matrix_is_refused(nbytes: int, rows: int) -> None:
    with pytest.raises(IntegrityError, match="no matrix"):
        transposed(bytes(nbytes), rows, 4)
