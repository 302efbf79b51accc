"""The structured objects: manifest, tree, commit, operation and run, with their one canonical encoding.

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
RunStatus = Literal["running", "finished", "failed", "interrupted"]
Goal = Literal["min", "max"]


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
    """What a file of a commit came from. `path` or `source_path` empty: the commit as a whole.

    A source outside the repository has `source_name` (such as a model's name on a hub) and an empty `source_commit`.
    `declared` is False for what was found from the weights or in a file's metadata.
    """

    path: str
    relation: str
    source_commit: str
    source_path: str
    declared: bool = True
    source_name: str = ""


class CodeState(msgspec.Struct, frozen=True):
    """The git commit the folder was at, where it is a git work tree; `diff` is a blob with what `dirty` stands for."""

    commit: str
    branch: str | None
    dirty: bool
    diff: str | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """What a metric was measured on and by: ids of the data (a file or a folder) and of the code, and their paths."""

    data: str
    data_path: str = ""
    code: str | None = None
    code_path: str = ""


class Commit(msgspec.Struct, frozen=True):
    """One version of the folder and how it came to be. `time` is unix milliseconds UTC, `offset` minutes east.

    `packages` is a blob that lists the installed packages, `evaluations` says what metrics were measured on, by name,
    `runs` are the runs that this version took in.
    """

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
    packages: str | None = None
    evaluations: dict[str, Evaluation] = {}
    runs: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True):
    """One change of refs and the whole ref table after it. `head` is a ref's full name, or a commit when detached.

    `forgotten` is a blob that lists the versions whose weights nobody needs any more (`repository/forgotten.py`).
    """

    previous: str | None
    sequence: int
    author: Person
    time: int
    offset: int
    command: str
    head: str
    refs: dict[str, str]
    undoes: str | None = None
    forgotten: str | None = None


class Usage(msgspec.Struct, frozen=True):
    """A file or folder that a run read or wrote.

    `path` is relative to the folder, absolute for what lies outside. `oid` is the file's BLAKE3, or a folder's tree.
    `kept` is False where the content was hashed and not stored. `source_commit` and `source_path` say which version
    it was taken from; `step` is the training step at which an output was logged.
    """

    path: str
    oid: str
    size: int
    mode: Mode = "file"
    manifest: str | None = None
    kept: bool = True
    source_commit: str = ""
    source_path: str = ""
    step: int | None = None


class Series(msgspec.Struct, frozen=True):
    """One metric of a run over its steps; `columns` are the numbers of its steps, times and values in the points blob.

    The numbers leave NaN out: None where there are no others. `minimum_step` is the first step with that value.
    """

    name: str
    points: int
    columns: tuple[int, int, int]
    first_step: int
    last_step: int
    last: MetricValue
    minimum: MetricValue | None
    maximum: MetricValue | None
    minimum_step: int | None
    maximum_step: int | None
    nans: int


class Run(msgspec.Struct, frozen=True):
    """How something was made. `started` and `ended` are unix milliseconds UTC, `offset` minutes east.

    `id` is given when the run starts and never changes; the object's own id follows from its content. `points` is the
    blob with the series' columns (docs/reference/format/points.md), `tree` the folder as it was when the run started,
    `head` HEAD's commit then. `origin` names where an imported run came from.
    """

    id: str
    name: str
    status: RunStatus
    author: Person
    started: int
    ended: int | None
    offset: int
    command: tuple[str, ...] = ()
    exit_code: int | None = None
    params: dict[str, ParamValue] = {}
    tags: dict[str, str] = {}
    goals: dict[str, Goal] = {}
    series: tuple[Series, ...] = ()
    points: str | None = None
    inputs: tuple[Usage, ...] = ()
    outputs: tuple[Usage, ...] = ()
    derivations: tuple[Derivation, ...] = ()
    evaluations: dict[str, Evaluation] = {}
    head: str | None = None
    tree: str | None = None
    code: CodeState | None = None
    environment: dict[str, str] = {}
    packages: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    replays: str | None = None
    origin: str = ""


Structured = Manifest | Tree | Commit | Operation | Run
T = TypeVar("T", Manifest, Tree, Commit, Operation, Run)

KIND_OF: dict[type, Kind] = {
    Manifest: "manifest", Tree: "tree", Commit: "commit", Operation: "operation", Run: "run",
}  # fmt: skip


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
