"""The ways each tensor could be kept: as now, whole, or as a delta of others, with what each would cost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from modelhub.porcelain.base_candidates import BaseCandidates, Candidates
from modelhub.porcelain.block_samples import BlockSample
from modelhub.porcelain.decoded_blocks import DecodedBlocks
from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors
from modelhub.progress import Progress
from modelhub.repository.repository import Repository
from modelhub.store.block_encoder import Effort
from modelhub.store.entry import Base, Entry
from modelhub.store.item import BLOCK_ELEMENTS

RATED_SIZES = 4
RATED_TENSORS = 3
"""Decoding is rated on blocks of tensors of so many sizes, so many of each."""

OPENING_SECONDS = 6e-5
"""What it takes to find an object and read its record."""

WORTH_IT = 0.995
"""A tensor is encoded anew on the bases it has only where its sample then takes less than this share."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to keep a tensor: `bases` by number and how they are read, bytes it takes, seconds that decoding takes.

    `is_current` says that it is kept so now, and nothing would be done; then the bytes are exact, else estimated from a
    sample. `effort` is what its blocks are encoded for.
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
    """Return the ways of all tensors. Those of the numbers `separate` have one: whole, with their planes separate.

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
            rates[draft.codec].seconds(draft.tensor.info.size) / workers.count,
            draft.is_current,
            draft.effort,
        )
        for draft in drafts
    ]


def _drafts(blocks: DecodedBlocks, one: StoredTensor, entry: Entry, candidates: Candidates) -> Iterator[_Draft]:
    sample = BlockSample(blocks, one)
    for named, bases in candidates.items():
        if named == entry.record.bases:
            yield from _as_now(blocks, one, named, bases)
            continue
        trial = sample.encoded(bases, named, "small")
        if trial.bases_used == len(named):
            yield _Draft(one, bases, named, sample.whole(trial.nbytes, named), trial.codec, is_current=False)


def _as_now(
    blocks: DecodedBlocks, one: StoredTensor, named: tuple[Base, ...], bases: tuple[StoredTensor, ...]
) -> Iterator[_Draft]:
    """Yield the way in which a tensor is kept, and encoded with effort on the same bases where it was not yet.

    What that gains two encodings of a whole block say: a sample has too few rows.
    """
    stored = float(one.info.stored_nbytes)
    if one.info.took_effort:
        small = BlockSample(blocks, one).encoded(bases, named, "small")
        yield _Draft(one, bases, named, stored, small.codec, is_current=True)
        return
    block = BlockSample(blocks, one, BLOCK_ELEMENTS)
    effort: Effort = "separate" if one.info.has_separate_planes else "fast"
    now, small = block.encoded(bases, named, effort), block.encoded(bases, named, "small")
    yield _Draft(one, bases, named, stored, now.codec, is_current=True, effort=effort)
    if small.bases_used == len(named) and small.nbytes < WORTH_IT * now.nbytes:
        yield _Draft(one, bases, named, stored * small.nbytes / now.nbytes, small.codec, is_current=False)


def _separate(blocks: DecodedBlocks, one: StoredTensor) -> _Draft:
    """Return the way with separate planes."""
    sample = BlockSample(blocks, one)
    trial = sample.encoded((), (), "separate")
    is_current = one.info.has_separate_planes and trial.codec in one.info.codecs
    nbytes = float(one.info.stored_nbytes) if is_current else sample.whole(trial.nbytes, ())
    return _Draft(one, (), (), nbytes, trial.codec, is_current, "separate")


@dataclass(frozen=True, slots=True)
class Rate:
    """What a codec takes of one thread: `by_size` has bytes of a tensor and the seconds for each byte of such a one.

    What decoding takes for a byte goes by the size, since much of it is done once for a block, and since large tensors
    have other rows than small ones.
    """

    by_size: tuple[tuple[int, float], ...]
    opening: float = OPENING_SECONDS

    def seconds(self, nbytes: int) -> float:
        """Return what an object of so many bytes takes, by the size that is nearest."""
        _, a_byte = min(self.by_size, key=lambda one: abs(math.log(one[0] / max(nbytes, 1))))
        return self.opening + a_byte * nbytes


def rated(blocks: DecodedBlocks, drafts: Sequence[_Draft]) -> dict[str, Rate]:
    """Return what each codec takes, for its largest tensors and the smallest: the median of some of each size."""
    by_codec: dict[str, dict[int, dict[int, _Draft]]] = {}
    for draft in drafts:
        of_codec = by_codec.setdefault(draft.codec, {})
        of_codec.setdefault(draft.tensor.info.size, {}).setdefault(draft.tensor.number, draft)
    rates = {}
    for name, of_sizes in by_codec.items():
        sizes = sorted(of_sizes, reverse=True)
        chosen = dict.fromkeys((*sizes[: RATED_SIZES - 1], sizes[-1]))
        rates[name] = Rate(tuple((size, _median_rate(blocks, list(of_sizes[size].values()))) for size in chosen))
    return rates


def _median_rate(blocks: DecodedBlocks, drafts: Sequence[_Draft]) -> float:
    """Return the seconds for a byte of one thread, of tensors from all over these."""
    some = drafts[:: max(1, len(drafts) // RATED_TENSORS)][:RATED_TENSORS]
    return statistics.median(
        BlockSample(blocks, one.tensor, BLOCK_ELEMENTS).rate(one.bases, one.named, one.effort) for one in some
    )
