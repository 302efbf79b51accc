"""Weights in memory, of numpy or torch, as the bytes of a safetensors file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from modelhub.errors import InvalidInputError
from modelhub.formats.dtypes import ORDINARY
from modelhub.formats.safetensors_writer import NewTensor, in_file_order, write_header
from modelhub.oid import Bytes

HINT = "log_model takes a torch module, its state_dict, or a mapping from names to numpy arrays or torch tensors"


def weights_blocks(weights: object) -> Iterator[Bytes]:
    """Return the file's bytes in order, one tensor at a time: no second copy of all of them is made.

    Everything is looked through before the first byte. Raises InvalidInputError for what no file can hold.
    """
    tensors = _by_name(weights)
    described = in_file_order([_describe(name, tensor) for name, tensor in tensors.items()])
    header = write_header(described, {"format": "pt" if any(map(_is_torch, tensors.values())) else "np"})
    return _blocks(header, described, tensors)


def _blocks(header: bytes, described: list[NewTensor], tensors: Mapping[str, Any]) -> Iterator[Bytes]:
    yield header
    for tensor in described:
        if tensor.nbytes:
            yield _content(tensors[tensor.name])


def _by_name(weights: object) -> Mapping[str, Any]:
    state_dict = getattr(weights, "state_dict", None)
    found = state_dict() if callable(state_dict) else weights
    if not isinstance(found, Mapping):
        raise InvalidInputError(f"weights of type {type(weights).__name__} cannot be written", hint=HINT)
    if not found:
        raise InvalidInputError("the weights hold no tensors", hint=HINT)
    return found


def _describe(name: object, tensor: Any) -> NewTensor:
    if not isinstance(name, str) or not name:
        raise InvalidInputError(f"the name of a tensor is {name!r}, not a text", hint=HINT)
    if _is_torch(tensor):
        dtype = str(tensor.dtype).removeprefix("torch.")
        if str(tensor.layout) != "torch.strided" or tensor.device.type == "meta":
            dtype = f"{tensor.device.type} {tensor.layout}"
    elif _is_numpy(tensor):
        dtype = str(tensor.dtype.name)
    else:
        raise InvalidInputError(f"'{name}' is of type {type(tensor).__name__}, not a tensor", hint=HINT)
    if dtype not in ORDINARY:
        raise InvalidInputError(f"'{name}': a safetensors file cannot hold a {dtype} tensor", hint=HINT)
    return NewTensor(name, dtype, tuple(map(int, tensor.shape)))


def _content(tensor: Any) -> Bytes:
    import numpy as np

    if _is_torch(tensor):
        torch: Any = sys.modules["torch"]
        flat = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        return flat.view(torch.uint8).numpy().data  # type: ignore[no-any-return]
    array = np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("<"))
    return array.reshape(-1).view(np.uint8).data


def _is_torch(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _is_numpy(value: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))
