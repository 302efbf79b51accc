"""Tell what kind of model file something is, and read where its tensors lie."""

from __future__ import annotations

import struct
from collections.abc import Callable
from importlib import import_module
from typing import cast

from modelhub.formats.extent import ModelFile, Source, check_extents, refusal

HEAD_NBYTES = 512

_BY_SUFFIX = {
    ".safetensors": "safetensors",
    ".npy": "npy",
    ".npz": "npz",
    ".onnx": "onnx",
    ".gguf": "gguf",
    ".pt": "torch",
    ".pth": "torch",
    ".jit": "torch",
    ".ptl": "torch",
    ".bin": "torch",
    ".ckpt": "torch",
}
_ALWAYS_TORCH = (".pt", ".pth", ".jit", ".ptl")
_PARSERS = {
    "safetensors": ("modelhub.formats.safetensors", "read_safetensors"),
    "torch": ("modelhub.formats.torch_zip", "read_torch_zip"),
    "npy": ("modelhub.formats.npy", "read_npy"),
    "npz": ("modelhub.formats.npy", "read_npz"),
    "onnx": ("modelhub.formats.onnx", "read_onnx"),
    "gguf": ("modelhub.formats.gguf", "read_gguf"),
}
_TORCH_MEMBERS = ("data.pkl", "constants.pkl", "byteorder", ".format_version", ".storage_alignment")


_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def detect(name: str, head: bytes) -> str | None:
    """Name the format from the file's first bytes (up to HEAD_NBYTES), then from its name; None: not a model file.

    Returns "safetensors", "torch", "npy", "npz", "onnx" or "gguf". A text file is none of them whatever it is called.
    """
    suffix = _suffix(name)
    by_name = _BY_SUFFIX.get(suffix)
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"GGUF"):
        return "gguf"
    if head.startswith(b"PK\x03\x04"):
        return _detect_zip(head) or (by_name if by_name in ("npz", "torch") else None)
    if len(head) > 8 and head[8:9] == b"{" and 2 <= struct.unpack_from("<Q", head)[0] <= 100_000_000:
        return "safetensors"
    if by_name == "torch":
        return "torch" if _may_be_torch(suffix, head) else None
    return by_name or ("onnx" if _looks_like_onnx(head) else None)


def read_model(name: str, source: Source) -> ModelFile | None:
    """Find the tensors of a model file by reading its headers only; None where it is not a model file.

    Raises UnsupportedModelFile, with what is wrong, where the file claims a format and cannot be trusted.
    """
    head = source.read(0, min(HEAD_NBYTES, source.size))
    if head.startswith(_LFS_POINTER) and _suffix(name) in _BY_SUFFIX:
        raise refusal("this is a git-lfs pointer, not the weights", hint="run 'git lfs pull' first, then add it again")
    kind = detect(name, head)
    if kind is None:
        return None
    module, function = _PARSERS[kind]
    parser = cast(Callable[[Source], ModelFile], getattr(import_module(module), function))
    model = parser(source)
    check_extents(model.extents, source.size)
    return model


def _suffix(name: str) -> str:
    base = name.rsplit("/", 1)[-1].lower()
    return base[base.rfind(".") :] if "." in base else ""


def _detect_zip(head: bytes) -> str | None:
    if len(head) < 30:
        return None
    length = struct.unpack_from("<H", head, 26)[0]
    member = head[30 : 30 + length].decode("utf-8", "replace")
    if member.endswith(".npy"):
        return "npz"
    folder, _, rest = member.partition("/")
    inner, _, key = rest.partition("/")
    is_storage = inner in ("data", "constants") and key.isdigit()
    return "torch" if folder and (rest in _TORCH_MEMBERS or is_storage) else None


def _may_be_torch(suffix: str, head: bytes) -> bool:
    if head[:1] == b"\x80" and head[1:2] <= b"\x05":
        return True
    return suffix in _ALWAYS_TORCH and not (head and _is_text(head))


def _is_text(head: bytes) -> bool:
    try:
        head[:-4].decode("utf-8") if len(head) == HEAD_NBYTES else head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 8 and b"\0" not in head
    return b"\0" not in head


def _looks_like_onnx(head: bytes) -> bool:
    """A ModelProto starts with its version (field 1) and, from common exporters, the producer's name (field 2)."""
    if len(head) < 16 or head[0] != 0x08 or not 1 <= head[1] <= 32 or head[2] != 0x12:
        return False
    producer = head[4 : 4 + head[3]]
    following = head[4 + head[3] : 5 + head[3]]
    return (
        0 < head[3] < 64
        and producer.isascii()
        and producer.decode("ascii").isprintable()
        and following in (b"\x1a", b'"', b":", b"\x28")
    )
