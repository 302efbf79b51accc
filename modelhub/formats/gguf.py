"""Find the tensors of a GGUF file, versions 2 and 3, little-endian.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Quantised tensors are carried as their blocks.
"""

from __future__ import annotations

from modelhub.formats import dtypes
from modelhub.formats.cursor import Cursor
from modelhub.formats.extent import ModelFile, Source, TensorExtent, refusal

MAX_ITEMS = 1 << 20
MAX_AXES = 4
MAX_NAME_NBYTES = 4096
MAX_SHOWN_NBYTES = 1024
MAX_ARRAY_DEPTH = 4
MAX_ARRAY_TEXTS = 2_000_000

_TYPES = {
    0: "float32",
    1: "float16",
    2: "q4_0",
    3: "q4_1",
    6: "q5_0",
    7: "q5_1",
    8: "q8_0",
    10: "q2_k",
    11: "q3_k",
    12: "q4_k",
    13: "q5_k",
    14: "q6_k",
    15: "q8_k",
    16: "iq2_xxs",
    17: "iq2_xs",
    18: "iq3_xxs",
    19: "iq1_s",
    20: "iq4_nl",
    21: "iq3_s",
    22: "iq2_s",
    23: "iq4_xs",
    24: "int8",
    25: "int16",
    26: "int32",
    27: "int64",
    28: "float64",
    29: "iq1_m",
    30: "bfloat16",
    34: "tq1_0",
    35: "tq2_0",
    39: "mxfp4",
    40: "nvfp4",
    41: "q1_0",
}
# Codes of scalar metadata, as `struct` letters, and their widths.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY = 8, 9


def read_gguf(source: Source) -> ModelFile:
    """Read metadata and tensor table, and check every tensor against the file's size.

    Raises UnsupportedModelFile for other versions, big-endian files, unknown types, and tensors that overlap or reach
    past the end. Cost: one pass over the header (a tokenizer's vocabulary is walked but not kept).
    """
    cursor = Cursor(source, "gguf")
    if cursor.take(4, "the magic number") != b"GGUF":
        raise refusal("gguf: the file does not start with 'GGUF'")
    version = cursor.u32("the version")
    if version not in (2, 3):
        kind = "big-endian" if version in (2 << 24, 3 << 24) else f"version {version}"
        raise refusal(f"gguf: {kind} files are not read, only little-endian versions 2 and 3")
    tensor_count = _count(cursor, "tensors", 24)
    fact_count = _count(cursor, "metadata entries", 13)
    metadata = _read_metadata(cursor, fact_count)
    alignment = _alignment(metadata)
    table = [_read_entry(cursor) for _ in range(tensor_count)]
    start = -(-cursor.position // alignment) * alignment
    extents = sorted(
        (_extent(entry, start, alignment) for entry in table), key=lambda extent: (extent.offset, extent.nbytes)
    )
    _check(extents, source.size)
    return ModelFile("gguf", tuple(extents), metadata=metadata)


def _count(cursor: Cursor, things: str, least_nbytes: int) -> int:
    count = cursor.u64(f"the number of {things}")
    if count > MAX_ITEMS or count * least_nbytes > cursor.left:
        raise refusal(f"gguf: {count} {things} cannot be in a file of {cursor.end} bytes (truncated?)")
    return count


def _text(cursor: Cursor, thing: str, limit: int = MAX_NAME_NBYTES) -> str:
    nbytes = cursor.u64(f"the length of {thing}")
    if nbytes > limit:
        raise refusal(f"gguf: {thing} at {cursor.position} has {nbytes} bytes, more than the {limit} allowed")
    try:
        return cursor.take(nbytes, thing).decode("utf-8")
    except UnicodeDecodeError:
        raise refusal(f"gguf: {thing} at {cursor.position} is not UTF-8 text") from None


def _read_metadata(cursor: Cursor, count: int) -> dict[str, str]:
    """Read all entries; keep numbers and short texts."""
    kept: dict[str, str] = {}
    seen: set[str] = set()
    for _ in range(count):
        key = _text(cursor, "a metadata key")
        if key in seen:
            raise refusal(f"gguf: the metadata key '{key}' is there twice")
        seen.add(key)
        value = _read_value(cursor, cursor.u32("a metadata type"), key)
        if value is not None:
            kept[key] = value
    return kept


def _read_value(cursor: Cursor, kind: int, key: str) -> str | None:
    if kind in _SCALARS:
        return str(cursor.number(_SCALARS[kind], f"'{key}'"))
    if kind == _TEXT:
        nbytes = cursor.u64(f"the length of '{key}'")
        if nbytes > MAX_SHOWN_NBYTES:
            cursor.skip(nbytes, f"'{key}'")
            return None
        return cursor.take(nbytes, f"'{key}'").decode("utf-8", "replace")
    if kind == _ARRAY:
        _skip_array(cursor, key, 1)
        return None
    raise refusal(f"gguf: '{key}' has the unknown metadata type {kind}")


def _skip_array(cursor: Cursor, key: str, depth: int) -> None:
    kind = cursor.u32(f"the type of '{key}'")
    count = cursor.u64(f"the length of '{key}'")
    if kind in _WIDTHS:
        cursor.skip(count * _WIDTHS[kind], f"'{key}'")
        return
    if kind not in (_TEXT, _ARRAY) or depth > MAX_ARRAY_DEPTH:
        raise refusal(f"gguf: '{key}' is an array of the unknown metadata type {kind}, or nested too deeply")
    least = 8 if kind == _TEXT else 12
    if count * least > cursor.left or count > MAX_ARRAY_TEXTS:
        raise refusal(f"gguf: '{key}' cannot have {count} items in the {cursor.left} bytes that are left (truncated?)")
    for _ in range(count):
        if kind == _TEXT:
            cursor.skip(cursor.u64(f"an item of '{key}'"), f"an item of '{key}'")
        else:
            _skip_array(cursor, key, depth + 1)


def _alignment(metadata: dict[str, str]) -> int:
    text = metadata.get("general.alignment", "32")
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= value <= 1 << 20 or value & (value - 1):
        raise refusal(f"gguf: an alignment of '{text[:40]}' is not a power of two")
    return value


def _read_entry(cursor: Cursor) -> tuple[str, str, tuple[int, ...], int]:
    """Read one row of the tensor table: name, type, shape (slowest axis first) and offset in the data part."""
    name = _text(cursor, "a tensor's name")
    axes = cursor.u32(f"the axes of '{name}'")
    if axes > MAX_AXES:
        raise refusal(f"gguf: tensor '{name}' has {axes} axes, more than the {MAX_AXES} allowed")
    sizes = [cursor.u64(f"the shape of '{name}'") for _ in range(axes)]
    code = cursor.u32(f"the type of '{name}'")
    dtype = _TYPES.get(code)
    if dtype is None:
        raise refusal(f"gguf: tensor '{name}' has the unknown type {code}")
    if (sizes[0] if sizes else 1) % dtypes.dtype(dtype).block_elements:
        raise refusal(f"gguf: rows of tensor '{name}' with {sizes[:1]} numbers are not whole blocks of {dtype}")
    return name, dtype, tuple(reversed(sizes)), cursor.u64(f"the offset of '{name}'")


def _extent(entry: tuple[str, str, tuple[int, ...], int], start: int, alignment: int) -> TensorExtent:
    name, dtype, shape, offset = entry
    if offset % alignment:
        raise refusal(f"gguf: tensor '{name}' at {offset} is not aligned to {alignment}")
    return TensorExtent(name, dtype, shape, start + offset, dtypes.nbytes(dtype, dtypes.element_count(shape)))


def _check(extents: list[TensorExtent], size: int) -> None:
    names: set[str] = set()
    position = 0
    for extent in extents:
        if extent.name in names:
            raise refusal(f"gguf: tensor '{extent.name}' is there twice")
        names.add(extent.name)
        if extent.end > size:
            raise refusal(
                f"gguf: tensor '{extent.name}' ends at {extent.end} but the file has {size} bytes (truncated?)"
            )
        if extent.offset < position:
            raise refusal(f"gguf: tensor '{extent.name}' overlaps the one before it")
        position = extent.end
