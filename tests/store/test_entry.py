"""Records come back as they were written and are refused when they do not hold together."""

from __future__ import annotations

import struct

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from modelhub.errors import FormatError, IntegrityError
from modelhub.oid import KINDS
from modelhub.store.entry import TAIL_MAGIC, Base, Frame, Record, encode_record, read_entry
from modelhub.store.item import ITEM_KINDS, Item
from modelhub.store.stored_file import check_range


class Memory:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.name = "memory"
        self.size = len(data)

    def read_at(self, offset: int, nbytes: int) -> bytes:
        check_range(self.name, self.size, offset, nbytes)
        return self.data[offset : offset + nbytes]


def entry_of(data: bytes) -> Record:
    return read_entry(Memory(data), 0, len(data)).record


@st.composite
def records(draw: st.DrawFn) -> Record:
    block_nbytes, count = draw(st.integers(1, 1 << 26)), draw(st.integers(0, 300))
    check = st.binary(min_size=8, max_size=8)
    frame = st.builds(Frame, st.integers(0, 255), st.just(0), check, check)
    base = st.builds(
        Base, st.binary(min_size=32, max_size=32).map(bytes.hex), st.just(0) | st.integers(0, 1 << 31), st.booleans()
    )
    bases = tuple(draw(st.lists(base, max_size=2)))
    return Record(
        oid=draw(st.binary(min_size=32, max_size=32)).hex(),
        kind=draw(st.sampled_from(KINDS)),
        item=Item.of(draw(st.sampled_from(ITEM_KINDS))),
        size=max(0, count * block_nbytes - draw(st.integers(0, block_nbytes - 1))),
        block_nbytes=block_nbytes,
        bases=bases,
        depth=draw(st.integers(1, 255)) if bases else 0,
        frames=tuple(draw(st.lists(frame, min_size=min(count, 3), max_size=min(count, 3))) * (count // 3 + 1))[:count],
    )


@given(record=records())
def test_a_record_comes_back(record: Record) -> None:
    assert entry_of(encode_record(record)) == record


RECORD = Record("ab" * 32, "blob", Item(), 10, 1 << 22, (), 0, (Frame(0, 0, bytes(8), bytes(8)),))


@pytest.mark.parametrize(
    "bad",
    [
        replace(RECORD, size=0),
        replace(RECORD, size=1 << 23),
        replace(RECORD, size=(1 << 64) - 1),
        replace(RECORD, block_nbytes=0),
        replace(RECORD, block_nbytes=(1 << 26) + 1),
        replace(RECORD, depth=1),
        replace(RECORD, bases=(Base("cd" * 32),)),
        replace(RECORD, frames=(Frame(0, 1, bytes(8), bytes(8)),)),
        replace(RECORD, frames=RECORD.frames * 2),
    ],
)
def test_a_record_that_does_not_hold_together_is_refused(bad: Record) -> None:
    with pytest.raises(IntegrityError):
        entry_of(encode_record(bad))


def test_an_unknown_kind_asks_for_an_upgrade() -> None:
    for at in (32, 33, 35):
        data = bytearray(encode_record(RECORD)[:-24])
        data[at] = 99
        tail = struct.pack("<I4s", len(data), TAIL_MAGIC) + blake3(bytes(data)).digest(16)
        with pytest.raises(FormatError, match="not known here"):
            entry_of(bytes(data) + tail)


@given(data=st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        entry_of(data)


def test_a_range_outside_the_file_is_refused() -> None:
    with pytest.raises(IntegrityError):
        read_entry(Memory(bytes(10)), 5, 1 << 60)
