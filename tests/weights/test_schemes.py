"""Schemes are known by name, change the tensors they should, and refuse what they cannot hold."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import InvalidInputError
from modelhub.weights.loss import Loss, measure
from modelhub.weights.schemes import SLICE_ELEMENTS, fit, parse_scheme, to_bytes
from modelhub.weights.written_tensor import WrittenTensor, are_codes

CODED = ["fixed16", "fixed8", *(f"quantized-{bits}" for bits in range(1, 9))]
ALL = ["float16", "bfloat16", *CODED]


@pytest.mark.parametrize(
    "text", ["", "float32", "fixed32", "fixed", "quantized-0", "quantized-9", "quantized-04", "fp16"]
)
def test_an_unknown_name_is_refused_with_those_there_are(text):
    with pytest.raises(InvalidInputError) as caught:
        parse_scheme(text)
    assert "quantized-8" in (caught.value.hint or "")


def test_a_dtype_is_a_conversion_and_codes_are_a_quantisation():
    assert {parse_scheme(name).relation for name in ("float16", "bfloat16")} == {"convert"}
    assert {parse_scheme(name).relation for name in CODED} == {"quantize"}


@pytest.mark.parametrize("name", ALL)
def test_whole_numbers_complex_and_small_floats_are_never_changed(name):
    for dtype in ("int64", "int8", "bool", "uint8", "complex64", "float8_e4m3fn", "q4_0"):
        assert not parse_scheme(name).changes(dtype, (100, 100))


@pytest.mark.parametrize("name", CODED)
def test_codes_are_for_matrices_that_get_smaller(name):
    scheme = parse_scheme(name)
    assert scheme.changes("float32", (100, 100))
    assert scheme.changes("float64", (8, 3, 5, 40))
    for shape in ((), (10_000,), (10_000, 1), (1, 10_000, 1), (0, 5), (1, 1)):
        assert not scheme.changes("float32", shape)


def test_a_table_that_is_larger_than_what_it_saves_is_not_made():
    assert not parse_scheme("quantized-8").changes("float32", (10, 20))
    assert parse_scheme("quantized-4").changes("float32", (10, 20))
    assert not parse_scheme("fixed16").changes("bfloat16", (100, 100))


def test_half_floats_are_for_every_float_of_another_dtype():
    scheme = parse_scheme("float16")
    assert all(scheme.changes(dtype, shape) for dtype in ("float64", "float32", "bfloat16") for shape in ((), (5,)))
    assert not scheme.changes("float16", (5, 5))


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_has_no_code_is_refused_with_the_tensor_named(name, bad):
    values = np.ones((4, 4), np.float32)
    values[1, 2] = bad
    with pytest.raises(InvalidInputError, match="tensor 'layer' has 1 values that are NaN or infinite"):
        fit(parse_scheme(name), "layer", values)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_floats_keep_nan_and_infinity(name):
    values = np.array([np.nan, np.inf, -np.inf, 1.0], np.float32)
    coder = fit(parse_scheme(name), "layer", values)
    np.testing.assert_array_equal(coder.decode(coder.encode(values)), values)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bytes_are_as_many_as_the_layout_says(name, dtype):
    scheme, shape = parse_scheme(name), (37, 43)
    values = np.random.default_rng(0).normal(0, 1, shape).astype(dtype)
    coder = fit(scheme, "w", values)
    for dequantized in (False, True):
        item = WrittenTensor("w", dtype, shape, scheme, dequantized)
        data = b"".join(part for part, _, _ in item.encoded(values, coder))
        assert len(data) == item.main.nbytes
        if scheme.kind != "half":
            parts = item.companion_bytes(coder)
            assert [len(part) for part in parts] == [other.nbytes for other in item.companions]


@pytest.mark.parametrize("name", CODED)
def test_slices_join_without_a_gap(name, monkeypatch):
    values = np.random.default_rng(0).normal(0, 1, (30, 41)).astype(np.float32)
    item = WrittenTensor("w", "float32", values.shape, parse_scheme(name))
    coder = fit(item.scheme, "w", values)
    whole = b"".join(part for part, _, _ in item.encoded(values, coder))
    assert SLICE_ELEMENTS % 8 == 0
    monkeypatch.setattr("modelhub.weights.schemes.SLICE_ELEMENTS", 104)
    assert b"".join(part for part, _, _ in item.encoded(values, coder)) == whole


@pytest.mark.parametrize(
    ("dtype", "numpy"),
    [("float64", np.float64), ("float32", np.float32), ("float16", np.float16), ("bfloat16", ml_dtypes.bfloat16)],
)
def test_numbers_become_the_bytes_of_their_dtype(dtype, numpy):
    values = np.random.default_rng(0).normal(0, 1, 100).astype(np.float32)
    assert to_bytes(values, dtype) == values.astype(numpy).tobytes()


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2), st.integers(1, 5))
def test_losses_of_parts_add_up(pairs, cut):
    before, after = np.array(pairs).T
    parts = measure(before[:cut], after[:cut]) + measure(before[cut:], after[cut:])
    whole = measure(before, after)
    assert parts.largest == whole.largest
    assert parts.zeroed == whole.zeroed
    assert parts.relative == pytest.approx(whole.relative)


def test_a_loss_counts_what_overflowed_and_what_became_zero():
    before = np.array([1e5, -1e5, np.inf, np.nan, 1e-9, 0.0, 3.0])
    after = np.array([np.inf, -np.inf, np.inf, np.nan, 0.0, 0.0, 4.0])
    found = measure(before, after)
    assert (found.overflowed, found.zeroed, found.largest) == (2, 1, 1.0)
    assert found.relative == pytest.approx(1 / 3)
    assert Loss().relative == 0.0
    assert measure(np.array([1e300]), np.array([2e300])).relative is None


def test_codes_are_told_by_what_stands_beside_them():
    names = {"a.codes", "a.scale", "b.codes", "c.codes", "c.table", "c.shape", "scale"}
    assert [name for name in sorted(names) if are_codes(names, name)] == ["a.codes", "c.codes"]
