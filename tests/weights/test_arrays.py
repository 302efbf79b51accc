"""Bytes become the numbers they stand for, checked against ml_dtypes for every bit pattern of the small floats."""

import struct

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import InvalidInputError
from modelhub.weights.arrays import item_nbytes, to_array, to_float64, to_numbers
from modelhub.weights.summary import is_floating, is_numeric

ORACLES = {
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8_e8m0fnu": ml_dtypes.float8_e8m0fnu,
}
NATIVE = ["float16", "float32", "float64", "complex64", "complex128"]
NATIVE += [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize("dtype", ORACLES)
def test_every_byte_of_a_float8_is_the_number_its_format_says(dtype):
    data = bytes(range(256))
    expected = np.frombuffer(data, dtype=ORACLES[dtype]).astype(np.float32)
    actual = to_array(data, dtype, (256,))
    np.testing.assert_array_equal(actual, expected)
    assert (np.signbit(actual) == np.signbit(expected))[~np.isnan(expected)].all()


def test_every_bit_pattern_of_bfloat16_is_widened_exactly():
    data = np.arange(65536, dtype="<u2").tobytes()
    expected = np.frombuffer(data, dtype=ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(to_array(data, "bfloat16", (65536,)).view("<u4") >> 16, np.arange(65536))
    np.testing.assert_array_equal(to_array(data, "bfloat16", (65536,)), expected)


def test_float16_numbers_are_widened_exactly():
    data = np.arange(65536, dtype="<u2").tobytes()
    np.testing.assert_array_equal(to_numbers(data, "float16"), np.frombuffer(data, "<f2").astype(np.float64))


def test_float4_bytes_hold_two_values_low_half_first():
    data = bytes(range(256))
    halves = np.array([half for byte in data for half in (byte & 15, byte >> 4)], dtype=np.uint8)
    expected = halves.view(ml_dtypes.float4_e2m1fn).astype(np.float32)
    np.testing.assert_array_equal(to_array(data, "float4_e2m1fn_x2", (512,)), expected)
    assert to_array(data, "float4_e2m1fn_x2", (16, 16)).shape == (16, 32)
    assert to_array(data, "float4_e2m1fn_x2", (16, 32)).shape == (16, 32)
    np.testing.assert_array_equal(to_array(data, "float4_e2m1fn", (512,)), expected)


@pytest.mark.parametrize("dtype", NATIVE)
def test_native_dtypes_are_views_of_the_bytes(dtype):
    expected = np.arange(6).astype(dtype).reshape(2, 3)
    data = expected.tobytes()
    actual = to_array(data, dtype, (2, 3))
    assert actual.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(actual, expected)
    assert not actual.flags.owndata
    assert item_nbytes(dtype) == expected.itemsize


def test_bool_counts_any_byte_but_zero_as_true():
    assert to_array(b"\x00\x01\xff", "bool", (3,)).tolist() == [False, True, True]
    assert to_numbers(b"\x00\x01\xff", "bool").tolist() == [0, 1, 1]


def test_complex_numbers_are_their_two_parts():
    data = struct.pack("<4f", 1, 2, 3, 4)
    assert to_numbers(data, "complex64").tolist() == [1, 2, 3, 4]
    assert to_array(data, "complex64", (2,)).tolist() == [1 + 2j, 3 + 4j]
    halves = np.array([1, 2, 3, 4], dtype="<f2").tobytes()
    assert to_numbers(halves, "complex32").tolist() == [1, 2, 3, 4]
    assert to_array(halves, "complex32", (2,)).tolist() == [1 + 2j, 3 + 4j]


@pytest.mark.parametrize("dtype", ["q4_0", "q8_0", "float6_e2m3fn", "int4", "bytes", "something"])
def test_unknown_dtypes_stay_bytes(dtype):
    assert not is_numeric(dtype)
    assert not is_floating(dtype)
    assert to_numbers(b"abc", dtype) is None
    assert to_float64(b"abc", dtype) is None
    assert to_array(b"abc", dtype, (1, 32)).tolist() == [97, 98, 99]


def test_scalars_and_empty_tensors_keep_their_shape():
    assert to_array(struct.pack("<f", 2.5), "float32", ()).shape == ()
    assert to_array(b"", "float32", (0, 3)).shape == (0, 3)
    assert to_array(b"", "bfloat16", (2, 0)).shape == (2, 0)


@pytest.mark.parametrize("shape", [(3,), (5,), (2, 3), ()])
def test_a_shape_that_does_not_fit_is_refused(shape):
    with pytest.raises(InvalidInputError, match="does not fit"):
        to_array(bytes(16), "float32", shape)


def test_bytes_that_cut_a_value_are_refused():
    with pytest.raises(InvalidInputError, match="whole number"):
        to_numbers(bytes(7), "float32")


@given(st.permutations(range(3)), st.sampled_from(["float32", "bfloat16", "int8"]))
def test_strides_give_the_transposed_tensor_back(order, dtype):
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    data = base.astype(ml_dtypes.bfloat16).tobytes() if dtype == "bfloat16" else base.astype(dtype).tobytes()
    expected = base.transpose(order)
    strides = tuple(step // base.itemsize for step in expected.strides)
    np.testing.assert_array_equal(to_array(data, dtype, expected.shape, strides=strides), expected)


def test_a_view_begins_at_its_start():
    data = np.arange(10, dtype="<f4").tobytes()
    assert to_array(data, "float32", (2, 2), start=3).tolist() == [[3, 4], [5, 6]]
    assert to_array(data, "float32", (2, 2), strides=(1, 2), start=5).tolist() == [[5, 7], [6, 8]]


@pytest.mark.parametrize(
    ("shape", "strides", "start"), [((4,), (3,), 1), ((4,), (-1,), 9), ((2, 2), (9, 1), 0), ((1,), (1,), 10)]
)
def test_strides_that_leave_the_bytes_are_refused(shape, strides, start):
    with pytest.raises(InvalidInputError, match="leaves its bytes"):
        to_array(bytes(40), "float32", shape, strides=strides, start=start)
