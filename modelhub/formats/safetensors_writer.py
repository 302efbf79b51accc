"""The first bytes of a safetensors file that is being written: all that stands before the tensors.

Layout: https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelhub.errors import InvalidInputError
from modelhub.formats import dtypes
from modelhub.formats.safetensors import DTYPES

ALIGNMENT = 8

_WORDS = {name: word for word, name in DTYPES.items()}


@dataclass(frozen=True, slots=True)
class NewTensor:
    """A tensor to be written: its dtype in our words."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """How many bytes it takes."""
        return dtypes.nbytes(self.dtype, dtypes.element_count(self.shape))


def in_file_order(tensors: Sequence[NewTensor]) -> list[NewTensor]:
    """Return the tensors as they lie in the file: the widest numbers first, so that all are aligned, then by name."""
    return sorted(tensors, key=lambda tensor: (-dtypes.dtype(tensor.dtype).block_nbytes, tensor.name))


def write_header(tensors: Sequence[NewTensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return what stands before the tensors, given in file order, padded so that they begin at a multiple of 8.

    Raises InvalidInputError where the format has no word for a dtype.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for tensor in tensors:
        word = _WORDS.get(tensor.dtype)
        if word is None or tensor.name == "__metadata__":
            what = f"a {tensor.dtype} tensor" if word is None else "a tensor of this name"
            raise InvalidInputError(f"'{tensor.name}': a safetensors file cannot hold {what}")
        end = position + tensor.nbytes
        header[tensor.name] = {"dtype": word, "shape": list(tensor.shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
