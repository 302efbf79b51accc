"""Explain how one tensor is stored: its chain of deltas, what reading it costs, and what else it could have been."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.porcelain.places import Located, locate
from modelhub.porcelain.storage_alternatives import Alternative, ReadBase, alternatives
from modelhub.repository.content import find_tensor, read_manifest
from modelhub.repository.objects import TensorSegment
from modelhub.repository.reachable import with_bases
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.store.entry import Base
    from modelhub.store.object_info import ObjectInfo


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One object of a chain: bytes of its content and of its entry in the store, and how many deltas deep it lies.

    `bases` are what it builds on itself, none, one or two, and how each is read.
    """

    oid: str
    bases: tuple[ReadBase, ...]
    nbytes: int
    stored_nbytes: int
    depth: int
    codecs: tuple[str, ...]
    place: str


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
    return WhyStored(
        path,
        tensor,
        segment.dtype,
        segment.shape,
        links,
        sum(link.stored_nbytes for link in links),
        sum(link.nbytes for link in links),
        tuple(alternatives(repo, located, path, segment)),
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
    opened = [repo.store.open(one) for one in with_bases(repo, [oid]) if repo.store.contains(one)]
    links = [_link(one.info, one.entry.record.bases) for one in opened]
    return tuple(sorted(links, key=lambda link: (link.oid != oid, -link.depth, link.oid)))


def _link(info: ObjectInfo, bases: tuple[Base, ...]) -> ChainLink:
    read = tuple(map(ReadBase.of, bases))
    return ChainLink(info.oid, read, info.size, info.stored_nbytes, info.depth, info.codecs, info.place)
