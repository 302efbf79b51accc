"""The ways each tensor could be kept: whole, or as a delta of older ones, with what each would cost."""

from __future__ import annotations

import math
import statistics
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors
from modelhub.porcelain.version_lines import bases_in_line
from modelhub.progress import Progress
from modelhub.repository.repository import Repository
from modelhub.store.entry import BASE, FRAME, RECORD, Base, Entry
from modelhub.store.item import BLOCK_ELEMENTS, FLOAT_KINDS, Item, Rows
from modelhub.store.trial import BlockTrial, decoding_seconds, try_block

if TYPE_CHECKING:
    from modelhub.files import Bytes

MOST_OF_A_NAME = 2
"""How many tensors of the same name in other files or of other kinds of float are tried."""

SAMPLE_ELEMENTS = 1 << 16
"""Of a larger tensor a stretch of so many items tells what the whole would take."""

RATED_TENSORS = 5
"""Decoding is rated on blocks of so many tensors of different sizes."""

MOST_BLOCKS = 48
"""So many decoded blocks are kept in memory, up to 4 MiB each (8 of float64)."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to keep a tensor: `bases` by number and how they are read, bytes it takes, seconds that decoding takes.

    `is_current` says that it is kept so now; then the bytes are exact, else estimated from a sample.
    """

    tensor: int
    bases: tuple[int, ...]
    named: tuple[Base, ...]
    nbytes: float
    seconds: float
    is_current: bool


@dataclass(frozen=True, slots=True)
class _Draft:
    """A way before the rates of its codec are known."""

    tensor: StoredTensor
    bases: tuple[StoredTensor, ...]
    named: tuple[Base, ...]
    nbytes: float
    codec: str
    is_current: bool


def ways_to_keep(repo: Repository, known: StoredTensors, progress: Progress) -> list[Way]:
    """Return the ways of all tensors.

    Decoding is rated by codec, on whole blocks, and shared by the threads. Cost: each way is encoded for a sample; a
    block of every tensor is read.
    """
    drafts: list[_Draft] = []
    near, blocks = _near(known), _Blocks(repo)
    by_oid = {one.oid: one for one in known.tensors}
    progress.start("trying deltas", len(known.tensors), "tensors")

    def drafts_of(one: StoredTensor) -> list[_Draft]:
        entry = repo.store.open(one.oid).entry
        candidates = _candidates(known, by_oid, one, entry.record.bases, near.get(one.number, []))
        return list(_drafts(blocks, one, entry, candidates))

    workers = repo.store.workers
    ordered = dict.fromkeys(number for line in known.lines.values() for number in line)
    by_line = [known.tensors[number] for number in ordered]  # the blocks of a line's versions are tried on each other
    for found in workers.map(drafts_of, by_line, weigh=lambda _: workers.budget // workers.count):
        drafts += found
        progress.advance(1)
    rates = rated(blocks, drafts)
    return [
        Way(
            draft.tensor.number,
            tuple(base.number for base in draft.bases),
            draft.named,
            draft.nbytes,
            rates[draft.codec] * draft.tensor.info.size / workers.count,
            draft.is_current,
        )
        for draft in drafts
    ]


def _near(known: StoredTensors) -> dict[int, list[tuple[int, ...]]]:
    """Return for each tensor the bases, one or two, that its line and its name suggest; by its name only older ones."""
    near: dict[int, list[tuple[int, ...]]] = {}
    for line in known.lines.values():
        for number, found in zip(line, bases_in_line(len(line)), strict=True):
            near.setdefault(number, []).extend(tuple(line[place] for place in places) for places in found)
    for line in known.names.values():
        for place, number in enumerate(line):
            older = line[max(place - MOST_OF_A_NAME, 0) : place]
            near.setdefault(number, []).extend((base,) for base in older if base < number)
    return near


Candidates = dict[tuple[Base, ...], tuple[StoredTensor, ...]]


def _candidates(
    known: StoredTensors,
    by_oid: dict[str, StoredTensor],
    one: StoredTensor,
    kept: tuple[Base, ...],
    near: list[tuple[int, ...]],
) -> Candidates:
    """Return what to try: alone, as it is now, and on what is near."""
    found: Candidates = {(): ()}
    if all(base.oid in by_oid for base in kept):
        found[kept] = tuple(by_oid[base.oid] for base in kept)
    for numbers in near:
        bases = tuple(known.tensors[number] for number in numbers)
        named = tuple(base for base in (_named(base, one) for base in bases) if base is not None)
        if len(named) == len(bases):
            found[named] = bases
    return found


def _drafts(blocks: _Blocks, one: StoredTensor, entry: Entry, candidates: Candidates) -> Iterator[_Draft]:
    sample = _Sample(blocks, one)
    for named, bases in candidates.items():
        is_current = named == entry.record.bases
        trial = sample.encoded(bases, named)
        if trial is None:
            continue
        stored = float(entry.stored_nbytes) if is_current else math.inf
        nbytes = min(sample.whole(trial.nbytes, len(named)), stored)
        yield _Draft(one, bases, named, nbytes, trial.codec, is_current)


def _named(base: StoredTensor, one: StoredTensor) -> Base | None:
    """Return how a tensor is read as the base of another, None where that is not possible."""
    if base.elements != one.elements or base.oid == one.oid:
        return None
    if base.item == one.item:
        return Base(base.oid)
    floats = {base.item.kind, one.item.kind} <= set(FLOAT_KINDS)
    return Base(base.oid, is_converted=True) if floats else None


def rated(blocks: _Blocks, drafts: Sequence[_Draft]) -> dict[str, float]:
    """Return the seconds of one thread that each codec takes to decode a byte: the median over its largest tensors."""
    by_codec: dict[str, dict[int, _Draft]] = {}
    for draft in drafts:
        by_codec.setdefault(draft.codec, {}).setdefault(draft.tensor.number, draft)
    rates = {}
    for name, of_tensors in by_codec.items():
        largest = sorted(of_tensors.values(), key=lambda one: (-one.tensor.info.size, one.tensor.number))
        chosen = {one.tensor.info.size: one for one in largest}  # not the same tensor of every version
        measured = [
            _Sample(blocks, one.tensor, BLOCK_ELEMENTS).rate(one.bases) for one in list(chosen.values())[:RATED_TENSORS]
        ]
        rates[name] = statistics.median(measured)
    return rates


class _Blocks:
    """Decoded blocks, the last used ones: a base is asked for by many tensors."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._kept: OrderedDict[tuple[str, int], Bytes] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, oid: str, index: int) -> Bytes:
        """Return a block, verified. Any thread may ask. Raises IntegrityError, ObjectNotFound."""
        with self._lock:
            found = self._kept.pop((oid, index), None)
        if found is None:
            found = self._repo.store.open(oid).block(index)
        with self._lock:
            self._kept[oid, index] = found
            if len(self._kept) > MOST_BLOCKS:
                self._kept.popitem(last=False)
        return found


class _Sample:
    """A stretch of whole rows of one tensor and of its bases, encoded as small as can be."""

    def __init__(self, blocks: _Blocks, one: StoredTensor, most: int = SAMPLE_ELEMENTS) -> None:
        self._blocks = blocks
        self._one = one
        rows = one.row_items if 0 < one.row_items <= most else 1
        per_block = one.item.block_nbytes // one.item.nbytes
        self._nblocks = -(-one.elements // per_block)
        self._index = self._nblocks // 2
        elements = min(per_block, one.elements - self._index * per_block)
        lead = self._index * per_block % rows
        is_part = elements > most
        begin = (rows - lead) % rows if is_part else 0
        self._span = begin, min(elements, begin + most // rows * rows) if is_part else elements
        self._rows = Rows(one.row_items, 0 if is_part else lead)
        self._block = self._cut(blocks.of(one.oid, self._index), one.item)

    def encoded(self, bases: Sequence[StoredTensor], named: Sequence[Base]) -> BlockTrial | None:
        """Return what the sample takes as this delta; None where it is no smaller than with fewer bases."""
        trial = try_block(self._block, self._one.item, self._read(bases), self._rows)
        return trial if trial.bases_used == len(named) else None

    def rate(self, bases: Sequence[StoredTensor]) -> float:
        """Return the seconds of one thread that decoding takes for a byte."""
        return decoding_seconds(self._block, self._one.item, self._read(bases), self._rows) / len(self._block)

    def _read(self, bases: Sequence[StoredTensor]) -> list[Bytes]:
        """Return the same stretch of the bases, read as they would be."""
        from modelhub.store.foundation import as_kind

        cuts = [self._cut(self._blocks.of(base.oid, self._index), base.item) for base in bases]
        return [as_kind(cut, base.item, self._one.item) for cut, base in zip(cuts, bases, strict=True)]

    def whole(self, nbytes: int, bases: int) -> float:
        """Return the bytes of the tensor's entry, by those of the sample."""
        record = RECORD.size + BASE.size * bases + FRAME.size * self._nblocks
        return record + nbytes * (self._one.info.size / len(self._block))

    def _cut(self, block: Bytes, item: Item) -> Bytes:
        begin, end = self._span
        return memoryview(block)[begin * item.nbytes : end * item.nbytes]
