"""The ways each tensor could be kept: whole, or as a delta of older ones, with what each would cost."""

from __future__ import annotations

import math
import statistics
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors
from modelhub.progress import Progress
from modelhub.repository.repository import Repository
from modelhub.store.block_encoder import Effort
from modelhub.store.entry import BASE, FRAME, RECORD, Base, Entry
from modelhub.store.item import FLOAT_KINDS, Item, Rows
from modelhub.store.trial import BlockTrial, try_block

if TYPE_CHECKING:
    from modelhub.files import Bytes

STEPS_BACK = (1, 2, 4)
"""Which of the versions before a tensor are tried as its base."""

MOST_OF_A_NAME = 2
"""How many tensors of the same name in other files or of other kinds of float are tried."""

SAMPLE_ELEMENTS = 1 << 16
"""Of a larger tensor a stretch of so many items tells what the whole would take."""

MOST_BLOCKS = 48
"""So many decoded blocks are kept in memory, up to 4 MiB each (8 of float64)."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to keep a tensor: `bases` by number and how they are read, bytes it takes, seconds that decoding takes.

    `is_current` says that it is kept so now; then the bytes are exact, else estimated from a sample. `effort` is what
    its blocks are encoded for.
    """

    tensor: int
    bases: tuple[int, ...]
    named: tuple[Base, ...]
    nbytes: float
    seconds: float
    is_current: bool
    effort: Effort = "small"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A way before the rates of its codec are known."""

    tensor: StoredTensor
    bases: tuple[StoredTensor, ...]
    named: tuple[Base, ...]
    nbytes: float
    codec: str
    seconds_a_byte: float
    is_current: bool
    effort: Effort = "small"


def ways_to_keep(repo: Repository, known: StoredTensors, separate: Set[int], progress: Progress) -> list[Way]:
    """Return the ways of all tensors; every base has a smaller number than what builds on it.

    Those of the numbers `separate` have one: whole, with their planes separate.

    So no chain can come back to itself, whichever copies of the objects a killed repack leaves. Decoding is rated by
    the median of what the samples of a codec took, shared by the threads. Cost: each way is encoded for a sample, and
    decoded.
    """
    rates: dict[str, list[float]] = {}
    drafts: list[_Draft] = []
    near, blocks = _near(known), _Blocks(repo)
    by_oid = {one.oid: one for one in known.tensors}
    progress.start("trying deltas", len(known.tensors), "tensors")

    def drafts_of(one: StoredTensor) -> list[_Draft]:
        if one.number in separate:
            return [_separate(blocks, one)]
        entry = repo.store.open(one.oid).entry
        candidates = _candidates(known, by_oid, one, entry.record.bases, near.get(one.number, []))
        return list(_drafts(blocks, one, entry, candidates))

    workers = repo.store.workers
    for found in workers.map(drafts_of, known.tensors, weigh=lambda _: workers.budget // workers.count):
        drafts += found
        progress.advance(1)
    for draft in drafts:
        rates.setdefault(draft.codec, []).append(draft.seconds_a_byte / workers.count)
    rated = {codec: statistics.median(measured) for codec, measured in rates.items()}
    return [
        Way(
            draft.tensor.number,
            tuple(base.number for base in draft.bases),
            draft.named,
            draft.nbytes,
            rated[draft.codec] * draft.tensor.info.size,
            draft.is_current,
            draft.effort,
        )
        for draft in drafts
    ]


def _near(known: StoredTensors) -> dict[int, list[tuple[int, ...]]]:
    """Return for each tensor the bases, one or two, that its line and its name suggest, all older than it."""
    near: dict[int, list[tuple[int, ...]]] = {}
    for line in known.lines.values():
        for place, number in enumerate(line):
            older = [line[place - back] for back in STEPS_BACK if back <= place]
            pairs = [(line[place - 1], line[place - 2])] if place > 1 else []
            near.setdefault(number, []).extend([*((base,) for base in older), *((line[0],) for _ in older[:1]), *pairs])
    for line in known.names.values():
        for place, number in enumerate(line):
            near.setdefault(number, []).extend((base,) for base in line[max(place - MOST_OF_A_NAME, 0) : place])
    return {number: [bases for bases in found if max(bases) < number] for number, found in near.items()}


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
        yield _Draft(one, bases, named, nbytes, trial.codec, trial.seconds / sample.nbytes, is_current)


def _named(base: StoredTensor, one: StoredTensor) -> Base | None:
    """Return how a tensor is read as the base of another, None where that is not possible."""
    if base.elements != one.elements or base.oid == one.oid:
        return None
    if base.item == one.item:
        return Base(base.oid)
    floats = {base.item.kind, one.item.kind} <= set(FLOAT_KINDS)
    return Base(base.oid, is_converted=True) if floats else None


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


def _separate(blocks: _Blocks, one: StoredTensor) -> _Draft:
    """Return the way with separate planes."""
    sample = _Sample(blocks, one)
    trial = sample.separately()
    is_current = one.info.has_separate_planes and trial.codec in one.info.codecs
    nbytes = float(one.info.stored_nbytes) if is_current else sample.whole(trial.nbytes, 0)
    return _Draft(one, (), (), nbytes, trial.codec, trial.seconds / sample.nbytes, is_current, "separate")


class _Sample:
    """A stretch of whole rows of one tensor and of its bases, encoded as small as can be."""

    def __init__(self, blocks: _Blocks, one: StoredTensor) -> None:
        self._blocks = blocks
        self._one = one
        rows = one.row_items if 0 < one.row_items <= SAMPLE_ELEMENTS else 1
        per_block = one.item.block_nbytes // one.item.nbytes
        self._nblocks = -(-one.elements // per_block)
        self._index = self._nblocks // 2
        elements = min(per_block, one.elements - self._index * per_block)
        lead = self._index * per_block % rows
        is_part = elements > SAMPLE_ELEMENTS
        begin = (rows - lead) % rows if is_part else 0
        self._span = begin, min(elements, begin + SAMPLE_ELEMENTS // rows * rows) if is_part else elements
        self._rows = Rows(one.row_items, 0 if is_part else lead)
        self._block = self._cut(blocks.of(one.oid, self._index), one.item)
        self.nbytes = len(self._block)

    def encoded(self, bases: Sequence[StoredTensor], named: Sequence[Base]) -> BlockTrial | None:
        """Return what the sample takes as this delta; None where it is no smaller than with fewer bases."""
        from modelhub.store.foundation import as_kind

        one = self._one
        cuts = [self._cut(self._blocks.of(base.oid, self._index), base.item) for base in bases]
        read = [as_kind(cut, base.item, one.item) for cut, base in zip(cuts, bases, strict=True)]
        trial = try_block(self._block, one.item, read, self._rows)
        return trial if trial.bases_used == len(named) else None

    def whole(self, nbytes: int, bases: int) -> float:
        """Return the bytes of the tensor's entry, by those of the sample."""
        record = RECORD.size + BASE.size * bases + FRAME.size * self._nblocks
        return record + nbytes * (self._one.info.size / len(self._block))

    def separately(self) -> BlockTrial:
        """Return what the sample takes with its planes separate."""
        return try_block(self._block, self._one.item, (), self._rows, "separate")

    def _cut(self, block: Bytes, item: Item) -> Bytes:
        begin, end = self._span
        return memoryview(block)[begin * item.nbytes : end * item.nbytes]
