from __future__ import annotations

import functools
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from contracts.model_file import Made, ModelFileContract, parse, refused

from modelhub.formats import dtypes
from modelhub.formats import gguf as parser

gguf = pytest.importorskip("gguf")


@functools.cache
def written() -> Made:
    with tempfile.TemporaryDirectory() as folder:
        return write_into(Path(folder))


def write_into(folder: Path) -> Made:
    writer = gguf.GGUFWriter(folder / "m.gguf", "llama")
    writer.add_name("tiny")
    writer.add_uint32("answer", 42)
    writer.add_float32("rate", 0.5)
    writer.add_bool("good", True)
    writer.add_array("tokens", ["a", "bc", ""])
    writer.add_array("scores", [0.5, 1.5])
    writer.add_array("nested", [[1, 2], [3]])
    writer.add_string("long", "x" * 5000)
    weight = np.arange(64, dtype=np.float32).reshape(2, 32)
    quantised = gguf.quants.quantize(weight, gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("plain", weight)
    writer.add_tensor("half", np.ones(3, np.float16))
    writer.add_tensor("blocks", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensors = {"plain": weight.tobytes(), "half": np.ones(3, np.float16).tobytes(), "blocks": quantised.tobytes()}
    return Made(
        "m.gguf", (folder / "m.gguf").read_bytes(), tensors, {"plain": (2, 32), "blocks": (2, 32), "half": (3,)}
    )


class TestGguf(ModelFileContract):
    def make(self) -> Made:
        return written()

    def test_metadata_keeps_numbers_and_short_texts(self) -> None:
        metadata = parse("m.gguf", self.make().data).metadata
        assert metadata["general.name"] == "tiny"
        assert (metadata["answer"], metadata["rate"], metadata["good"]) == ("42", "0.5", "True")
        assert not {"tokens", "scores", "long", "nested"} & metadata.keys()

    def test_quantised_tensors_name_their_blocks(self) -> None:
        model = parse("m.gguf", self.make().data)
        assert {extent.name: extent.dtype for extent in model.extents}["blocks"] == "q8_0"


def test_block_sizes_are_those_of_the_reference() -> None:
    # Q8_1 exists in memory only.
    for kind, (elements, nbytes) in gguf.GGML_QUANT_SIZES.items():
        if kind.name != "Q8_1":
            found = dtypes.dtype(parser._TYPES[kind.value])
            assert (found.block_elements, found.block_nbytes) == (elements, nbytes), kind


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def file(*parts: bytes, tensors: int = 0, facts: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, facts) + b"".join(parts)


def row(name: bytes, sizes: list[int], kind: int, offset: int) -> bytes:
    return text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GGUF", "truncated"),
        (file(version=1), "version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (file(tensors=1 << 62), "cannot be in a file"),
        (file(facts=1 << 40), "cannot be in a file"),
        (file(struct.pack("<Q", 1 << 63), b"x" * 50, facts=1), "more than the"),
        (file(text(b"k"), struct.pack("<IQ", 8, 1 << 62), b"x" * 50, facts=1), "truncated"),
        (file(text(b"k"), struct.pack("<IIQ", 9, 4, 1 << 61), b"x" * 50, facts=1), "truncated"),
        (file(text(b"k"), struct.pack("<IIQ", 9, 8, 1 << 61), b"x" * 50, facts=1), "truncated"),
        (
            file(text(b"k"), struct.pack("<I", 9), struct.pack("<IQ", 9, 1) * 50, b"x" * 50, facts=1),
            "nested too deeply",
        ),
        (file(text(b"k"), struct.pack("<I", 99), b"x" * 50, facts=1), "unknown metadata type"),
        (
            file(text(b"k") + struct.pack("<IB", 0, 1), text(b"k") + struct.pack("<IB", 0, 1), b"x" * 9, facts=2),
            "there twice",
        ),
        (file(text(b"general.alignment") + struct.pack("<II", 4, 3), b"x" * 50, facts=1), "power of two"),
        (file(row(b"w", [1 << 61, 4], 0, 0), b"\0" * 64, tensors=1), "truncated"),
        (file(row(b"w", [1] * 9, 0, 0), b"\0" * 64, tensors=1), "9 axes"),
        (file(row(b"w", [4], 77, 0), b"\0" * 64, tensors=1), "unknown type 77"),
        (file(row(b"w", [33], 8, 0), b"\0" * 64, tensors=1), "whole blocks"),
        (file(row(b"w", [1], 0, 5), b"\0" * 64, tensors=1), "not aligned"),
        (file(row(b"w", [16], 0, 0), row(b"v", [1], 0, 32), b"\0" * 200, tensors=2), "overlaps"),
        (file(row(b"w", [1], 0, 0), row(b"w", [1], 0, 32), b"\0" * 200, tensors=2), "there twice"),
        (file(row(b"\xff", [1], 0, 0), b"\0" * 64, tensors=1), "not UTF-8"),
    ],
)
def test_lies_about_lengths_are_refused(data: bytes, words: str) -> None:
    refused("m.gguf", data, words)
