"""Factors are exact whole numbers, and damaged ones are refused."""

from __future__ import annotations

import numpy as np
import pytest

from modelhub.errors import IntegrityError
from modelhub.store.codecs.low_rank import TILE_ROWS, Factors, find_factors, pack_factors, unpack_factors


def low_rank(rank: int, noise: float) -> np.ndarray:
    rng = np.random.default_rng(rank)
    change = rng.standard_normal((200, rank)) @ rng.standard_normal((rank, 150))
    return (change + noise * rng.standard_normal((200, 150))).astype(np.float32)


def product(factors: Factors) -> np.ndarray:
    return factors.rows_product()(slice(None)).copy()


def test_a_low_rank_matrix_has_factors_of_about_its_rank_and_they_come_back() -> None:
    factors = find_factors(low_rank(3, 0.1))
    assert factors is not None
    assert 3 <= factors.left.shape[1] <= 5
    again = unpack_factors(pack_factors(factors), 200, 150)
    assert np.array_equal(product(again), product(factors))


def test_the_product_is_the_same_in_whatever_order_it_is_summed() -> None:
    factors = find_factors(low_rank(5, 0.1))
    assert factors is not None
    whole = factors.left.astype(np.int64) @ factors.right.astype(np.int64)
    assert np.array_equal(product(factors), whole.astype(np.float32) * np.float32(factors.scale))


def test_a_product_made_in_tiles_is_the_same(monkeypatch) -> None:
    factors = find_factors(low_rank(5, 0.1))
    assert factors is not None
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    whole = product(factors)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    monkeypatch.setattr("modelhub.store.codecs.low_rank.MOST_PRODUCTS", 7 * TILE_ROWS * factors.right.shape[0])
    assert np.array_equal(product(factors), whole)
    assert np.array_equal(factors.rows_product()(slice(30, 53)), whole[30:53])


@pytest.mark.parametrize(
    "change", [np.zeros((200, 150)), np.full((200, 150), np.nan), np.ones((200, 4)), np.ones((4, 9))]
)
def test_what_has_no_directions_worth_it_has_no_factors(change: np.ndarray) -> None:
    assert find_factors(change.astype(np.float32)) is None


def test_noise_has_no_factors() -> None:
    assert find_factors(np.random.default_rng(1).standard_normal((200, 150)).astype(np.float32)) is None


def test_an_exact_low_rank_matrix_is_met_closely() -> None:
    change = low_rank(3, 0.0)
    factors = find_factors(change)
    assert factors is not None
    assert np.abs(product(factors) - change).max() < 1e-5 * np.abs(change).max()


def test_damaged_factors_are_refused_or_stay_exact() -> None:
    factors = find_factors(low_rank(3, 0.1))
    assert factors is not None
    packed = pack_factors(factors)
    for at in range(len(packed)):
        hurt = bytearray(packed)
        hurt[at] ^= 1 << at % 8
        try:
            assert unpack_factors(bytes(hurt), 200, 150).largest_sum < 2.0**53
        except IntegrityError:
            continue
    for sides in ((150, 200), (200, 151)):
        with pytest.raises(IntegrityError):
            unpack_factors(packed, *sides)
