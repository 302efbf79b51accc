"""The bytes of one version as a tree of its folders, files, and the layers and tensors in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from modelhub.errors import PathNotFound
from modelhub.porcelain.places import locate
from modelhub.repository.content import chunk_oids, read_manifest
from modelhub.repository.objects import Entry, TensorSegment
from modelhub.repository.reachable import with_bases
from modelhub.repository.repository import Repository

DEPTH = 3


@dataclass(frozen=True, slots=True)
class UsageNode:
    """A folder, file, layer or tensor: the bytes it has, and those that its objects take in the store.

    What lies at several places of the version counts as stored at the first. `kind` is `folder`, `file`, `layer`,
    `tensor` or `rest`: what a file is made of beside its tensors. `hidden` counts what lies deeper than was asked for.
    """

    name: str
    kind: str
    raw_nbytes: int
    stored_nbytes: int
    hidden: int
    children: tuple[UsageNode, ...]


@dataclass(frozen=True, slots=True)
class UsageTree:
    """The tree, and in `bases_nbytes` what its deltas build on beside it: other versions' tensors, in the store."""

    root: UsageNode
    bases_nbytes: int


@dataclass(slots=True)
class _Growing:
    kind: str
    raw: int = 0
    stored: int = 0
    below: dict[str, _Growing] = field(default_factory=dict)


def usage_tree(repo: Repository, *, place: str = "HEAD", depth: int = DEPTH) -> UsageTree:
    """Return the bytes of a version or run, or what lies at `REV:PATH`, as a tree `depth` levels deep.

    Dots in the names of tensors are taken as levels, and levels with one member put together. Raises RefNotFound,
    PathNotFound. Cost: every manifest of the version is read.
    """
    located = locate(repo, place)
    files = {
        path: entry
        for path, entry in located.files(repo).items()
        if not located.path or path == located.path or path.startswith(f"{located.path}/")
    }
    if located.path and not files:
        raise PathNotFound(f"there is no '{located.path}' in that version", hint="'mh ls REV' lists its files")
    top = _Growing("folder")
    seen: set[str] = set()
    for path, entry in sorted(files.items()):
        for keys, kinds, raw, oids in _parts(repo, path, entry):
            stored = sum(repo.store.info(oid).stored_nbytes for oid in oids - seen if repo.store.contains(oid))
            seen |= oids
            _grow(top, keys, kinds, raw, stored)
    bases = [oid for oid in with_bases(repo, seen) - seen if repo.store.contains(oid)]
    return UsageTree(
        _finished(place, top, depth, is_top=True), sum(repo.store.info(oid).stored_nbytes for oid in bases)
    )


def _parts(repo: Repository, path: str, entry: Entry) -> Iterator[tuple[list[str], list[str], int, frozenset[str]]]:
    """Yield the pieces of a file: where each belongs, what the levels are, its bytes and its objects."""
    keys = path.split("/")
    kinds = ["folder"] * (len(keys) - 1) + ["file"]
    manifest = read_manifest(repo, entry)
    tensors = [] if manifest is None else manifest.tensors()
    for tensor in tensors:
        names = tensor.name.split(".")
        levels = ["layer"] * (len(names) - 1) + ["tensor"]
        yield keys + names, kinds + levels, tensor.nbytes, frozenset({tensor.oid})
    if manifest is None:
        yield keys, kinds, entry.size, frozenset({entry.oid})
        return
    own = {segment.oid for segment in manifest.segments if isinstance(segment, TensorSegment)}
    rest = frozenset({entry.manifest or "", *chunk_oids(manifest)}) - own
    raw = entry.size - sum(tensor.nbytes for tensor in tensors)
    yield ([*keys, "(rest)"], [*kinds, "rest"], raw, rest) if tensors else (keys, kinds, raw, rest)


def _grow(top: _Growing, keys: list[str], kinds: list[str], raw: int, stored: int) -> None:
    place = top
    for key, kind in zip(keys, kinds, strict=True):
        place.raw += raw
        place.stored += stored
        place = place.below.setdefault(key, _Growing(kind))
    place.raw += raw
    place.stored += stored


def _finished(name: str, grown: _Growing, depth: int, *, is_top: bool = False) -> UsageNode:
    while not is_top and len(grown.below) == 1:
        ((key, only),) = grown.below.items()
        name, grown = f"{name}{'/' if grown.kind == 'folder' else '.' if grown.kind == 'layer' else ': '}{key}", only
    below = sorted(grown.below.items(), key=lambda item: (-item[1].stored, -item[1].raw, item[0]))
    children = tuple(_finished(key, one, depth - 1) for key, one in below) if depth > 0 else ()
    return UsageNode(name, grown.kind, grown.raw, grown.stored, 0 if depth > 0 else len(below), children)
