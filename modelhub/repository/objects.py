"""The structured objects: manifest, tree, commit and operation, with their one canonical encoding.

Encoding: JSON, UTF-8, keys sorted, no spaces. Specification: docs/reference/format/objects.md.
"""

from __future__ import annotations

import math
from typing import Literal, TypeVar

import msgspec

from modelhub.errors import IntegrityError
from modelhub.oid import Kind, oid_of

Mode = Literal["file", "exec", "link", "tree"]
ParamValue = str | int | float | bool | None
MetricValue = float | Literal["nan", "inf", "-inf"]


class LiteralSegment(msgspec.Struct, frozen=True, array_like=True, tag="literal"):
    """Bytes between tensors: the next `nbytes` of the manifest's literals blob."""

    nbytes: int


class ChunkSegment(msgspec.Struct, frozen=True, array_like=True, tag="chunk"):
    """A piece of a large file, a blob of its own."""

    nbytes: int
    oid: str


class TensorSegment(msgspec.Struct, frozen=True, array_like=True, tag="tensor"):
    """One tensor's bytes, a blob of its own. `strides` (in elements) only where the bytes are not in C order."""

    nbytes: int
    oid: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None


Segment = LiteralSegment | ChunkSegment | TensorSegment


class ViewRecord(msgspec.Struct, frozen=True, array_like=True):
    """A further name for bytes of a tensor: `segment` counts the tensor segments, `start` is in elements."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    segment: int
    start: int


class Manifest(msgspec.Struct, frozen=True):
    """How a file is put together from segments, in order. `file` is the BLAKE3 of the whole file."""

    format: str
    size: int
    file: str
    segments: tuple[Segment, ...] = msgspec.field(name="runs")
    literals: str | None = None
    views: tuple[ViewRecord, ...] = ()
    metadata: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    problem: str | None = None

    def tensors(self) -> list[TensorSegment]:
        """The tensor segments in file order."""
        return [segment for segment in self.segments if isinstance(segment, TensorSegment)]


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One name in a tree. `oid` is the file's BLAKE3 (or the subtree's id); `manifest` is None for a plain blob."""

    mode: Mode
    oid: str
    size: int
    manifest: str | None = None


class Tree(msgspec.Struct, frozen=True):
    """The entries of one folder by name."""

    entries: dict[str, Entry]


class Person(msgspec.Struct, frozen=True):
    """Who did something."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name


class Derivation(msgspec.Struct, frozen=True):
    """What a file of a commit came from. `path` or `source_path` empty: the commit as a whole."""

    path: str
    relation: str
    source_commit: str
    source_path: str
    declared: bool = True


class CodeState(msgspec.Struct, frozen=True):
    """The git commit the folder was at, where it is a git work tree."""

    commit: str
    branch: str | None
    dirty: bool


class Commit(msgspec.Struct, frozen=True):
    """One version of the folder and how it came to be. `time` is unix milliseconds UTC, `offset` minutes east."""

    tree: str
    parents: tuple[str, ...]
    author: Person
    time: int
    offset: int
    message: str
    params: dict[str, ParamValue] = {}
    metrics: dict[str, MetricValue] = {}
    derivations: tuple[Derivation, ...] = ()
    code: CodeState | None = None
    environment: dict[str, str] = {}


class Operation(msgspec.Struct, frozen=True):
    """One change of refs and the whole ref table after it. `head` is a ref's full name, or a commit when detached."""

    previous: str | None
    sequence: int
    author: Person
    time: int
    offset: int
    command: str
    head: str
    refs: dict[str, str]
    undoes: str | None = None


Structured = Manifest | Tree | Commit | Operation
T = TypeVar("T", Manifest, Tree, Commit, Operation)

KIND_OF: dict[type, Kind] = {Manifest: "manifest", Tree: "tree", Commit: "commit", Operation: "operation"}


def encode(record: Structured) -> bytes:
    """Return the canonical bytes of an object."""
    return msgspec.json.encode(record, order="sorted")


def identify(record: Structured) -> str:
    """Return the id of an object."""
    return oid_of(encode(record), KIND_OF[type(record)])


def decode(data: bytes, kind: type[T], oid: str) -> T:
    """Return the object that these verified bytes hold. Raises IntegrityError where they are not of the kind's form."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"the {KIND_OF[kind]} {oid[:12]} cannot be understood: {error}") from None


def metric_value(value: float) -> MetricValue:
    """Return the form in which a metric is written: JSON has no NaN and no infinities."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
