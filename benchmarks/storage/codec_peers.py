"""Other projects' codecs on the same tensors, tensor by tensor, in one thread: how small, how fast.

`BitX` is written after its description in ZipLLM (NSDI'26): the XOR of both, the sign rotated to the lowest bit, byte
planes, zstd 3 on each. `exponent groups` is what a chain of deltas by the base's exponent alone takes: the yardstick of
"twenty checkpoints", whatever modelhub does itself. A codec that would make a tensor larger is charged its raw size,
and so are tensors below a kilobyte, which the peers cannot take.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from benchmarks.storage.model_files import WIDTHS, Tensor, pairs

Words = NDArray[Any]
Encode = Callable[[Tensor, bytes], int]

MIN_NBYTES = 1024
MIN_GROUP_ELEMENTS = 1 << 13
EXPONENT_BITS = {"F32": 23, "BF16": 7, "F16": 10}


@dataclass(frozen=True, slots=True)
class Codec:
    """A peer: `encode` takes a tensor and its base's bytes (none for a self encoding) and returns the encoded size."""

    name: str
    encode: Encode
    needs_base: bool
    package: str = "zstandard"

    @property
    def installed(self) -> bool:
        return find_spec(self.package) is not None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a codec made of a file: its size as a share of raw, and raw megabytes a second in one thread."""

    share: float
    speed: float


def words(raw: bytes, dtype: str) -> Words:
    """Return the bit patterns of a tensor as unsigned integers."""
    return np.frombuffer(raw, f"<u{WIDTHS.get(dtype, 1)}")


def rotated(bits: Words) -> Words:
    """Return the bits with the sign moved to the lowest place."""
    top = bits.dtype.type(bits.dtype.itemsize * 8 - 1)
    return (bits << bits.dtype.type(1)) | (bits >> top)


def planes_nbytes(bits: Words, level: int) -> int:
    """Return the bytes of all byte planes, each by zstd or, where that does not shrink it, raw."""
    zstd = zstandard.ZstdCompressor(level=level)
    planes = bits.view(np.uint8).reshape(-1, bits.dtype.itemsize).T
    return sum(min(len(zstd.compress(np.ascontiguousarray(plane))), plane.size) for plane in planes)


def _zstd(tensor: Tensor, _: bytes) -> int:
    return len(zstandard.ZstdCompressor(level=3).compress(tensor.raw))


def _zstd_of_xor(tensor: Tensor, base: bytes) -> int:
    difference = words(tensor.raw, tensor.dtype) ^ words(base, tensor.dtype)
    return len(zstandard.ZstdCompressor(level=3).compress(difference))


def _bitx(tensor: Tensor, base: bytes) -> int:
    return planes_nbytes(rotated(words(tensor.raw, tensor.dtype) ^ words(base, tensor.dtype)), 3)


def _planes(tensor: Tensor, _: bytes) -> int:
    return planes_nbytes(rotated(words(tensor.raw, tensor.dtype)), 1)


def _zipnn(tensor: Tensor, _: bytes) -> int:
    from zipnn import ZipNN

    return len(ZipNN(bytearray_dtype=_zipnn_kind(tensor)).compress(bytearray(tensor.raw)))


def _zipnn_delta(tensor: Tensor, base: bytes) -> int:
    from zipnn import ZipNN

    coder = ZipNN(bytearray_dtype=_zipnn_kind(tensor), delta_compressed_type="byte")
    return len(coder.compress(bytearray(tensor.raw), delta_second_data=bytearray(base)))


def _zipnn_kind(tensor: Tensor) -> str:
    return {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}[tensor.dtype]


def _z4ai(tensor: Tensor, _: bytes) -> int:
    import z4ai

    return len(z4ai.compress(tensor.raw, dtype=_z4ai_kind(tensor)))


def _z4ai_delta(tensor: Tensor, base: bytes) -> int:
    import z4ai

    return len(z4ai.compress_delta(tensor.raw, base, dtype=_z4ai_kind(tensor)))


def _z4ai_kind(tensor: Tensor) -> str:
    return {"F32": "fp32", "BF16": "bf16", "F16": "fp16"}[tensor.dtype]


def _in_order(bits: Words) -> Words:
    """Return floats' bits as integers in the order of the floats' values."""
    sign = bits.dtype.type(1 << (bits.dtype.itemsize * 8 - 1))
    return np.where(bits & sign, ~bits, bits | sign)


def _zigzag(new: Words, old: Words) -> Words:
    steps = _in_order(new) - _in_order(old)
    signed = steps.view(f"<i{steps.dtype.itemsize}")
    return ((signed << 1) ^ (signed >> (steps.dtype.itemsize * 8 - 1))).view(steps.dtype)


def _exponent_groups(tensor: Tensor, base: bytes) -> int:
    old = words(base, tensor.dtype)
    steps = _zigzag(words(tensor.raw, tensor.dtype), old)
    keys = ((old << old.dtype.type(1)) >> old.dtype.type(EXPONENT_BITS[tensor.dtype] + 1)).astype(np.uint8)
    steps = steps[np.argsort(keys, kind="stable")]
    ends = np.cumsum(np.bincount(keys, minlength=256))
    nbytes = start = 0
    for end in ends:
        last = end == steps.size
        if end - start >= MIN_GROUP_ELEMENTS or (last and end > start):
            nbytes += _pcodec_nbytes(np.ascontiguousarray(steps[start:end]))
            start = int(end)
    return nbytes


@cache
def _pcodec_config() -> Any:
    from pcodec import ChunkConfig, DeltaSpec, ModeSpec

    return ChunkConfig(compression_level=8, mode_spec=ModeSpec.classic(), delta_spec=DeltaSpec.no_op())


def _pcodec_nbytes(steps: Words) -> int:
    from pcodec import standalone

    return len(standalone.simple_compress(steps, _pcodec_config()))


EXPONENT_GROUPS = Codec("exponent groups, pcodec 8", _exponent_groups, True, "pcodec")
BITX = Codec("BitX", _bitx, True)
PLANES = Codec("byte planes, zstd 1", _planes, False)
CODECS = (
    Codec("zstd 3", _zstd, False),
    PLANES,
    Codec("zipnn", _zipnn, False, "zipnn"),
    Codec("z4ai", _z4ai, False, "z4ai"),
    Codec("zstd 3 of the XOR", _zstd_of_xor, True),
    Codec("zipnn delta", _zipnn_delta, True, "zipnn"),
    BITX,
    Codec("z4ai delta", _z4ai_delta, True, "z4ai"),
    EXPONENT_GROUPS,
)


def encoded_nbytes(codec: Codec, path: Path, base: Path | None) -> tuple[int, int, float]:
    """Return the encoded and the raw bytes of a file's tensors, and the seconds that the codec took."""
    encoded = raw = 0
    seconds = 0.0
    for tensor, old in pairs(path, base if codec.needs_base else None):
        raw += len(tensor.raw)
        size = len(tensor.raw)
        if tensor.dtype in WIDTHS and size >= MIN_NBYTES and (old is not None or not codec.needs_base):
            started = time.perf_counter()
            size = min(size, codec.encode(tensor, old or b""))
            seconds += time.perf_counter() - started
        encoded += size
    return encoded, raw, seconds


def measured(codec: Codec, path: Path, base: Path | None) -> Measured | None:
    """Return size and speed of a codec on a file, or None where it is not installed."""
    if not codec.installed:
        return None
    encoded, raw, seconds = encoded_nbytes(codec, path, base)
    return Measured(encoded / raw, raw / 1e6 / max(seconds, 1e-9))
