"""Encode the same tensors with other projects' codecs, so that their figures stand beside ours in one run."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path


def tensors(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield (name, dtype, bytes) of each tensor in a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    for name, info in header.items():
        start, end = info["data_offsets"]
        yield name, info["dtype"], data[8 + length + start : 8 + length + end]


def _share(path: Path, encode: Callable[[str, str, bytes], int]) -> float:
    sizes = [(encode(name, dtype, raw), len(raw)) for name, dtype, raw in tensors(path)]
    return sum(min(size, raw) for size, raw in sizes) / sum(raw for _, raw in sizes)


def zipnn_share(path: Path, base: Path | None) -> str:
    """Return the size of a file's tensors by zipnn as a share of raw, with its delta mode where there is a base."""
    try:
        from zipnn import ZipNN
    except ImportError:
        return "zipnn is not installed"
    known = {name: raw for name, _, raw in tensors(base)} if base else {}

    def encode(name: str, dtype: str, raw: bytes) -> int:
        kind = {"F32": "float32", "BF16": "bfloat16"}.get(dtype)
        if kind is None or len(raw) < 1024:
            return len(raw)
        if name in known:
            coder = ZipNN(bytearray_dtype=kind, delta_compressed_type="byte")
            return len(coder.compress(bytearray(raw), delta_second_data=bytearray(known[name])))
        return len(ZipNN(bytearray_dtype=kind).compress(bytearray(raw)))

    return f"{_share(path, encode):.3f} zipnn"


def z4ai_share(path: Path, base: Path | None) -> str:
    """The same by z4ai."""
    try:
        import z4ai
    except ImportError:
        return "z4ai is not installed"
    known = {name: raw for name, _, raw in tensors(base)} if base else {}

    def encode(name: str, dtype: str, raw: bytes) -> int:
        kind = {"F32": "fp32", "BF16": "bf16"}.get(dtype)
        if kind is None or len(raw) < 1024:
            return len(raw)
        if name in known:
            return len(z4ai.compress_delta(raw, known[name], dtype=kind))
        return len(z4ai.compress(raw, dtype=kind))

    return f"{_share(path, encode):.3f} z4ai"


def beside(path: Path, base: Path | None = None) -> str:
    """Return both peers' figures."""
    return f"{zipnn_share(path, base)}, {z4ai_share(path, base)}"
