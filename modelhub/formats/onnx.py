"""Find the tensors of an ONNX model: the initializers and constants of its graph and of the graphs inside its nodes.

Layout: onnx.proto of the ONNX project, read with a small protobuf reader of our own. Tensors in other files are
named, never opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from modelhub.formats import dtypes
from modelhub.formats.cursor import Cursor
from modelhub.formats.extent import ModelFile, Source, TensorExtent, refusal

MAX_FIELDS = 4_000_000
MAX_DEPTH = 32
MAX_AXES = 64
MAX_TEXT_NBYTES = 4096
MAX_NAMES_LENGTH = 64 << 20
MAX_FACTS = 200
MAX_LOCATIONS = 20
LEAST_CONSTANT_NBYTES = 64

_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4_e2m1fn",
    24: "float8_e8m0fnu",
    25: "uint2",
    26: "int2",
    27: "float6_e2m3fn",
    28: "float6_e3m2fn",
}
_STRING = 8
_VARINT, _FIXED64, _RUN, _FIXED32 = 0, 1, 2, 5
# Typed fields whose packed bytes are the tensor's own bytes: field number -> ONNX types it carries.
_PACKED_FIELDS = {4: (1, 14), 10: (11, 15)}


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a message: a varint's value, or where its bytes lie."""

    number: int
    wire: int
    value: int
    start: int
    end: int


@dataclass(slots=True)
class _Tensor:
    """What a TensorProto says of itself."""

    name: str = ""
    code: int = 0
    shape: list[int] = field(default_factory=list)
    runs: dict[int, list[_Field]] = field(default_factory=dict)
    location: str | None = None


def read_onnx(source: Source) -> ModelFile:
    """Walk the model's graphs and list the tensors whose bytes lie in this file as they are.

    Initializers are listed whatever their size; constants in nodes when they are weights (floating point with at
    least one axis) or have 64 bytes. Numbers written as varints, strings and sparse tensors stay literal. Raises
    UnsupportedModelFile where the file is not one well-formed model. Cost: one pass over everything but the tensors'
    bytes.
    """
    reader = _Reader(Cursor(source, "onnx"))
    reader.model()
    return reader.result()


class _Reader:
    """Collects tensors while walking nested messages."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._fields = 0
        self._names_length = 0
        self._extents: list[TensorExtent] = []
        self._names: dict[str, int] = {}
        self._metadata: dict[str, str] = {}
        self._elsewhere: dict[str, int] = {}
        self._notes: list[str] = []

    def result(self) -> ModelFile:
        """Return what was found, in file order."""
        notes = self._notes + [
            f"onnx: {count} tensor{'s lie' if count > 1 else ' lies'} in another file, not opened here: '{location}'"
            for location, count in self._elsewhere.items()
        ]
        extents = sorted(self._extents, key=lambda extent: (extent.offset, extent.nbytes))
        return ModelFile("onnx", tuple(extents), metadata=self._metadata, notes=tuple(notes))

    def model(self) -> None:
        """Read the ModelProto."""
        seen: set[int] = set()
        for item in self._each(self._cursor):
            if item.number in (1, 7) and item.number in seen:
                raise refusal("onnx: the model has two graphs or two versions")
            seen.add(item.number)
            if item.number == 1:
                self._metadata["ir_version"] = str(item.value)
            elif item.number == 2:
                self._metadata["producer"] = self._text(item)
            elif item.number == 7:
                self._graph(self._inside(item), "", 0)
            elif item.number == 25:
                self._nodes(self._inside(item), (7, None, None), "", 0)
            elif item.number in (8, 14):
                self._fact(item)
        if not {1, 7, 8} <= seen:
            raise refusal("onnx: the file is not a model with a version, a graph and an operator set (truncated?)")

    def _fact(self, item: _Field) -> None:
        """Note an operator set, or a pair of texts."""
        key, value = "", ""
        for part in self._each(self._inside(item)):
            if part.number == 1:
                key = self._text(part)
            elif part.number == 2:
                value = str(part.value) if part.wire == _VARINT else self._text(part)
        if len(self._metadata) < MAX_FACTS:
            self._metadata[f"opset.{key or 'ai.onnx'}" if item.number == 8 else key] = value

    def _graph(self, cursor: Cursor, path: str, depth: int) -> None:
        self._nodes(cursor, (1, 5, 15), path, depth)

    def _nodes(self, cursor: Cursor, numbers: tuple[int, int | None, int | None], path: str, depth: int) -> None:
        """Read a graph or function; `numbers` are its fields of nodes, initializers and sparse initializers."""
        if depth > MAX_DEPTH or len(path) > MAX_TEXT_NBYTES:
            raise refusal(f"onnx: graphs are nested more than {MAX_DEPTH} deep")
        node, initializer, sparse = numbers
        count = 0
        for item in self._each(cursor):
            if item.number == node:
                self._node(self._inside(item), path, depth, count)
                count += 1
            elif item.number == initializer:
                self._initializer(item, path)
            elif item.number == sparse:
                self._note("onnx: sparse initializers are kept as they are")

    def _node(self, cursor: Cursor, path: str, depth: int, count: int) -> None:
        name, kind, output = "", "node", ""
        attributes: list[_Field] = []
        for item in self._each(cursor):
            if item.number == 5:
                attributes.append(item)
            elif item.number == 2 and not output:
                output = self._text(item)
            elif item.number == 3:
                name = self._text(item)
            elif item.number == 4:
                kind = self._text(item)
        for item in attributes:
            label = output if kind == "Constant" and output else name or f"{kind}_{count}"
            self._attribute(self._inside(item), f"{path}{label}", depth, kind == "Constant")

    def _attribute(self, cursor: Cursor, label: str, depth: int, is_constant: bool) -> None:
        name = ""
        parts: list[_Field] = []
        for item in self._each(cursor):
            if item.number == 1:
                name = self._text(item)
            elif item.number in (5, 6, 10, 11):
                parts.append(item)
        for at, item in enumerate(parts):
            place = f"{label}.{name}" + (f".{at}" if item.number in (10, 11) else "")
            if item.number in (6, 11):
                self._graph(self._inside(item), f"{place}.", depth + 1)
            else:
                self._constant(item, label if is_constant else place, is_constant)

    def _initializer(self, item: _Field, path: str) -> None:
        tensor = self._tensor(self._inside(item))
        found = self._find(tensor, path + tensor.name)
        if found is not None:
            self._keep(found)

    def _constant(self, item: _Field, name: str, is_value: bool) -> None:
        """Keep what a Constant node stands for if it looks like weights; of other nodes' attributes only large ones."""
        found = self._find(self._tensor(self._inside(item)), name)
        if found is None:
            return
        is_weight = found.dtype.startswith(("float", "bfloat")) and bool(found.shape)
        if (is_weight and is_value) or found.nbytes >= LEAST_CONSTANT_NBYTES:
            self._keep(found)

    def _keep(self, found: TensorExtent) -> None:
        name = found.name
        self._names_length += len(name)
        if len(name) > MAX_TEXT_NBYTES or self._names_length > MAX_NAMES_LENGTH:
            raise refusal("onnx: the names of the tensors are longer than allowed")
        while name in self._names:
            self._names[found.name] += 1
            name = f"{found.name}#{self._names[found.name]}"
        self._names[name] = 1
        self._extents.append(TensorExtent(name, found.dtype, found.shape, found.offset, found.nbytes))

    def _note(self, sentence: str) -> None:
        if sentence not in self._notes:
            self._notes.append(sentence)

    def _tensor(self, cursor: Cursor) -> _Tensor:
        tensor = _Tensor()
        is_elsewhere = False
        for item in self._each(cursor):
            if item.number == 1:
                self._dims(item, tensor.shape)
            elif item.number == 2:
                tensor.code = item.value
            elif item.number == 8:
                tensor.name = self._text(item)
            elif item.number == 9 or item.number in _PACKED_FIELDS:
                tensor.runs.setdefault(item.number, []).append(item)
            elif item.number == 13:
                tensor.location = self._location(item) or tensor.location
            elif item.number == 14:
                is_elsewhere = item.value == 1
        if is_elsewhere and tensor.location is None:
            tensor.location = ""
        return tensor

    def _dims(self, item: _Field, shape: list[int]) -> None:
        if item.wire == _VARINT:
            shape.append(item.value)
        else:
            inner = self._inside(item)
            while inner.left and len(shape) <= MAX_AXES:
                shape.append(inner.varint("a shape"))
        if len(shape) > MAX_AXES or (shape and max(shape) >= 1 << 62):
            raise refusal("onnx: a tensor has an impossible shape")

    def _location(self, item: _Field) -> str | None:
        key, value = "", ""
        for part in self._each(self._inside(item)):
            if part.number == 1:
                key = self._text(part)
            elif part.number == 2:
                value = self._text(part)
        return value if key == "location" else None

    def _find(self, tensor: _Tensor, name: str) -> TensorExtent | None:
        """Return where a tensor's bytes lie, or None where they are elsewhere or not written as they are."""
        if tensor.location is not None:
            known = tensor.location in self._elsewhere or len(self._elsewhere) < MAX_LOCATIONS
            location = tensor.location if known else "and more"
            self._elsewhere[location] = self._elsewhere.get(location, 0) + 1
            return None
        raw = tensor.runs.get(9)
        if raw and len(raw) > 1:
            raise refusal(f"onnx: tensor '{name}' has its bytes twice")
        if raw and tensor.code != _STRING:
            return _extent(name, tensor, raw[0])
        for number, codes in _PACKED_FIELDS.items():
            runs = tensor.runs.get(number, [])
            if len(runs) == 1 and runs[0].wire == _RUN and tensor.code in codes:
                return _extent(name, tensor, runs[0])
        return None

    def _inside(self, item: _Field) -> Cursor:
        if item.wire != _RUN:
            raise refusal(f"onnx: field {item.number} at {item.start} is a number where a message belongs")
        return self._cursor.within(item.start, item.end)

    def _text(self, item: _Field) -> str:
        nbytes = item.end - item.start
        if nbytes > MAX_TEXT_NBYTES:
            return f"text of {nbytes} bytes"
        return self._inside(item).take(nbytes, "a text").decode("utf-8", "replace")

    def _each(self, cursor: Cursor) -> Iterator[_Field]:
        """Yield the fields of one message."""
        while cursor.left:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise refusal(f"onnx: the model has more than {MAX_FIELDS} fields")
            yield _read_field(cursor)


def _read_field(cursor: Cursor) -> _Field:
    tag = cursor.varint("a field")
    number, wire = tag >> 3, tag & 7
    if not 1 <= number < 1 << 29:
        raise refusal(f"onnx: field number {number} at {cursor.position} is impossible")
    if wire == _VARINT:
        start = cursor.position
        value = cursor.varint("a number")
        return _Field(number, wire, value, start, cursor.position)
    if wire == _RUN:
        nbytes = cursor.varint("a length")
    elif wire in (_FIXED32, _FIXED64):
        nbytes = 4 if wire == _FIXED32 else 8
    else:
        raise refusal(f"onnx: a field at {cursor.position} is written in a way no model uses")
    start = cursor.skip(nbytes, f"field {number}")
    return _Field(number, wire, 0, start, cursor.position)


def _extent(name: str, tensor: _Tensor, run: _Field) -> TensorExtent:
    if run.wire != _RUN:
        raise refusal(f"onnx: the bytes of tensor '{name}' are a single number")
    nbytes = run.end - run.start
    dtype = _TYPES.get(tensor.code)
    if dtype is None:
        return TensorExtent(name, "bytes", (nbytes,), run.start, nbytes)
    shape = tuple(tensor.shape)
    wanted = dtypes.nbytes(dtype, dtypes.element_count(shape))
    if wanted != nbytes:
        raise refusal(f"onnx: tensor '{name}' of shape {list(shape)} and {dtype} needs {wanted} bytes but has {nbytes}")
    return TensorExtent(name, dtype, shape, run.start, nbytes)
