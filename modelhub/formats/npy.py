"""Find the arrays of numpy's `.npy` files, and of `.npz` archives whose members are stored uncompressed.

Layout: numpy.lib.format, versions 1.0 to 3.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelhub.formats import dtypes
from modelhub.formats.extent import ModelFile, Source, TensorExtent, refusal
from modelhub.formats.zip_walk import walk_zip

MAX_HEADER_NBYTES = 1 << 16
MAX_AXES = 64

_MAGIC = b"\x93NUMPY"
_TYPES = {
    "b1": "bool",
    "i1": "int8",
    "i2": "int16",
    "i4": "int32",
    "i8": "int64",
    "u1": "uint8",
    "u2": "uint16",
    "u4": "uint32",
    "u8": "uint64",
    "f2": "float16",
    "f4": "float32",
    "f8": "float64",
    "c8": "complex64",
    "c16": "complex128",
}
_ITEM = re.compile(
    r"""\s*['"](?:(?P<descr>descr)['"]\s*:\s*(?P<type>'[^'\\]{1,40}'|"[^"\\]{1,40}"|\[.*\])"""
    r"""|(?P<order>fortran_order)['"]\s*:\s*(?P<fortran>True|False)"""
    r"""|(?P<axes>shape)['"]\s*:\s*\((?P<shape>[0-9L,\s]*)\))\s*(?:,|(?=\}))""",
    re.DOTALL,
)
_PLAIN = re.compile(r"([<>|=])([a-zA-Z])(\d{1,9})(?:\[[^\]]*\])?")


@dataclass(frozen=True, slots=True)
class _Header:
    descr: str
    fortran: bool
    shape: tuple[int, ...]
    nbytes: int


def read_npy(source: Source) -> ModelFile:
    """Find the one array of a `.npy` file. Its name is '' since the file gives none.

    Raises UnsupportedModelFile where it holds Python objects or is too short.
    """
    notes: list[str] = []
    extent = _array(source, "", (0, source.size), notes)
    if extent.end < source.size:
        notes.append(f"npy: {source.size - extent.end} bytes after the array are kept as they are")
    return ModelFile("npy", (extent,), notes=tuple(notes))


def read_npz(source: Source) -> ModelFile:
    """Find the arrays of an `.npz` archive, each named as its member without '.npy'; Python objects stay literal.

    Raises UnsupportedModelFile for compressed members and for every zip that can be read in two ways.
    """
    entries = walk_zip(source, "npz")
    members = [entry for entry in entries.values() if entry.name.endswith(".npy")]
    if any(not entry.is_stored for entry in members):
        raise refusal(
            "npz: members are compressed, so their tensors cannot be shared with other files",
            hint="write it with numpy.savez instead of numpy.savez_compressed; the store compresses by itself",
        )
    notes: list[str] = []
    extents = [_array(source, entry.name[:-4], (entry.offset, entry.nbytes), notes) for entry in members]
    kept = tuple(extent for extent in extents if extent.dtype != "object")
    return ModelFile("npz", kept, notes=tuple(notes))


def _array(source: Source, name: str, span: tuple[int, int], notes: list[str]) -> TensorExtent:
    start, nbytes = span
    label = f"array '{name}'" if name else "the array"
    header = _read_header(source, start, nbytes, label)
    room = nbytes - header.nbytes
    dtype, width = _dtype(header.descr)
    if dtype is None:
        if not name:
            raise refusal("npy: the file holds pickled Python objects", hint="save plain numbers instead of objects")
        notes.append(f"npz: array '{name}' holds pickled Python objects and is kept as they are")
        return TensorExtent(name, "object", (), start, 0)
    count = dtypes.element_count(header.shape)
    wanted = count * width if width else room
    if wanted > room:
        raise refusal(f"npy: {label} needs {wanted} bytes but {room} are there (truncated?)")
    offset = start + header.nbytes
    if dtype == "bytes":
        notes.append(f"npy: {label} of type {header.descr[:40]} is kept as plain bytes")
        return TensorExtent(name, dtype, (wanted,), offset, wanted)
    strides = _fortran_strides(header.shape) if header.fortran else None
    return TensorExtent(name, dtype, header.shape, offset, wanted, strides)


def _dtype(descr: str) -> tuple[str | None, int]:
    """Name a numpy type and its width: (None, 0) for Python objects, ("bytes", width or 0) for others."""
    plain = _PLAIN.fullmatch(descr)
    if plain is None:
        return (
            (None, 0) if re.search(r"""['"][<>|=]?O\d*['"]""", descr) or descr in ("O", "|O", "|O8") else ("bytes", 0)
        )
    order, letter, width = plain.groups()
    if letter == "O":
        return None, 0
    found = _TYPES.get(letter + width)
    if found is not None and (order != ">" or dtypes.dtype(found).block_nbytes == 1):
        return found, int(width)
    if found is not None:
        return "bytes", int(width)
    return "bytes", {"U": 4 * int(width), "S": int(width), "V": int(width), "M": 8, "m": 8}.get(letter, int(width))


def _read_header(source: Source, start: int, nbytes: int, label: str) -> _Header:
    head = source.read(start, min(12, nbytes))
    if len(head) < 10 or not head.startswith(_MAGIC):
        raise refusal(f"npy: {label} does not start as a .npy file does (truncated?)")
    if head[6] not in (1, 2, 3):
        raise refusal(f"npy: {label} has format version {head[6]}.{head[7]}, which is not known")
    at = 10 if head[6] == 1 else 12
    length = int.from_bytes(head[8:at], "little")
    if length > MAX_HEADER_NBYTES or at + length > nbytes:
        raise refusal(f"npy: {label} has a header of {length} bytes where {nbytes - at} are there (truncated?)")
    text = source.read(start + at, length).decode("latin-1" if head[6] < 3 else "utf-8", "replace")
    return _parse_header(text, at + length, label)


def _parse_header(text: str, nbytes: int, label: str) -> _Header:
    body = text.strip()
    found: dict[str, str] = {}
    position = 1
    while body[position:].strip() != "}":
        item = _ITEM.match(body, position)
        key = item and (item["descr"] or item["order"] or item["axes"])
        if not body.startswith("{") or item is None or key is None or key in found:
            raise refusal(f"npy: the header of {label} is not one that numpy writes")
        found[key] = item["type"] or item["fortran"] or item["shape"] or ""
        position = item.end()
    if len(found) != 3:
        raise refusal(f"npy: the header of {label} lacks descr, fortran_order or shape")
    descr = found["descr"]
    descr = descr[1:-1] if descr[0] in "'\"" else descr
    return _Header(descr, found["fortran_order"] == "True", _shape(found["shape"], label), nbytes)


def _shape(text: str, label: str) -> tuple[int, ...]:
    parts = [part.strip().removesuffix("L") for part in text.split(",")]
    if parts[-1] == "":
        parts.pop()
    if len(parts) > MAX_AXES or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
        raise refusal(f"npy: the shape of {label} is not a short list of whole numbers")
    return tuple(int(part) for part in parts)


def _fortran_strides(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Strides of a column-major array, or None where that is the same as C order."""
    if sum(size != 1 for size in shape) < 2:
        return None
    strides: list[int] = []
    step = 1
    for size in shape:
        strides.append(step)
        step *= max(size, 1)
    return tuple(strides)
