"""The compiled sums are numpy's, bit for bit."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelhub.weights import sums

compiled = pytest.mark.skipif(sums.of_slices is sums.of_slices_plain, reason="the sums are not compiled here")


def agree(numbers: np.ndarray, length: int) -> None:
    with np.errstate(all="ignore"):
        expected = sums.of_slices_plain(numbers, length)
    found = [None if one is None else sums.Sums(*one) for one in sums.of_slices(numbers, length)]
    assert [repr(one) for one in found] == [repr(one) for one in expected]


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")
def test_where_there_is_a_compiler_the_sums_are_compiled() -> None:
    assert sums.of_slices is not sums.of_slices_plain


@compiled
class TestCompiled:
    @given(bits=arrays(np.uint32, st.integers(0, 700)), length=st.integers(1, 800))
    def test_sums_of_any_bits_are_numpys(self, bits, length: int) -> None:
        agree(bits.view(np.float32), length)

    @given(
        count=st.integers(0, 5000),
        length=st.integers(1, 3000),
        scale=st.integers(-44, 37),
        zeros=st.integers(0, 10),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_sums_of_weights_are_numpys(self, count: int, length: int, scale: int, zeros: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        numbers = (rng.standard_normal(count) * 10.0**scale).astype(np.float32)
        numbers[rng.integers(0, 10, count) < zeros] *= 0
        agree(numbers, length)

    def test_the_sums_of_a_whole_block_are_numpys(self) -> None:
        numbers = np.random.default_rng(0).standard_normal((1 << 20) + 77).astype(np.float32)
        agree(numbers, 1 << 16)

    def test_what_is_no_whole_number_is_refused(self) -> None:
        for data, length in ((bytes(7), 4), (bytes(8), 0), (bytes(8), -1)):
            with pytest.raises(ValueError, match="whole"):
                sums.of_slices(data, length)
        with pytest.raises(TypeError):
            sums.of_slices(5, 4)


def test_without_the_compiled_sums_numpy_adds() -> None:
    code = """
import sys
sys.modules["modelhub.weights._sums"] = None
from modelhub.weights import sums
assert sums.of_slices is sums.of_slices_plain
"""
    subprocess.run([sys.executable, "-c", code], check=True)
