from __future__ import annotations

import functools
import json
import struct

import numpy as np
import pytest
from contracts.model_file import Made, ModelFileContract, parse, refused

from modelhub.errors import UnsupportedModelFile
from modelhub.formats.safetensors import parse_strict
from modelhub.formats.shard_index import read_shard_index

save = pytest.importorskip("safetensors.numpy").save


@functools.cache
def small_file() -> Made:
    arrays = {
        "layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "layer.bias": np.array([1, 2, 3], dtype=np.int64),
        "scalar": np.array(2.5, dtype=np.float16),
        "empty": np.zeros((0, 4), dtype=np.float32),
    }
    tensors = {name: array.tobytes() for name, array in arrays.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    return Made("model.safetensors", save(arrays, metadata={"format": "np"}), tensors, shapes)


class TestSafetensors(ModelFileContract):
    def make(self) -> Made:
        return small_file()


def with_header(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_metadata_is_kept() -> None:
    assert parse("m.safetensors", small_file().data).metadata == {"format": "np"}


def test_the_content_tells_the_format_whatever_the_name_is() -> None:
    assert parse("weights.dat", small_file().data).format == "safetensors"


def test_every_dtype_of_torch_is_read() -> None:
    torch = pytest.importorskip("torch")
    save_torch = pytest.importorskip("safetensors.torch").save
    floats = "float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 complex64"
    names = floats + " int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool"
    tensors = {name: torch.zeros(4, dtype=getattr(torch, name)) for name in names.split()}
    model = parse("m.safetensors", save_torch(tensors))
    assert {extent.name: extent.dtype for extent in model.extents} == {name: name for name in names.split()}


def test_numbers_narrower_than_a_byte_take_their_share_of_one() -> None:
    model = parse("m.safetensors", with_header({"w": entry("F4", [2, 3], 0, 3)}, b"abc"))
    assert (model.extents[0].dtype, model.extents[0].nbytes) == ("float4_e2m1fn", 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "truncated"),
        (struct.pack("<Q", 1 << 60) + b"{}", "more than the"),
        (struct.pack("<Q", 100) + b"{}", "the header ends at 108"),
        (with_header(b"[1, 2]  "), "does not start with '{'"),
        (with_header(b'{"a": NaN}'), "NaN"),
        (with_header(b'{"a": 1, "a": 2}'), "twice: 'a'"),
        (with_header(b'{"\\ud800": 1}'), "not UTF-8"),
        (with_header(b'{"a": ' + b"[" * 100_000), "nested too deeply"),
        (with_header(b'{"a": ' + b"9" * 5000 + b"}"), "5000 digits"),
        (with_header({"a": entry("F32", [1], 0, 4)}, b"abcdefgh"), "tensors end at"),
        (with_header({"a": entry("F32", [2], 0, 8)}, b"abcd"), "(truncated?)"),
        (with_header({"a": entry("F32", [1], 4, 8)}, b"abcdefgh"), "hole of 4 bytes"),
        (with_header({"a": entry("F32", [2], 0, 8), "b": entry("F32", [1], 4, 8)}, b"abcdefgh"), "overlaps"),
        (with_header({"a": entry("F32", [3], 0, 8)}, b"abcdefgh"), "cannot have 8 bytes"),
        (with_header({"a": entry("F99", [2], 0, 8)}, b"abcdefgh"), "unknown dtype"),
        (with_header({"a": entry("F32", [-2], 0, 8)}, b"abcdefgh"), "whole numbers"),
        (with_header({"a": entry("F32", [2], 8, 0)}, b"abcdefgh"), "not a start and an end"),
        (with_header({"a": {"dtype": "F32", "shape": [2]}}, b"abcdefgh"), "no more and no less"),
        (with_header({"__metadata__": {"a": 1}}), "text to text"),
        (with_header({"a": entry("F32", [1 << 62, 1 << 62, 4], 0, 0)}), "cannot have 0 bytes"),
    ],
)
def test_an_inconsistent_header_is_refused(data: bytes, words: str) -> None:
    refused("m.safetensors", data, words)


def test_a_shard_index_maps_tensors_to_shards() -> None:
    index = read_shard_index(
        b'{"metadata": {"total_size": 8}, "weight_map": {"a": "x-1.safetensors", "b": "x-2.safetensors"}}'
    )
    assert index.weight_map["b"] == "x-2.safetensors"
    assert index.shards == ("x-1.safetensors", "x-2.safetensors")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"weight_map": {"a": 1}}', b'{"weight_map": {"a": "x", "a": "y"}}', b"\xff"]
)
def test_a_shard_index_that_is_no_map_is_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedModelFile, match="shard index"):
        read_shard_index(data)


def test_strict_json_reads_ordinary_json() -> None:
    assert parse_strict(b'{"a": [1, 2.5, null, "\\ud83d\\ude00"]}', "x") == {"a": [1, 2.5, None, "\U0001f600"]}
