"""Choose how to store one block: the smallest of what its kind of number and its base allow, verified by decoding."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub.errors import InternalError
from modelhub.files import Bytes
from modelhub.store.codecs.registry import BYTE_PLANES, GROUPED_DELTA, PLAIN_DELTA, RAW, SAME, ZSTD, codec
from modelhub.store.entry import Frame, check_of
from modelhub.store.item import Item

MIN_NUMBERS_NBYTES = 64
MIN_PLAIN_NBYTES = 512
SURE_NBYTES = 1 << 18
"""Blocks up to this size are encoded in every way there is, without a sample first."""

DELTA_COST_NBYTES = 48
"""What a delta must save: naming the base in the record, and reading it."""

CLEARLY_BETTER = 0.85
CLEARLY_WORSE = 1.1
SAMPLE_PIECES = 16
SAMPLE_PIECE_ELEMENTS = 1 << 10

_FLOATS = ("float64", "float32", "float16", "bfloat16")
_SMALL_ENOUGH_TO_COPY = 1 << 14


@dataclass(frozen=True, slots=True)
class EncodedBlock:
    """One block ready to be stored; `uses_base` says that decoding needs the base."""

    frame: Frame
    data: Bytes
    uses_base: bool


def encode_block(block: Bytes, item: Item, base: Bytes | None) -> EncodedBlock:
    """Return the block encoded, never larger than raw nor than without a base, and verified by decoding.

    `base` is the block of the base object at the same place, or None. Raises InternalError where a codec fails to
    give the block back.
    """
    if base is not None:
        base = memoryview(base)
    codec_id, data = _choose(memoryview(block), item, base)
    how = codec(codec_id)
    if codec_id not in (RAW, SAME):
        _verify(how.decode(data, len(block), item, base), block, how.name)
    block_check = check_of(block)
    stored_check = block_check if codec_id == RAW else check_of(data)
    return EncodedBlock(Frame(codec_id, len(data), stored_check, block_check), data, how.needs_base)


def _choose(block: memoryview, item: Item, base: memoryview | None) -> tuple[int, Bytes]:
    if len(block) < (MIN_PLAIN_NBYTES if item.nbytes == 1 and item.kind == "bytes" else MIN_NUMBERS_NBYTES):
        return RAW, block
    if base is None:
        return _encode_self(block, item)
    same = codec(SAME).encode(block, item, base)
    if same is not None:
        return SAME, same
    return _encode_with_base(block, item, base)


def _encode_with_base(block: memoryview, item: Item, base: memoryview) -> tuple[int, Bytes]:
    delta_id = _delta_codec(item)
    if delta_id is None:
        return _encode_self(block, item)
    guess_self = _sampled_self(block, item) if len(block) > SURE_NBYTES else None
    if guess_self is not None and _sampled_delta(block, item, base) >= CLEARLY_WORSE * guess_self:
        return _encode_self(block, item)
    delta = codec(delta_id).encode(block, item, base)
    if delta is None:
        return _encode_self(block, item)
    if guess_self is not None and len(delta) < CLEARLY_BETTER * guess_self * len(block):
        return delta_id, delta
    alone_id, alone = _encode_self(block, item)
    if len(delta) + DELTA_COST_NBYTES < len(alone):
        return delta_id, delta
    return alone_id, alone


def _encode_self(block: memoryview, item: Item) -> tuple[int, Bytes]:
    best: tuple[int, Bytes] = (RAW, block)
    for codec_id in _self_codecs(block, item):
        frame = codec(codec_id).encode(block, item, None)
        if frame is not None and len(frame) < len(best[1]):
            best = (codec_id, frame)
    return best


def _self_codecs(block: memoryview, item: Item) -> tuple[int, ...]:
    if item.nbytes == 1 or len(block) % item.nbytes:
        return (ZSTD,)
    return (BYTE_PLANES, ZSTD) if item.kind == "bytes" else (BYTE_PLANES,)


def _delta_codec(item: Item) -> int | None:
    if item.kind == "bytes":
        return None
    return GROUPED_DELTA if item.kind in _FLOATS else PLAIN_DELTA


def _sampled_self(block: memoryview, item: Item) -> float:
    """Return about which share of its bytes a block keeps without a base."""
    sample = _sample(block, item)
    return len(_encode_self(sample, item)[1]) / len(sample)


def _sampled_delta(block: memoryview, item: Item, base: memoryview) -> float:
    """Return about which share of its bytes a block keeps as a delta."""
    delta_id = _delta_codec(item)
    sample = _sample(block, item)
    delta = codec(delta_id).encode(sample, item, _sample(base, item)) if delta_id is not None else None
    return 1.0 if delta is None else len(delta) / len(sample)


def _sample(block: memoryview, item: Item) -> memoryview:
    """Return pieces from all over a block, whole items each."""
    piece = SAMPLE_PIECE_ELEMENTS * item.nbytes
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
