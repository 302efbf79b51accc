"""The names of number types and how many bytes they take, in torch's and numpy's words, and GGUF's for blocks."""

from __future__ import annotations

from math import prod

from msgspec import Struct

from modelhub.errors import InvalidInputError


class DType(Struct, frozen=True):
    """A number type: `block_elements` numbers together take `block_nbytes` bytes (1 number for ordinary types)."""

    name: str
    block_nbytes: int
    block_elements: int = 1


ORDINARY = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "float8_e4m3fn": 1,
    "float8_e4m3fnuz": 1,
    "float8_e5m2": 1,
    "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1,
    "float4_e2m1fn_x2": 1,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint64": 8,
    "uint32": 4,
    "uint16": 2,
    "uint8": 1,
    "bool": 1,
    "complex32": 4,
    "complex64": 8,
    "complex128": 16,
    "bytes": 1,
}

# Numbers narrower than a byte, packed without holes: (bytes, numbers) of a block.
_PACKED = {
    "float4_e2m1fn": (1, 2),
    "float6_e2m3fn": (3, 4),
    "float6_e3m2fn": (3, 4),
    "int4": (1, 2),
    "uint4": (1, 2),
    "int2": (1, 4),
    "uint2": (1, 4),
}

# Sizes of GGML's quantised blocks, from the block structures of ggml-common.h.
_QUANTISED = {
    "q4_0": (18, 32),
    "q4_1": (20, 32),
    "q5_0": (22, 32),
    "q5_1": (24, 32),
    "q8_0": (34, 32),
    "q2_k": (84, 256),
    "q3_k": (110, 256),
    "q4_k": (144, 256),
    "q5_k": (176, 256),
    "q6_k": (210, 256),
    "q8_k": (292, 256),
    "iq2_xxs": (66, 256),
    "iq2_xs": (74, 256),
    "iq3_xxs": (98, 256),
    "iq1_s": (50, 256),
    "iq4_nl": (18, 32),
    "iq3_s": (110, 256),
    "iq2_s": (82, 256),
    "iq4_xs": (136, 256),
    "iq1_m": (56, 256),
    "tq1_0": (54, 256),
    "tq2_0": (66, 256),
    "mxfp4": (17, 32),
    "nvfp4": (36, 64),
    "q1_0": (18, 128),
}

_DTYPES = {name: DType(name, nbytes) for name, nbytes in ORDINARY.items()}
_DTYPES |= {name: DType(name, *block) for name, block in (_PACKED | _QUANTISED).items()}


def dtype(name: str) -> DType:
    """Look a type up by its name; raises InvalidInputError for one nobody here knows."""
    found = _DTYPES.get(name)
    if found is None:
        raise InvalidInputError(f"no number type is called '{name}'")
    return found


def nbytes(name: str, count: int) -> int:
    """Bytes that `count` numbers of a type take; numbers narrower than a byte fill up the last one."""
    kind = dtype(name)
    return -(-count * kind.block_nbytes // kind.block_elements)


def element_count(shape: tuple[int, ...]) -> int:
    """How many numbers a shape holds; 1 for shape ()."""
    return prod(shape)


def is_quantised(name: str) -> bool:
    """Whether numbers of this type share a block and cannot be read one by one."""
    return dtype(name).block_elements > 1
