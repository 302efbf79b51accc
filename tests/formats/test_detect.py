from __future__ import annotations

import io
import zipfile

import pytest
from contracts.model_file import parse, refused

from modelhub.formats.detect import detect


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.txt", b"\x93NUMPY\x01\x00", "npy"),
        ("a.txt", b"GGUF\x03\x00\x00\x00", "gguf"),
        ("a.txt", b"hello", None),
        ("a.safetensors", b"", "safetensors"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "safetensors"),
        ("dir.pt/a.py", b"import os", None),
        ("A.ONNX", b"\0\0", "onnx"),
        ("a.bin", b"\0\1\2\3", None),
        ("a.pt", b"\0\1\2\3", "torch"),
        ("a.pt", b"ol\xc3\xa1", None),
        ("a.ckpt", b"\x80\x02}q\x00", "torch"),
        ("a.pkl", b"\x80\x02}q\x00", None),
        ("Makefile", b"\x08\x07", None),
        (".pt", b"", "torch"),
    ],
)
def test_content_decides_before_the_name(name: str, head: bytes, kind: str | None) -> None:
    assert detect(name, head) == kind


def zipped(member: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, b"x" * 40)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "member", "kind"),
    [
        ("report.docx", "[Content_Types].xml", None),
        ("package.whl", "pkg/data/table.csv", None),
        ("source.zip", "project/code/train.py", None),
        ("x", "model/data/0", "torch"),
        ("program.pt2", "archive/data/weights/weight_0", None),
        ("x", "a.npy", "npz"),
        ("x", "model/data.pkl", "torch"),
        ("x.npz", "unknown", "npz"),
        ("x.pt", "unknown", "torch"),
        ("x.zip", "unknown", None),
    ],
)
def test_a_zip_is_known_by_its_first_member(name: str, member: str, kind: str | None) -> None:
    assert detect(name, zipped(member)) == kind


def test_what_is_no_model_file_gives_none() -> None:
    assert parse("train.py", b"print(1)\n") is None
    assert parse("empty", b"") is None


@pytest.mark.parametrize("name", ["m.safetensors", "m.pt", "m.onnx", "m.bin"])
def test_a_pointer_in_place_of_the_weights_is_said_to_be_one(name: str) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    refused(name, pointer, "git-lfs pointer")
    assert parse("notes.txt", pointer) is None
