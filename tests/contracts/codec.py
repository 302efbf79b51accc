"""The contract every codec keeps: subclass CodecContract and give it the codec."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelhub.errors import FormatError
from modelhub.store.codecs.codec import Codec
from modelhub.store.item import ITEM_KINDS, NO_ROWS, Item, Rows

SPECIAL = {
    "float64": [0x7FF8000000000001, 0xFFF0000000000DEF, 0x8000000000000000, 0x1, 0x7FF0000000000000],
    "float32": [0x7FC00001, 0xFFA0BEEF, 0x80000000, 0x1, 0x7F800000, 0xFF800000],
    "float16": [0x7E01, 0xFD55, 0x8000, 0x1, 0x7C00],
    "bfloat16": [0x7FC1, 0xFF85, 0x8000, 0x1, 0x7F80],
}
"""NaNs with payloads, infinities, minus zero and the smallest denormal of every kind of float."""

SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.differing_executors]}
"""Settings of tests that several subclasses run."""

CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


def items() -> st.SearchStrategy[Item]:
    natural = st.sampled_from([Item.of(kind) for kind in ITEM_KINDS])
    return natural | st.integers(1, 70).map(lambda width: Item("bytes", width))


@st.composite
def blocks(draw: st.DrawFn) -> tuple[Item, bytes, bytes]:
    """Draw an item kind, a block of whole items, and a base of the same length: equal, near, or unrelated."""
    item = draw(items())
    count = draw(st.sampled_from([0, 1, 2, 3]) | st.integers(0, 300))
    size = count * item.nbytes
    if item.kind == "bytes":
        block = draw(st.binary(min_size=size, max_size=size))
        return item, block, draw(st.just(block) | st.just(bytes(size)))
    old = draw(_numbers(item, count))
    near = _drawn(count, "u1").map(lambda steps: old + (steps % 7).astype(old.dtype) - old.dtype.type(3))
    new = draw(st.just(old) | _numbers(item, count) | near)
    return item, new.tobytes(), old.tobytes()


def _numbers(item: Item, count: int) -> st.SearchStrategy[np.ndarray]:
    """Numbers of any bits, and about as many special ones: drawn as bytes, since to draw each takes long."""
    top = (1 << 8 * item.nbytes) - 1
    special = np.array([*SPECIAL.get(item.kind, [0, 1, top]), 0, top], f"<u{item.nbytes}")
    return st.builds(
        lambda which, any_bits: np.where(which < 128, special[which % len(special)], any_bits),
        _drawn(count, "u1"), _drawn(count, special.dtype.str),
    )  # fmt: skip


def _drawn(count: int, kind: str) -> st.SearchStrategy[np.ndarray]:
    size = count * np.dtype(kind).itemsize
    return st.binary(min_size=size, max_size=size).map(lambda drawn: np.frombuffer(drawn, kind))


class CodecContract:
    """What every codec promises."""

    codec: Codec

    def bases(self, base: bytes) -> list[bytes]:
        """As many bases as the codec needs: the one given, then one of zeros."""
        return [base, bytes(len(base))][: self.codec.bases]

    def round_trip(self, block: bytes, item: Item, base: bytes, rows: Rows = NO_ROWS) -> None:
        frame = self.codec.encode(block, item, self.bases(base), rows)
        if frame is None:
            return
        assert len(frame) <= len(block)
        assert bytes(self.codec.decode(frame, len(block), item, self.bases(base))) == block

    @given(case=blocks())
    @settings(max_examples=150, **SHARED)
    def test_every_bit_pattern_comes_back(self, case: tuple[Item, bytes, bytes]) -> None:
        item, block, base = case
        self.round_trip(block, item, base)

    def test_large_blocks_of_every_kind_come_back(self, numbers) -> None:
        for kind in ITEM_KINDS:
            item, block, base = numbers(kind, 150_000)
            self.round_trip(block, item, base)

    @given(case=blocks(), junk=st.binary(max_size=200))
    @settings(max_examples=100, **SHARED)
    def test_foreign_frames_are_refused_or_have_the_right_length(
        self, case: tuple[Item, bytes, bytes], junk: bytes
    ) -> None:
        item, block, base = case
        try:
            got = self.codec.decode(junk, len(block), item, self.bases(base))
        except FormatError:
            return
        assert len(got) == len(block)

    def test_damaged_frames_raise_nothing_but_integrity_errors(self, numbers) -> None:
        for kind in ("float32", "int32", "int8", "bytes"):
            item, block, base = numbers(kind, 3000)
            frame = self.codec.encode(block, item, self.bases(base))
            if frame:
                self.try_damaged(frame, len(block), item, base, places=150)

    def try_damaged(self, frame: bytes, nbytes: int, item: Item, base: bytes, *, places: int = 200) -> None:
        """Decode a frame with a bit flipped, and cut off, at about so many places of it."""
        for at in range(0, len(frame), max(1, len(frame) // places)):
            hurt = bytearray(frame)
            hurt[at] ^= 1 << at % 8
            self.try_decode(bytes(hurt), nbytes, item, base)
            self.try_decode(bytes(frame[:at]), nbytes, item, base)

    def try_decode(self, frame: bytes, nbytes: int, item: Item, base: bytes) -> None:
        try:
            got = self.codec.decode(frame, nbytes, item, self.bases(base))
        except FormatError:
            return
        assert len(got) == nbytes

    def test_a_missing_base_is_an_integrity_error(self) -> None:
        if not self.codec.bases:
            return
        with pytest.raises(FormatError):
            self.codec.decode(b"", 64, Item.of("float32"), [])
        with pytest.raises(FormatError):
            self.codec.decode(b"", 64, Item.of("float32"), [bytes(60), bytes(60)])
