"""Tests of the header of a safetensors file that is written, read back by our own reader."""

from __future__ import annotations

import pytest

from modelhub.errors import InvalidInputError
from modelhub.formats.extent import BytesSource
from modelhub.formats.safetensors import read_safetensors
from modelhub.formats.safetensors_writer import NewTensor, in_file_order, write_header


def test_the_reader_finds_what_the_writer_says() -> None:
    tensors = in_file_order(
        [
            NewTensor("b", "int8", (3,)),
            NewTensor("a", "bfloat16", (2, 2)),
            NewTensor("ß", "float64", ()),
            NewTensor("e", "bool", (0,)),
        ]
    )
    assert [tensor.name for tensor in tensors] == ["ß", "a", "b", "e"]
    header = write_header(tensors, {"format": "np"})
    assert len(header) % 8 == 0
    found = read_safetensors(BytesSource(header + bytes(sum(tensor.nbytes for tensor in tensors))))
    assert {(extent.name, extent.dtype, extent.shape) for extent in found.extents} == {
        (tensor.name, tensor.dtype, tensor.shape) for tensor in tensors
    }
    assert found.metadata == {"format": "np"}


@pytest.mark.parametrize("tensor", [NewTensor("a", "complex128", (1,)), NewTensor("__metadata__", "int8", (1,))])
def test_what_the_format_has_no_word_for_is_refused(tensor: NewTensor) -> None:
    with pytest.raises(InvalidInputError, match=tensor.name):
        write_header([tensor])
