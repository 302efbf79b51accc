"""The ways each tensor could be kept: whole, or as a delta of others, with what each would cost."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.porcelain.base_candidates import BaseCandidates, Candidates
from modelhub.porcelain.decoded_blocks import DecodedBlocks
from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors
from modelhub.progress import Progress
from modelhub.repository.repository import Repository
from modelhub.store.block_encoder import HASTY, Effort
from modelhub.store.entry import Base, Entry, record_nbytes
from modelhub.store.item import BLOCK_ELEMENTS, FLOAT_KINDS, Item, Rows
from modelhub.store.trial import BlockTrial, decoding_seconds, try_block

if TYPE_CHECKING:
    from modelhub.files import Bytes

SAMPLE_ELEMENTS = 1 << 16
"""Of a larger tensor a stretch of so many items tells what the whole would take."""

RATED_TENSORS = 5
"""Decoding is rated on blocks of so many tensors of different sizes."""


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
    is_current: bool
    effort: Effort = "small"


def ways_to_keep(repo: Repository, known: StoredTensors, separate: Set[int], progress: Progress) -> list[Way]:
    """Return the ways of all tensors; those of the numbers `separate` have one: whole, with their planes separate.

    Decoding is rated by codec, on whole blocks, and shared by the threads. Cost: each way is encoded for a sample; a
    block of every tensor is read.
    """
    drafts: list[_Draft] = []
    blocks = DecodedBlocks(repo)
    candidates = BaseCandidates(known, blocks)
    progress.start("trying deltas", len(known.tensors), "tensors")

    def drafts_of(one: StoredTensor) -> list[_Draft]:
        if one.number in separate:
            return [_separate(blocks, one)]
        entry = repo.store.open(one.oid).entry
        return list(_drafts(blocks, one, entry, candidates.of(one, entry.record.bases)))

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
            draft.effort,
        )
        for draft in drafts
    ]


def _drafts(blocks: DecodedBlocks, one: StoredTensor, entry: Entry, candidates: Candidates) -> Iterator[_Draft]:
    sample = _Sample(blocks, one)
    for named, bases in candidates.items():
        is_current = named == entry.record.bases
        trial = sample.encoded(bases, named)
        if trial.bases_used < len(named) and not is_current:
            continue
        nbytes = sample.whole(trial.nbytes, named)
        if is_current:
            nbytes = min(nbytes, _kept_anew(blocks, one, entry, bases))
        yield _Draft(one, bases, named, nbytes, trial.codec, is_current)


def _kept_anew(blocks: DecodedBlocks, one: StoredTensor, entry: Entry, bases: Sequence[StoredTensor]) -> float:
    """Return about the bytes of a tensor on what it builds on now, encoded as small as can be; never more than now.

    Where it was encoded in haste a whole block tells: a sample has too few rows for what that gains.
    """
    frames = entry.record.frames
    if one.item.kind not in FLOAT_KINDS or not HASTY.intersection(frame.codec for frame in frames):
        return entry.stored_nbytes
    sample = _Sample(blocks, one, BLOCK_ELEMENTS)
    now = frames[sample.index].nbytes
    found = sample.encoded(bases, entry.record.bases).nbytes
    return entry.stored_nbytes * min(1.0, found / now) if now else entry.stored_nbytes


def rated(blocks: DecodedBlocks, drafts: Sequence[_Draft]) -> dict[str, float]:
    """Return the seconds of one thread that each codec takes to decode a byte: the median over its largest tensors."""
    by_codec: dict[str, dict[int, _Draft]] = {}
    for draft in drafts:
        by_codec.setdefault(draft.codec, {}).setdefault(draft.tensor.number, draft)
    rates = {}
    for name, of_tensors in by_codec.items():
        largest = sorted(of_tensors.values(), key=lambda one: (-one.tensor.info.size, one.tensor.number))
        chosen = {one.tensor.info.size: one for one in largest}  # not the same tensor of every version
        measured = [
            _Sample(blocks, one.tensor, BLOCK_ELEMENTS).rate(one.bases, one.named, one.effort)
            for one in list(chosen.values())[:RATED_TENSORS]
        ]
        rates[name] = statistics.median(measured)
    return rates


def _separate(blocks: DecodedBlocks, one: StoredTensor) -> _Draft:
    """Return the way with separate planes."""
    sample = _Sample(blocks, one)
    trial = sample.separately()
    is_current = one.info.has_separate_planes and trial.codec in one.info.codecs
    nbytes = float(one.info.stored_nbytes) if is_current else sample.whole(trial.nbytes, ())
    return _Draft(one, (), (), nbytes, trial.codec, is_current, "separate")


class _Sample:
    """A stretch of whole rows of one tensor and of its bases, encoded as small as can be."""

    def __init__(self, blocks: DecodedBlocks, one: StoredTensor, most: int = SAMPLE_ELEMENTS) -> None:
        self._blocks = blocks
        self._one = one
        rows = one.row_items if 0 < one.row_items <= most else 1
        per_block = one.item.block_nbytes // one.item.nbytes
        self._nblocks = -(-one.elements // per_block)
        self.index = self._nblocks // 2
        elements = min(per_block, one.elements - self.index * per_block)
        lead = self.index * per_block % rows
        is_part = elements > most
        begin = (rows - lead) % rows if is_part else 0
        self._span = begin, min(elements, begin + most // rows * rows) if is_part else elements
        self._rows = Rows(one.row_items, 0 if is_part else lead)
        self._block = self._cut(blocks.of(one.oid, self.index), one.item)

    def encoded(self, bases: Sequence[StoredTensor], named: Sequence[Base]) -> BlockTrial:
        """Return what the sample takes as this delta, or with fewer bases where that is smaller."""
        return try_block(self._block, self._one.item, self._read(bases, named), self._rows)

    def rate(self, bases: Sequence[StoredTensor], named: Sequence[Base], effort: Effort) -> float:
        """Return the seconds of one thread that decoding takes for a byte."""
        read = self._read(bases, named)
        return decoding_seconds(self._block, self._one.item, read, self._rows, effort) / len(self._block)

    def _read(self, bases: Sequence[StoredTensor], named: Sequence[Base]) -> list[Bytes]:
        """Return the same stretch of the bases, read as they would be."""
        from modelhub.store.foundation import as_kind

        cuts = [
            self._cut(self._blocks.of(base.oid, self.index, rows=how.rows), base.item)
            for base, how in zip(bases, named, strict=True)
        ]
        return [as_kind(cut, base.item, self._one.item) for cut, base in zip(cuts, bases, strict=True)]

    def whole(self, nbytes: int, named: tuple[Base, ...]) -> float:
        """Return the bytes of the tensor's entry on these bases, by those of the sample."""
        return record_nbytes(named, self._nblocks) + nbytes * (self._one.info.size / len(self._block))

    def separately(self) -> BlockTrial:
        """Return what the sample takes with its planes separate."""
        return try_block(self._block, self._one.item, (), self._rows, "separate")

    def _cut(self, block: Bytes, item: Item) -> Bytes:
        begin, end = self._span
        return memoryview(block)[begin * item.nbytes : end * item.nbytes]
