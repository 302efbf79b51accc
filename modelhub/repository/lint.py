"""Findings about the weights of a version: what a person who trains would want to be told before it is too late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from modelhub.errors import UnsupportedModelFile
from modelhub.formats.shard_index import read_shard_index
from modelhub.oid import Kind
from modelhub.repository.index import IndexEntry
from modelhub.repository.objects import ChunkSegment, Entry, Manifest, decode

if TYPE_CHECKING:
    from modelhub.weights.summary import TensorStatistics

SHARD_INDEX_ENDING = ".index.json"
MAX_SHARD_INDEX_NBYTES = 64 << 20

ReadObject = Callable[[str, Kind], bytes]
StatisticsOf = Callable[[str, str], "TensorStatistics"]


class Folder(Protocol):
    """The files of a version by their paths."""

    def __contains__(self, path: object, /) -> bool:
        """Tell whether a file is there."""

    def __getitem__(self, path: str, /) -> Entry | IndexEntry:
        """Return the entry of a file that is there."""


class Finding(Struct, frozen=True):
    """One thing that looks wrong. `tensor` is empty where it is about the file.

    `is_new` is False for a note that held of the same tensor in the version before: it need not be said again.
    """

    path: str
    tensor: str
    code: str
    severity: str
    message: str
    is_new: bool = True


def lint_files(
    read: ReadObject,
    after: Mapping[str, Entry | IndexEntry],
    before: Mapping[str, Entry],
    statistics_of: StatisticsOf,
) -> list[Finding]:
    """Return the findings of the files that differ from `before`, in path order.

    `read` gives the content of an object, `statistics_of` what a tensor (id, dtype) looks like.
    """
    changed = {
        path: before.get(path)
        for path, entry in sorted(after.items())
        if path not in before or before[path].oid != entry.oid
    }
    indexes = [path for path, entry in sorted(after.items()) if is_shard_index(path, entry)]
    return lint_changed(read, changed, after, indexes, statistics_of)


def is_shard_index(path: str, entry: Entry | IndexEntry) -> bool:
    """Tell whether a file may be the list of a model's shards."""
    return path.endswith(SHARD_INDEX_ENDING) and entry.size <= MAX_SHARD_INDEX_NBYTES and entry.mode != "tree"


def lint_changed(
    read: ReadObject,
    changed: Mapping[str, Entry | None],
    after: Folder,
    indexes: Iterable[str],
    statistics_of: StatisticsOf,
) -> list[Finding]:
    """Return the findings as `lint_files`: `changed` has what was there before, `indexes` all lists of shards."""
    found: list[Finding] = []
    for path, before in changed.items():
        manifest = _manifest(read, after[path])
        if manifest is not None:
            old = None if before is None else _manifest(read, before)
            found += _lint_manifest(path, manifest, old, statistics_of)
    for path in indexes:
        found += _lint_shards(read, path, after, changed.keys())
    return found


def _lint_manifest(path: str, manifest: Manifest, old: Manifest | None, statistics_of: StatisticsOf) -> list[Finding]:
    from modelhub.weights.lint import findings

    found = []
    if manifest.problem is not None:
        found.append(Finding(path, "", "unreadable", "warning", manifest.problem))
    olds = {} if old is None else {segment.name: segment for segment in old.tensors()}

    def held_before(code: str, name: str) -> bool:
        segment = olds.get(name)
        if segment is None:
            return False
        earlier = findings(name, segment.dtype, statistics_of(segment.oid, segment.dtype), shape=segment.shape)
        return any(item.code == code for item in earlier)

    for segment in manifest.tensors():
        before_dtype = olds[segment.name].dtype if segment.name in olds else None
        for item in findings(
            segment.name, segment.dtype, statistics_of(segment.oid, segment.dtype), before_dtype, shape=segment.shape
        ):
            is_new = item.severity == "warning" or not held_before(item.code, item.tensor)
            found.append(Finding(path, item.tensor, item.code, item.severity, item.message, is_new))
    return found


def _lint_shards(
    read: ReadObject,
    path: str,
    files: Folder,
    changed: Set[str],
) -> list[Finding]:
    try:
        weight_map = read_shard_index(_content(read, files[path])).weight_map
    except UnsupportedModelFile as error:
        return [Finding(path, "", "unreadable", "warning", error.message)] if path in changed else []
    folder = path.rpartition("/")[0]
    found = []
    absent: list[str] = []
    for shard in sorted(set(weight_map.values())):
        place = f"{folder}/{shard}" if folder else shard
        if path not in changed and place not in changed and place in files:
            continue
        if place not in files:
            absent.append(shard)
            continue
        manifest = _manifest(read, files[place])
        have = (
            set()
            if manifest is None
            else {segment.name for segment in manifest.tensors()} | {view.name for view in manifest.views}
        )
        missing = sorted(name for name, home in weight_map.items() if home == shard and name not in have)
        if missing and (manifest is None or manifest.problem is None):
            message = f"'{shard}' lacks {len(missing)} tensors the index promises, such as '{missing[0]}'"
            found.append(Finding(path, missing[0], "missing-tensor", "warning", message))
    if absent:
        few = f"the shard '{absent[0]}' is not there"
        many = f"{len(absent)} shards are not there, such as '{absent[0]}'"
        found.append(Finding(path, "", "missing-shard", "warning", few if len(absent) == 1 else many))
    return found


def _manifest(read: ReadObject, entry: Entry | IndexEntry) -> Manifest | None:
    return None if entry.manifest is None else decode(read(entry.manifest, "manifest"), Manifest, entry.manifest)


def _content(read: ReadObject, entry: Entry | IndexEntry) -> bytes:
    manifest = _manifest(read, entry)
    if manifest is None:
        return read(entry.oid, "blob")
    return b"".join(read(segment.oid, "blob") for segment in manifest.segments if isinstance(segment, ChunkSegment))
