from __future__ import annotations

import os

import pytest

from modelhub.errors import InvalidInputError, UnsupportedModelFile
from modelhub.formats import dtypes
from modelhub.formats.extent import BytesSource, FileSource, TensorExtent, check_extents


def test_both_sources_give_exactly_what_is_asked_for(tmp_path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abcdef")
    with FileSource(path) as file:
        for source in (file, BytesSource(b"abcdef")):
            assert source.size == 6
            assert source.read(2, 3) == b"cde"
            assert source.read(6, 0) == b""
            for offset, nbytes in ((4, 3), (-1, 2), (0, -1), (7, 0)):
                with pytest.raises(UnsupportedModelFile, match="truncated"):
                    source.read(offset, nbytes)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abcdef")
    with FileSource(path) as source:
        os.truncate(path, 3)
        with pytest.raises(UnsupportedModelFile, match="became shorter"):
            source.read(0, 6)


def test_extents_that_overlap_or_leave_the_file_are_refused() -> None:
    first = TensorExtent("a", "uint8", (4,), 0, 4)
    check_extents((first, TensorExtent("b", "uint8", (4,), 4, 4)), 8)
    with pytest.raises(UnsupportedModelFile, match="overlaps"):
        check_extents((first, TensorExtent("b", "uint8", (4,), 3, 4)), 8)
    with pytest.raises(UnsupportedModelFile, match="truncated"):
        check_extents((first,), 3)


@pytest.mark.parametrize(
    ("name", "count", "nbytes"),
    [
        ("float32", 3, 12),
        ("bool", 3, 3),
        ("int4", 3, 2),
        ("float6_e2m3fn", 1, 1),
        ("q8_0", 64, 68),
        ("bfloat16", 0, 0),
        ("complex128", 1, 16),
    ],
)
def test_bytes_of_a_type(name: str, count: int, nbytes: int) -> None:
    assert dtypes.nbytes(name, count) == nbytes


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="'float31'"):
        dtypes.dtype("float31")


def test_a_shape_without_axes_holds_one_number() -> None:
    assert dtypes.element_count(()) == 1
    assert dtypes.element_count((3, 0)) == 0
