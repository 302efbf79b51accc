"""Tests of writing weights in memory as safetensors, read back by the format's own library."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load

from modelhub.errors import InvalidInputError
from modelhub.tracking.weights_file import weights_blocks


def written(weights: object) -> bytes:
    return b"".join(bytes(block) for block in weights_blocks(weights))


def test_numpy_arrays_of_any_layout_are_written() -> None:
    arrays = {
        "fortran": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
        "big": np.arange(6, dtype=">i4").reshape(2, 3).T,
        "scalar": np.float16(3),
        "empty": np.zeros((0, 3), np.float32),
        "flags": np.array([True, False]),
        "step": np.arange(10, dtype=np.uint8)[::3],
    }
    loaded = load(written(arrays))
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].shape == np.shape(array)
        assert loaded[name].dtype.kind == np.asarray(array).dtype.kind
        assert np.array_equal(loaded[name], array)


def test_torch_tensors_are_written_as_they_are() -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load as load_torch

    shared = torch.randn(4, 4)
    tensors = {
        "bf16": torch.randn(3, 5).to(torch.bfloat16).T,
        "fp8": torch.randn(8).to(torch.float8_e4m3fn),
        "grad": torch.randn(2, requires_grad=True),
        "int": torch.tensor(3),
        "slice": shared[1:3],
        "conj": torch.randn(2, dtype=torch.complex64).conj(),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    loaded = load_torch(written(tensors))
    for name, tensor in tensors.items():
        plain = tensor.detach().resolve_conj()
        assert loaded[name].dtype == tensor.dtype
        same = loaded[name].contiguous().view(torch.uint8) if plain.dim() else loaded[name]
        assert torch.equal(same, plain.contiguous().view(torch.uint8) if plain.dim() else plain)


def test_equal_weights_are_equal_bytes_whatever_their_order() -> None:
    arrays = {"b": np.ones(3, np.float32), "a": np.zeros(2, np.float64), "c": np.ones(1, np.int8)}
    assert written(arrays) == written(dict(reversed(arrays.items())))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([np.zeros(2)], "type list"),
        ({}, "no tensors"),
        ({"a": [1.0]}, "'a' is of type list"),
        ({1: np.zeros(2)}, "not a text"),
        ({"a": np.array(["x"])}, "cannot hold"),
        ({"a": np.zeros(2, np.complex128)}, "cannot hold a complex128"),
        ({"__metadata__": np.zeros(2)}, "this name"),
    ],
)
def test_what_no_file_can_hold_is_refused_before_the_first_byte(weights: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        weights_blocks(weights)


def test_tensors_without_values_are_refused() -> None:
    torch = pytest.importorskip("torch")
    for tensor in (torch.empty(2, device="meta"), torch.eye(3).to_sparse()):
        with pytest.raises(InvalidInputError, match="'a'"):
            weights_blocks({"a": tensor})
