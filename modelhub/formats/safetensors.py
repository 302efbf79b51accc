"""Find the tensors of a safetensors file: 8 bytes of header length, a JSON header, then the tensors back to back.

Layout: https://github.com/huggingface/safetensors#format. The checks are those of its reference reader and of JSON
done strictly.
"""

from __future__ import annotations

import json
import re
from typing import Any

from modelhub.formats import dtypes
from modelhub.formats.extent import ModelFile, Source, TensorExtent, refusal

MAX_HEADER_NBYTES = 100_000_000
MAX_NAME_LENGTH = 4096
MAX_DIGITS = 20

_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

DTYPES = {
    "BOOL": "bool",
    "F4": "float4_e2m1fn",
    "F6_E2M3": "float6_e2m3fn",
    "F6_E3M2": "float6_e3m2fn",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}


def read_safetensors(source: Source) -> ModelFile:
    """Read the header and check that the tensors fill the rest of the file without hole or overlap.

    Raises UnsupportedModelFile for anything else. Cost: one read of the header.
    """
    header, start = _read_header(source)
    metadata = _metadata(header.pop("__metadata__", None))
    extents = [_extent(name, entry, start) for name, entry in header.items()]
    extents.sort(key=lambda extent: (extent.offset, extent.nbytes))
    _check_filled(extents, start, source.size)
    return ModelFile("safetensors", tuple(extents), metadata=metadata)


def parse_strict(data: bytes, what: str) -> Any:
    """Parse JSON, refusing what the standard parser lets pass: duplicate keys, NaN, long numbers, deep nesting."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise refusal(f"{what}: a key is there twice: '{_first_twice(pairs)}'")
        return found

    def whole(digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise refusal(f"{what}: a number has {len(digits)} digits")
        return int(digits)

    def constant(word: str) -> Any:
        raise refusal(f"{what}: {word} is not JSON")

    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_int=whole, parse_constant=constant)
        _check_text(document, data)
    except UnicodeError:
        raise refusal(f"{what}: the JSON is not UTF-8 text") from None
    except RecursionError:
        raise refusal(f"{what}: the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise refusal(f"{what}: not valid JSON: {error.msg} at {error.pos}") from None
    return document


def _check_text(document: Any, data: bytes) -> None:
    """Raise UnicodeError where an escape stands for half a character: such a name could not be written anywhere."""
    if _LONE_SURROGATE.search(data):
        json.dumps(document, ensure_ascii=False).encode("utf-8")


def _first_twice(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key[:200].encode("utf-8", "backslashreplace").decode("utf-8")
        seen.add(key)
    return ""


def _read_header(source: Source) -> tuple[dict[str, Any], int]:
    if source.size < 8:
        raise refusal(f"safetensors: the file has only {source.size} bytes (truncated?)")
    length = int.from_bytes(source.read(0, 8), "little")
    if length > MAX_HEADER_NBYTES:
        raise refusal(f"safetensors: a header of {length} bytes is more than the {MAX_HEADER_NBYTES} allowed")
    if 8 + length > source.size:
        raise refusal(f"safetensors: the header ends at {8 + length} but the file has {source.size} bytes (truncated?)")
    data = source.read(8, length)
    if not data.startswith(b"{"):
        raise refusal("safetensors: the header does not start with '{'")
    return parse_strict(data, "safetensors"), 8 + length


def _metadata(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise refusal("safetensors: '__metadata__' is not a map of text to text")
    return value


def _extent(name: str, entry: Any, start: int) -> TensorExtent:
    if len(name) > MAX_NAME_LENGTH:
        raise refusal(f"safetensors: a tensor's name has {len(name)} characters")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise refusal(f"safetensors: tensor '{name}' needs dtype, shape and data_offsets, no more and no less")
    dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise refusal(f"safetensors: tensor '{name}' has the unknown dtype {str(entry['dtype'])[:40]!r}")
    shape = _whole_numbers(entry["shape"], f"the shape of tensor '{name}'")
    offsets = _whole_numbers(entry["data_offsets"], f"data_offsets of tensor '{name}'")
    if len(offsets) != 2 or offsets[1] < offsets[0]:
        raise refusal(f"safetensors: data_offsets of tensor '{name}' are not a start and an end")
    nbytes = offsets[1] - offsets[0]
    _check_size(name, dtype, shape, nbytes)
    return TensorExtent(name, dtype, shape, start + offsets[0], nbytes)


def _check_size(name: str, dtype: str, shape: tuple[int, ...], nbytes: int) -> None:
    count = dtypes.element_count(shape)
    kind = dtypes.dtype(dtype)
    if count * kind.block_nbytes != nbytes * kind.block_elements:
        raise refusal(f"safetensors: tensor '{name}' of shape {list(shape)} and {dtype} cannot have {nbytes} bytes")


def _whole_numbers(value: Any, what: str) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > 64 or not all(type(item) is int and item >= 0 for item in value):
        raise refusal(f"safetensors: {what} is not a short list of whole numbers")
    return tuple(value)


def _check_filled(extents: list[TensorExtent], start: int, size: int) -> None:
    position = start
    for extent in extents:
        if extent.end > size:
            raise refusal(
                f"safetensors: tensor '{extent.name}' ends at {extent.end} but the file has {size} bytes (truncated?)"
            )
        if extent.offset != position:
            problem = (
                "overlaps the one before it"
                if extent.offset < position
                else f"leaves a hole of {extent.offset - position} bytes"
            )
            raise refusal(f"safetensors: tensor '{extent.name}' at {extent.offset} {problem}")
        position = extent.end
    if position != size:
        raise refusal(f"safetensors: the tensors end at {position} but the file has {size} bytes")
