from __future__ import annotations

import functools
import io
import zipfile

import numpy as np
import pytest
from contracts.model_file import Made, ModelFileContract, parse, refused


def npy(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@functools.cache
def npz_file() -> Made:
    arrays = {"a": np.arange(4.0), "b/c": np.ones((2, 2), np.int16), "zero": np.float32(3), "none": np.zeros((0, 2))}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return Made(
        "m.npz", buffer.getvalue(), {k: v.tobytes() for k, v in arrays.items()}, {k: v.shape for k, v in arrays.items()}
    )


class TestNpy(ModelFileContract):
    def make(self) -> Made:
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        return Made("m.npy", npy(array), {"": array.tobytes()}, {"": (2, 3)})


class TestNpz(ModelFileContract):
    def make(self) -> Made:
        return npz_file()


@pytest.mark.parametrize("code", ["?", "b", "h", "i", "q", "B", "H", "I", "Q", "e", "f", "d", "F", "D"])
def test_every_number_type_of_numpy_has_its_name(code: str) -> None:
    array = np.zeros(3, dtype=code)
    assert parse("m.npy", npy(array)).extents[0].dtype == array.dtype.name


def test_column_major_arrays_say_their_strides() -> None:
    array = np.asfortranarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4))
    data = npy(array)
    (extent,) = parse("m.npy", data).extents
    raw = np.frombuffer(data, np.float64, offset=extent.offset)
    again = np.lib.stride_tricks.as_strided(raw, extent.shape, [8 * step for step in extent.strides])
    assert np.array_equal(again, array)


@pytest.mark.parametrize(
    "array",
    [np.array(["x", "yz"]), np.zeros(2, [("a", "<f4"), ("b", "<i2")]), np.zeros(3, ">f4"), np.zeros(2, "M8[s]")],
)
def test_types_without_a_name_are_carried_as_bytes(array: np.ndarray) -> None:
    model = parse("m.npy", npy(array))
    assert (model.extents[0].dtype, model.extents[0].nbytes) == ("bytes", array.nbytes)
    assert "plain bytes" in model.notes[0]


def test_bytes_after_an_array_stay_literal() -> None:
    model = parse("m.npy", npy(np.zeros(2)) + npy(np.zeros(3)))
    assert len(model.extents) == 1
    assert "after the array" in model.notes[0]


def test_python_objects_are_never_read() -> None:
    refused("m.npy", npy(np.array([{}, None], dtype=object), allow_pickle=True), "pickled Python objects")


def test_python_objects_in_an_archive_stay_literal() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(2), b=np.array([{}], dtype=object))
    model = parse("m.npz", buffer.getvalue())
    assert [extent.name for extent in model.extents] == ["a"]
    assert "'b' holds pickled Python objects" in model.notes[0]


def test_compressed_members_are_refused_with_a_way_out() -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.zeros(100))
    refused("m.npz", buffer.getvalue(), "members are compressed")


def test_an_archive_written_to_a_pipe_is_read() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr("a.npy", npy(np.arange(3.0)))
    model = parse("m.npz", bytes(pipe.data))
    assert bytes(pipe.data)[model.extents[0].offset :][:24] == np.arange(3.0).tobytes()


def header(text: str) -> bytes:
    body = text.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x93NUMPY\x09\x00\x00\x00", "format version 9.0"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "truncated"),
        (
            header("{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }") + b"1234",
            "needs 36 bytes but 4 are there",
        ),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }"), "whole numbers"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), "not one that numpy writes"),
        (header("{'descr': '<f4', 'shape': (1,), }"), "lacks"),
        (
            header("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"),
            "not one that numpy writes",
        ),
        (header("__import__('os').system('true')"), "not one that numpy writes"),
        (header("(" * 60_000), "not one that numpy writes"),
        (header("{" + "[" * 60_000), "not one that numpy writes"),
    ],
)
def test_a_wrong_header_is_refused(data: bytes, words: str) -> None:
    refused("m.npy", data, words)
