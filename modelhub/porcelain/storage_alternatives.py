"""In which ways one tensor could be stored: what recording looked at, and what repacking would weigh, really tried."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelhub.catalog.opening import open_current
from modelhub.catalog.rows import sketches
from modelhub.errors import ModelHubError
from modelhub.porcelain.base_candidates import BaseCandidates
from modelhub.porcelain.decoded_blocks import DecodedBlocks
from modelhub.porcelain.nearest import MOST_KNOWN, NearestTensors
from modelhub.porcelain.places import Located
from modelhub.porcelain.progressive import separate_tensors
from modelhub.porcelain.stored_tensors import stored_tensors
from modelhub.repository.content import find_tensor, read_manifest
from modelhub.repository.objects import Commit, TensorSegment
from modelhub.repository.progressive import read_progressive
from modelhub.repository.reachable import with_bases
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import elements_of, item_of, row_items
from modelhub.repository.trees import read_files
from modelhub.store.block_encoder import Effort
from modelhub.store.entry import Base


@dataclass(frozen=True, slots=True)
class ReadBase:
    """A tensor that another builds on: `turned` where its transpose is meant, `converted` where its kind of float is
    another and its numbers are rounded or widened first."""

    oid: str
    turned: bool
    converted: bool

    @classmethod
    def of(cls, base: Base) -> ReadBase:
        """Return what an entry names."""
        return cls(base.oid, bool(base.rows), base.is_converted)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way in which the tensor could be stored: on `bases`, none of them without a delta; `base` is the first.

    `why` names where they come from. `stored_nbytes` is the entry it would take, None where it was not tried;
    `decoded_nbytes` is what must be decoded to read the tensor then. `verdict` says why it is so or not so.
    """

    base: str | None
    bases: tuple[ReadBase, ...]
    why: str
    stored_nbytes: int | None
    decoded_nbytes: int
    depth: int
    verdict: str


def alternatives(repo: Repository, located: Located, path: str, segment: TensorSegment) -> Iterator[Alternative]:
    """Yield the ways that recording looks at, encoded as it does, then those of repacking, as small as can be.

    Cost: the tensor is encoded once for each; the manifests of all versions are read.
    """
    trials = _Trials(repo, segment)
    yield trials.of((), "without a base")
    for bases, why in _recorded(repo, located, path, segment):
        if bases not in trials.seen:
            yield trials.of(bases, why)
    if trials.stored not in trials.seen:
        yield trials.of(trials.stored, "chosen when it was stored")
    for bases, effort in _weighed_by_repack(repo, segment):
        yield trials.of(bases, "weighed by mh repack" if effort == "small" else "as it is progressive", effort=effort)


class _Trials:
    """Tries ways to store one tensor; `stored` is the present one."""

    def __init__(self, repo: Repository, segment: TensorSegment) -> None:
        self._repo = repo
        self._segment = segment
        self._one = repo.store.open(segment.oid)
        self.stored = self._one.entry.record.bases
        self.seen: set[tuple[Base, ...]] = set()

    def of(self, bases: tuple[Base, ...], why: str, *, effort: Effort = "fast") -> Alternative:
        from modelhub.store.object_writer import MAX_DEPTH

        self.seen.add(bases)
        store, info = self._repo.store, self._one.info
        below: set[str] = set()
        depth = 0
        nbytes: int | None = None
        if any(not store.contains(base.oid) for base in bases):
            verdict = "gone"
        elif self._segment.oid in (below := with_bases(self._repo, [base.oid for base in bases])):
            verdict, below = "builds on this tensor itself", set()
        else:
            depth = max((store.info(base.oid).depth + 1 for base in bases), default=0)
            nbytes = info.stored_nbytes if bases == self.stored and effort == "fast" else self._tried(bases, effort)
            is_stored = bases == self.stored and effort == "fast"
            verdict = "stored" if is_stored else _verdict(nbytes, info.stored_nbytes, depth, MAX_DEPTH, effort)
        decoded = info.size + sum(store.info(oid).size for oid in below if store.contains(oid))
        read = tuple(map(ReadBase.of, bases))
        return Alternative(bases[0].oid if bases else None, read, why, nbytes, decoded, depth, verdict)

    def _tried(self, bases: Sequence[Base], effort: Effort) -> int | None:
        from modelhub.store.foundation import OpenBase
        from modelhub.store.trial import trial_nbytes

        item, rows = item_of(self._segment.dtype), row_items(self._segment.shape)
        opened = [OpenBase(base, self._repo.store.open(base.oid)) for base in bases]
        return trial_nbytes(self._one, item, opened, row_items=rows, effort=effort)


def _verdict(nbytes: int | None, stored: int, depth: int, most: int, effort: Effort) -> str:
    if nbytes is None:
        return "of another size"
    if depth > most:
        return f"too deep: recording stops at {most}"
    if nbytes > stored:
        return "larger"
    if nbytes == stored:
        return "no smaller"
    return "smaller" if effort == "small" else "smaller, and not looked at when it was recorded"


def _recorded(
    repo: Repository, located: Located, path: str, segment: TensorSegment
) -> Iterator[tuple[tuple[Base, ...], str]]:
    """Yield what recording looks at, in its order: a cast, the same tensor of the parents, then whatever is near."""
    near = list(_near(repo, segment))
    yield from ((bases, why) for bases, why in near if bases[0].is_converted)
    parents = repo.get(located.commit, Commit).parents if located.commit else ()
    for parent in parents:
        with contextlib.suppress(ModelHubError):
            entry = read_files(repo, repo.commit_tree(parent)).get(path)
            other = None if entry is None else find_tensor(read_manifest(repo, entry), segment.name)[0]
            is_same = other is not None and (other.dtype, other.shape) == (segment.dtype, segment.shape)
            if other is not None and is_same and other.oid != segment.oid:
                yield (Base(other.oid),), f"the same tensor in {parent[:10]}"
    yield from ((bases, why) for bases, why in near if not bases[0].is_converted)


def _near(repo: Repository, segment: TensorSegment) -> Iterator[tuple[tuple[Base, ...], str]]:
    from modelhub.formats.extent import TensorExtent

    with open_current(repo) as connection:
        known = dict(sketches(connection, segment.dtype, elements_of(segment.dtype, segment.nbytes), MOST_KNOWN))
    if segment.oid not in known:
        return
    extent = TensorExtent(segment.name, segment.dtype, segment.shape, 0, segment.nbytes, segment.strides)
    with contextlib.closing(NearestTensors(repo)) as nearest:
        casts, alike = nearest.casts(extent, known[segment.oid]), nearest.find(extent, known[segment.oid])
    yield from (((Base(oid, is_converted=True),), "a cast of it") for oid in casts if oid != segment.oid)
    yield from (((Base(oid),), "near by its values") for oid in alike if oid != segment.oid)


def _weighed_by_repack(repo: Repository, segment: TensorSegment) -> Iterator[tuple[tuple[Base, ...], Effort]]:
    """Yield the bases, and what the blocks are encoded for."""
    known = stored_tensors(repo)
    one = next((one for one in known.tensors if one.oid == segment.oid), None)
    if one is None:
        return
    if one.number in separate_tensors(known, read_progressive(repo.layout)):
        yield (), "separate"
        return
    kept = repo.store.open(one.oid).entry.record.bases
    for bases in BaseCandidates(known, DecodedBlocks(repo), elements=one.elements).of(one, kept):
        yield bases, "small"
