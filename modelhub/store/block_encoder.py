"""Choose how to store one block: the smallest of what its kind of number and its base allow, verified by decoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from modelhub.errors import InternalError
from modelhub.files import Bytes
from modelhub.store.codecs.registry import (
    BINNED_BY_BASES,
    BINNED_DELTA,
    BYTE_PLANES,
    GROUPED_BY_BASES,
    GROUPED_DELTA,
    ITEM_DELTA,
    PACKED_ITEMS,
    PACKED_PLANES,
    PLAIN_DELTA,
    RAW,
    SAME,
    SEPARATE_PLANES,
    SPARSE_DELTA,
    SPARSE_ITEMS,
    ZSTD,
    codec,
)
from modelhub.store.entry import Frame, check_of
from modelhub.store.item import FLOAT_KINDS, NO_ROWS, Item, Rows

MIN_NUMBERS_NBYTES = 64
MIN_PLAIN_NBYTES = 512
SURE_NBYTES = 1 << 18
"""Blocks up to this size are encoded in every way there is, without a sample first."""

DELTA_COST_NBYTES = 48
"""What a delta must save: naming the base in the record, and reading it."""

SPARSE_ENOUGH = 1 / 64
"""A sparse delta of this share of the block, or less, is taken without looking at others."""

CLEARLY_BETTER = 0.85
CLEARLY_WORSE = 1.1
SAMPLE_PIECES = 16
SAMPLE_PIECE_ELEMENTS = 1 << 10
SAMPLE_PIECE_NBYTES = 1 << 13

_SMALL_ENOUGH_TO_COPY = 1 << 14


Effort = Literal["fast", "small", "separate"]
"""What a block is encoded for: to be out of the way soon, to be as small as it can be, or, alone and with its planes
apart, so that the high-order bytes of its floats can be read without the rest."""


BETTER_THAN = {plain: decay for ways in (BINNED_BY_BASES, GROUPED_BY_BASES) for decay, plain in zip(*ways, strict=True)}
"""The first is not tried where the second holds a block, which needs rows that only decayed."""


class EncodedBlock(Struct, frozen=True):
    """One block ready to be stored; decoding needs the first `bases_used` bases."""

    frame: Frame
    data: Bytes
    bases_used: int


def encode_block(
    block: Bytes,
    item: Item,
    bases: Sequence[Bytes] = (),
    rows: Rows = NO_ROWS,
    *,
    effort: Effort = "fast",
    block_check: bytes | None = None,
) -> EncodedBlock:
    """Return the block encoded, never larger than raw nor than without a base, and verified by decoding.

    `bases` are the blocks of at most two base objects at the same place, `block_check` the check of the block where it
    is known. Raises InternalError where a codec fails to give the block back.
    """
    views = [memoryview(base) for base in bases]
    codec_id, data = _Choice(memoryview(block), item, views, rows, effort).best()
    how = codec(codec_id)
    if codec_id not in (RAW, SAME):
        _verify(how.decode(data, len(block), item, views), block, how.name)
    block_check = block_check or check_of(block)
    stored_check = block_check if codec_id == RAW else check_of(data)
    return EncodedBlock(Frame(codec_id, len(data), stored_check, block_check), data, how.bases)


class _Choice(Struct, frozen=True):
    """Finds the codec of one block."""

    block: memoryview
    item: Item
    bases: list[memoryview]
    rows: Rows
    effort: Effort

    def best(self) -> tuple[int, Bytes]:
        least = MIN_PLAIN_NBYTES if self.item.nbytes == 1 and self.item.kind == "bytes" else MIN_NUMBERS_NBYTES
        if len(self.block) < least:
            return RAW, self.block
        if not self.bases or self.effort == "separate":
            return self._alone(self.block)
        if codec(SAME).encode(self.block, self.item, self.bases) is not None:
            return SAME, b""
        return self._with_bases()

    def _with_bases(self) -> tuple[int, Bytes]:
        deltas = _delta_codecs(self.item, len(self.bases), self.effort)
        is_large = len(self.block) > SURE_NBYTES
        guess_alone = self._sampled_alone() if is_large and deltas else None
        if not deltas or (guess_alone is not None and self._sampled_delta() >= CLEARLY_WORSE * guess_alone):
            return self._alone(self.block)
        found = self._smallest_delta(deltas)
        if found is None:
            return self._alone(self.block)
        if guess_alone is not None and len(found[1]) < CLEARLY_BETTER * guess_alone * len(self.block):
            return found
        alone = self._alone(self.block)
        return found if len(found[1]) + DELTA_COST_NBYTES < len(alone[1]) else alone

    def _smallest_delta(self, codec_ids: Sequence[int]) -> tuple[int, Bytes] | None:
        found: list[tuple[int, Bytes]] = []
        for codec_id in codec_ids:
            if any(BETTER_THAN.get(codec_id) == better for better, _ in found):
                continue
            frame = codec(codec_id).encode(self.block, self.item, self.bases, self.rows)
            found += [] if frame is None else [(codec_id, frame)]
            if frame is not None and codec_id == SPARSE_DELTA and len(frame) <= SPARSE_ENOUGH * len(self.block):
                break
        return min(found, key=lambda one: len(one[1]), default=None)

    def _alone(self, block: memoryview) -> tuple[int, Bytes]:
        best: tuple[int, Bytes] = (RAW, block)
        for codec_id in _self_codecs(block, self.item, self.effort):
            frame = codec(codec_id).encode(block, self.item, ())
            if frame is not None and len(frame) < len(best[1]):
                best = (codec_id, frame)
        return best

    def _sampled_alone(self) -> float:
        """Return about which share of its bytes the block keeps without a base."""
        sample = _sample(self.block, self.item)
        return len(self._alone(sample)[1]) / len(sample)

    def _sampled_delta(self) -> float:
        """Return about which share of its bytes the block keeps as a delta."""
        *_, delta_id = _delta_codecs(self.item, 1, "fast")
        sample = _sample(self.block, self.item)
        delta = codec(delta_id).encode(sample, self.item, [_sample(self.bases[0], self.item)])
        return 1.0 if delta is None else len(delta) / len(sample)


def _self_codecs(block: memoryview, item: Item, effort: Effort) -> tuple[int, ...]:
    packed = (PACKED_ITEMS,) if effort == "small" else ()
    if item.nbytes == 1 or len(block) % item.nbytes:
        return (ZSTD, SPARSE_ITEMS, *packed) if item.kind == "int8" else (ZSTD,)
    if item.kind == "bytes":
        return (BYTE_PLANES, ZSTD, *packed)
    if effort == "separate" and item.kind in FLOAT_KINDS:
        return (SEPARATE_PLANES,)
    packed = (PACKED_PLANES,) if effort == "small" and item.kind in FLOAT_KINDS else ()
    return (BYTE_PLANES, SPARSE_ITEMS, *packed)


def _delta_codecs(item: Item, bases: int, effort: Effort) -> tuple[int, ...]:
    """Return the codecs to try; the last stands in where those before it cannot hold a block."""
    if item.kind == "bytes":
        return (SPARSE_DELTA, ITEM_DELTA)
    if item.kind not in FLOAT_KINDS:
        return (SPARSE_DELTA, ITEM_DELTA, PLAIN_DELTA) if item.nbytes > 1 else (SPARSE_DELTA, PLAIN_DELTA)
    plain = BINNED_DELTA if item.kind == "float32" else GROUPED_DELTA
    if effort == "fast":
        return (SPARSE_DELTA, plain)
    decays, fitted = BINNED_BY_BASES if item.kind == "float32" else GROUPED_BY_BASES
    return (SPARSE_DELTA, *decays[:bases], *fitted[:bases], plain)


def _sample(block: memoryview, item: Item) -> memoryview:
    """Return pieces from all over a block, whole items each."""
    piece = min(SAMPLE_PIECE_ELEMENTS, max(1, SAMPLE_PIECE_NBYTES // item.nbytes)) * item.nbytes
    stride = len(block) // SAMPLE_PIECES // item.nbytes * item.nbytes
    if stride <= piece:
        return block
    return memoryview(b"".join(block[start * stride : start * stride + piece] for start in range(SAMPLE_PIECES)))


def _verify(decoded: Bytes, block: Bytes, name: str) -> None:
    if len(block) <= _SMALL_ENOUGH_TO_COPY:
        same = bytes(decoded) == bytes(block)
    else:
        from modelhub.store.codecs.number_bits import same_bytes

        same = same_bytes(memoryview(decoded), memoryview(block))
    if not same:
        raise InternalError(f"the codec '{name}' did not give a block back as it was")
