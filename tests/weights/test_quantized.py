"""A table of 2**k values stands for a tensor: each number by the nearest, the same each time, packed without gaps."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelhub.weights import quantized
from modelhub.weights.quantized import fit_quantized, pack_codes, unpack_codes

BITS = st.integers(1, 8)
FINITE = hnp.arrays(np.float32, st.integers(1, 400), elements=st.floats(-(2.0**100), 2.0**100, width=32))


@given(FINITE, BITS)
def test_every_number_becomes_the_nearest_value_of_the_table(values, bits):
    coder = fit_quantized(values, bits)
    assert coder.table.shape == (2**bits,)
    assert coder.table.dtype == np.float32
    assert (np.diff(coder.table) >= 0).all()
    back = coder.decode(coder.encode(values)).astype(np.float64)
    nearest = np.abs(values[:, np.newaxis].astype(np.float64) - coder.table.astype(np.float64)).min(axis=1)
    np.testing.assert_array_equal(np.abs(back - values), nearest)


@given(FINITE, BITS)
@example(np.array([-5.1490935e29, 4.6036e14, *[-3.8215928e28] * 98], np.float32), 1)
def test_the_table_lies_within_the_numbers(values, bits):
    table = fit_quantized(values, bits).table
    assert values.min() <= table[0]
    assert table[-1] <= values.max()


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=16), st.integers(1, 50))
def test_few_different_numbers_stay_as_they_are(numbers, times):
    values = np.tile(np.array(numbers, dtype=np.float32), times)
    coder = fit_quantized(values, 4)
    np.testing.assert_array_equal(coder.decode(coder.encode(values)), values)


@given(FINITE, BITS)
def test_writing_again_changes_nothing(values, bits):
    once = fit_quantized(values, bits)
    numbers = once.decode(once.encode(values))
    again = fit_quantized(numbers, bits)
    np.testing.assert_array_equal(again.decode(again.encode(numbers)), numbers)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("draw", ["normal", "laplace", "standard_t"])
def test_the_error_is_less_than_with_even_distances_and_with_quantiles(bits, draw):
    random = np.random.default_rng(bits)
    values = (random.standard_t(3, 50_000) if draw == "standard_t" else getattr(random, draw)(0, 0.02, 50_000)).astype(
        np.float32
    )
    places = (np.arange(2**bits) + 0.5) / 2**bits
    even = values.min() + places * (values.max() - values.min())
    error = squared_error(values, fit_quantized(values, bits).table)
    assert error < squared_error(values, even)
    assert error < squared_error(values, np.quantile(values, places))


def squared_error(values, table):
    coder = quantized.Quantized(1, np.sort(np.asarray(table, np.float32)))
    return float(np.square(coder.decode(coder.encode(values)).astype(np.float64) - values).sum())


def test_a_large_tensor_is_sampled_and_its_ends_are_kept(monkeypatch):
    monkeypatch.setattr(quantized, "SAMPLE_ELEMENTS", 100)
    values = np.random.default_rng(0).normal(0, 1, 1000).astype(np.float32)
    values[501] = 40.0
    table = fit_quantized(values, 8).table
    assert table[-1] == 40.0
    assert fit_quantized(values, 8).table.tobytes() == table.tobytes()


@given(st.integers(1, 8).flatmap(lambda bits: st.tuples(st.just(bits), st.lists(st.integers(0, 2**bits - 1)))))
def test_packed_codes_come_back_and_take_k_bits_each(case):
    bits, codes = case
    packed = pack_codes(np.array(codes, dtype=np.uint8), bits)
    assert packed.nbytes == -(-len(codes) * bits // 8)
    assert unpack_codes(packed, bits, len(codes)).tolist() == codes


def test_the_first_code_has_the_highest_bits():
    assert pack_codes(np.array([1, 2, 3, 0, 1], dtype=np.uint8), 2).tolist() == [0b01101100, 0b01000000]
    assert pack_codes(np.array([5, 3], dtype=np.uint8), 3).tolist() == [0b10101100]
