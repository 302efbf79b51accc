"""Explain how one tensor is stored: its chain of deltas, what reading it costs, and what else it could have been."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.catalog.opening import open_current
from modelhub.catalog.rows import sketches
from modelhub.errors import InvalidInputError, ModelHubError, PathNotFound
from modelhub.porcelain.nearest import MOST_KNOWN, NearestTensors
from modelhub.porcelain.places import Located, locate
from modelhub.repository.content import find_tensor, read_manifest
from modelhub.repository.objects import Commit, TensorSegment
from modelhub.repository.reachable import with_bases
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import elements_of, item_of
from modelhub.repository.trees import read_files

if TYPE_CHECKING:
    from modelhub.store.object_info import ObjectInfo


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One object of a chain: bytes of its content and of its entry in the store, and how many deltas deep it lies."""

    oid: str
    nbytes: int
    stored_nbytes: int
    depth: int
    codecs: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way in which the tensor could be stored, really tried: `base` None without a delta.

    `why` names where the base comes from. `stored_nbytes` is the entry it would take, None where it was not tried, and
    `verdict` says why it is so or not so.
    """

    base: str | None
    why: str
    stored_nbytes: int | None
    depth: int
    verdict: str


@dataclass(frozen=True, slots=True)
class WhyStored:
    """How a tensor is stored. `chain` begins with it and ends with what stands alone.

    To read the tensor at most `read_nbytes` are read and `decoded_nbytes` decoded: blocks that need no base cost less.
    """

    path: str
    tensor: str
    dtype: str
    shape: tuple[int, ...]
    chain: tuple[ChainLink, ...]
    read_nbytes: int
    decoded_nbytes: int
    alternatives: tuple[Alternative, ...]


def why_stored(repo: Repository, *, place: str, tensor: str) -> WhyStored:
    """Explain a tensor of the file `REV:PATH`, or of the one file of `REV` that has it. `RUN:PATH` does too.

    Raises PathNotFound where no file has the tensor, InvalidInputError where several do. Cost: the tensor is encoded
    once for each alternative.
    """
    located = locate(repo, place)
    path, segment = _find(repo, located, tensor)
    links = _chain(repo, segment.oid)
    if not links:
        repo.store.open(segment.oid)  # it is gone: the error says why
    alternatives = tuple(_alternatives(repo, located, path, segment, repo.store.info(segment.oid)))
    return WhyStored(
        path,
        tensor,
        segment.dtype,
        segment.shape,
        links,
        sum(link.stored_nbytes for link in links),
        sum(link.nbytes for link in links),
        alternatives,
    )


def _find(repo: Repository, located: Located, tensor: str) -> tuple[str, TensorSegment]:
    if located.path:
        return located.path, find_tensor(read_manifest(repo, located.entry(repo)), tensor)[0]
    found = []
    for path, entry in sorted(located.files(repo).items()):
        with contextlib.suppress(PathNotFound):
            found.append((path, find_tensor(read_manifest(repo, entry), tensor)[0]))
    if not found:
        raise PathNotFound(
            f"no file of '{located.text}' has a tensor '{tensor}'", hint="'mh ls REV:PATH' lists the tensors of a file"
        )
    if len({segment.oid for _, segment in found}) > 1:
        names = ", ".join(path for path, _ in found[:5])
        raise InvalidInputError(
            f"'{tensor}' is in {len(found)} files: {names}", hint=f"name one: {located.text}:{found[0][0]}"
        )
    return found[0]


def _chain(repo: Repository, oid: str) -> tuple[ChainLink, ...]:
    """Return everything an object builds on and itself, the deepest first."""
    infos = [repo.store.info(one) for one in with_bases(repo, [oid]) if repo.store.contains(one)]
    return tuple(
        ChainLink(info.oid, info.size, info.stored_nbytes, info.depth, info.codecs, info.place)
        for info in sorted(infos, key=lambda info: (info.oid != oid, -info.depth, info.oid))
    )


def _alternatives(
    repo: Repository, located: Located, path: str, segment: TensorSegment, info: ObjectInfo
) -> Iterator[Alternative]:
    """Yield what is stored, and what it was or could have been chosen from; each base once."""
    present = with_bases(repo, [segment.oid]) - {segment.oid}
    seen: set[str] = set()
    for base, why in [(None, "without a base"), *_candidates(repo, located, path, segment)]:
        if base is None:
            yield _try(repo, segment, info, None, why)
        elif base not in seen and base != segment.oid:
            seen.add(base)
            yield _try(repo, segment, info, base, why)
    for base in sorted(present - seen):
        if _is_direct(repo, base, info):
            yield _try(repo, segment, info, base, "chosen when it was recorded")


def _is_direct(repo: Repository, base: str, info: ObjectInfo) -> bool:
    return repo.store.contains(base) and base == info.base


def _candidates(repo: Repository, located: Located, path: str, segment: TensorSegment) -> Iterator[tuple[str, str]]:
    """Yield what recording looks at, in its order: the same tensor of the parents, then whatever is near."""
    parents = repo.get(located.commit, Commit).parents if located.commit else ()
    for parent in parents:
        with contextlib.suppress(ModelHubError):
            entry = read_files(repo, repo.commit_tree(parent)).get(path)
            other = None if entry is None else find_tensor(read_manifest(repo, entry), segment.name)[0]
            if other is not None and (other.dtype, other.shape) == (segment.dtype, segment.shape):
                yield other.oid, f"the same tensor in {parent[:10]}"
    for oid in _near(repo, segment):
        yield oid, "near by its values"


def _near(repo: Repository, segment: TensorSegment) -> list[str]:
    from modelhub.formats.extent import TensorExtent

    with open_current(repo) as connection:
        known = dict(sketches(connection, segment.dtype, elements_of(segment.dtype, segment.nbytes), MOST_KNOWN))
    if segment.oid not in known:
        return []
    extent = TensorExtent(segment.name, segment.dtype, segment.shape, 0, segment.nbytes, segment.strides)
    with contextlib.closing(NearestTensors(repo)) as nearest:
        return nearest.find(extent, known[segment.oid])


def _try(repo: Repository, segment: TensorSegment, info: ObjectInfo, base: str | None, why: str) -> Alternative:
    from modelhub.store.object_writer import MAX_DEPTH
    from modelhub.store.trial import trial_nbytes

    depth = 0
    if base is not None:
        if not repo.store.contains(base):
            return Alternative(base, why, None, 0, "gone")
        if segment.oid in with_bases(repo, [base]):
            return Alternative(base, why, None, 0, "builds on this tensor itself")
        depth = repo.store.info(base).depth + 1
        if repo.store.info(base).size != info.size:
            return Alternative(base, why, None, depth, "of another size")
    one = repo.store.open(segment.oid)
    nbytes = trial_nbytes(one, item_of(segment.dtype), None if base is None else repo.store.open(base))
    if base == info.base:
        return Alternative(base, why, nbytes, depth, "stored")
    return Alternative(base, why, nbytes, depth, _verdict(nbytes - info.stored_nbytes, depth, MAX_DEPTH))


def _verdict(more: int, depth: int, most: int) -> str:
    if depth > most:
        return f"too deep: recording stops at {most}"
    if more > 0:
        return "larger"
    return "smaller, and not looked at when it was recorded" if more < 0 else "no smaller"
