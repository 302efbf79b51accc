"""Read and round safetensors files as plain bytes, so that every codec here is given the same tensors."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WIDTHS = {"F32": 4, "BF16": 2, "F16": 2}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its dtype as safetensors calls it, its little-endian bytes."""

    name: str
    dtype: str
    raw: bytes


def tensors(path: Path) -> Iterator[Tensor]:
    """Yield the tensors of a safetensors file in the order of its header."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    for name, info in header.items():
        start, end = info["data_offsets"]
        yield Tensor(name, info["dtype"], data[8 + length + start : 8 + length + end])


def pairs(path: Path, base: Path | None) -> list[tuple[Tensor, bytes | None]]:
    """Return each tensor with the base's tensor of the same name, dtype and size, if there is one."""
    known = {tensor.name: tensor for tensor in tensors(base)} if base else {}
    found: list[tuple[Tensor, bytes | None]] = []
    for tensor in tensors(path):
        old = known.get(tensor.name)
        fits = old is not None and old.dtype == tensor.dtype and len(old.raw) == len(tensor.raw)
        found.append((tensor, old.raw if old is not None and fits else None))
    return found


def cast_to_bfloat16(source: Path, target: Path) -> Path:
    """Write a copy of a safetensors file with its float32 tensors rounded to bfloat16 (to nearest, ties to even)."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    position, parts = 0, []
    shapes = _shapes(source)
    for tensor in tensors(source):
        raw, dtype = tensor.raw, tensor.dtype
        if dtype == "F32":
            bits = np.frombuffer(raw, "<u4").astype(np.uint64)
            raw, dtype = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes(), "BF16"
        end = position + len(raw)
        header[tensor.name] = {"dtype": dtype, "shape": shapes[tensor.name], "data_offsets": [position, end]}
        position = end
        parts.append(raw)
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    target.write_bytes(struct.pack("<Q", len(encoded)) + encoded + b"".join(parts))
    return target


def _shapes(path: Path) -> dict[str, list[int]]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return {name: info["shape"] for name, info in header.items() if name != "__metadata__"}
