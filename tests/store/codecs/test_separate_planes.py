"""Separate planes keep the contract, and each plane can be read, and is verified, without those below it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from contracts.codec import CodecContract, blocks
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.codecs.separate_planes import SEPARATE_PLANES, decode_top, head_nbytes
from modelhub.store.entry import check_of
from modelhub.store.item import FLOAT_KINDS, Item


class Frame:
    """The bytes of a frame, and which of them were read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ends: list[int] = []

    def read(self, offset: int, nbytes: int) -> bytes:
        assert 0 <= offset <= offset + nbytes <= len(self.data)
        self.ends.append(offset + nbytes)
        return self.data[offset : offset + nbytes]


def read_top(frame: bytes, block: bytes, item: Item, top: int, check: bytes | None = None) -> bytes:
    reads = Frame(frame)
    check = check_of(block) if check is None else check
    return bytes(decode_top(reads.read, len(frame), len(block), item, top=top, block_check=check))


def with_table(frame: bytes, item: Item, change) -> bytes:
    """Return the frame with another table of planes, its check made anew."""
    end = head_nbytes(item)
    table = bytearray(frame[: end - 8])
    change(table)
    return bytes(table) + check_of(bytes(table)) + frame[end:]


class TestSeparatePlanes(CodecContract):
    codec = SEPARATE_PLANES

    @pytest.mark.parametrize("kind", FLOAT_KINDS)
    def test_the_top_bytes_come_from_the_beginning_of_the_frame(self, numbers, kind: str) -> None:
        item, block, _ = numbers(kind, 50_000)
        frame = SEPARATE_PLANES.encode(block, item, [])
        assert frame is not None
        whole = np.frombuffer(block, np.uint8).reshape(-1, item.nbytes)
        ends = []
        for top in range(1, item.nbytes):
            reads = Frame(bytes(frame))
            got = decode_top(reads.read, len(frame), len(block), item, top=top, block_check=check_of(block))
            expected = whole.copy()
            expected[:, : item.nbytes - top] = 0
            assert np.array_equal(np.frombuffer(got, np.uint8).reshape(whole.shape), expected)
            ends.append(max(reads.ends))
        assert ends == sorted(set(ends))
        assert ends[-1] < len(frame)

    @given(case=blocks(), junk=st.binary(max_size=300), top=st.integers(1, 7))
    @settings(max_examples=100)
    def test_foreign_frames_have_no_top(self, case, junk: bytes, top: int) -> None:
        item, block, _ = case
        with pytest.raises(IntegrityError):
            read_top(junk, block, item, top)

    def test_every_flipped_bit_that_is_read_is_noticed(self, numbers) -> None:
        item, block, _ = numbers("float32", 300)
        frame = bytes(SEPARATE_PLANES.encode(block, item, []))
        sound = read_top(frame, block, item, 2)
        reads = Frame(frame)
        decode_top(reads.read, len(frame), len(block), item, top=2, block_check=check_of(block))
        for at in range(len(frame)):
            hurt = bytearray(frame)
            hurt[at] ^= 1 << at % 8
            if at < max(reads.ends):
                with pytest.raises(IntegrityError):
                    read_top(bytes(hurt), block, item, 2)
            else:
                assert read_top(bytes(hurt), block, item, 2) == sound

    def test_a_frame_that_is_cut_is_refused(self, numbers) -> None:
        item, block, _ = numbers("bfloat16", 300)
        frame = bytes(SEPARATE_PLANES.encode(block, item, []))
        for length in range(len(frame)):
            with pytest.raises(IntegrityError):
                read_top(frame[:length], block, item, 1)
            with pytest.raises(IntegrityError):
                SEPARATE_PLANES.decode(frame[:length], len(block), item, [])

    def test_the_planes_of_another_block_are_refused(self, numbers) -> None:
        item, block, other = numbers("float32", 300)
        frame = bytes(SEPARATE_PLANES.encode(other, item, []))
        with pytest.raises(IntegrityError, match="another block"):
            read_top(frame, block, item, 1)

    def test_hostile_tables_are_refused(self, numbers) -> None:
        item, block, _ = numbers("float32", 300)
        frame = bytes(SEPARATE_PLANES.encode(block, item, []))

        def refuses(change) -> None:
            hurt = with_table(frame, item, change)
            with pytest.raises(IntegrityError):
                read_top(hurt, block, item, 3)
            with pytest.raises(IntegrityError):
                SEPARATE_PLANES.decode(hurt, len(block), item, [])

        for plane in range(4):
            start = 8 + 16 * plane
            (length,) = struct.unpack_from("<I", frame, start)
            for wrong in (0, length - 1, length + 1, 2**32 - 1):
                refuses(lambda table, start=start, wrong=wrong: struct.pack_into("<I", table, start, wrong))
            refuses(lambda table, start=start: table.__setitem__(start + 4, 3))
            refuses(lambda table, start=start: table.__setitem__(start + 6, 1))
        form = frame[8 + 4]
        for other in {0, 1, 2} - {form}:
            refuses(lambda table, other=other: table.__setitem__(8 + 4, other))

    def test_integers_are_not_its_own(self, numbers) -> None:
        item, block, _ = numbers("int32", 5000)
        assert SEPARATE_PLANES.encode(block, item, []) is None

    def test_what_does_not_shrink_is_not_its_own(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, 40_000, np.uint8).tobytes()
        assert SEPARATE_PLANES.encode(noise, Item.of("float32"), []) is None
