"""Stretches of a file are read in their order, hashed one by one and as a whole, and given back as they were read."""

from __future__ import annotations

import threading

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import StateError
from modelhub.repository import read_ahead
from modelhub.repository.read_ahead import FileDigest, ReadAhead


class Memory:
    """A file in memory, which counts how often each byte is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.reads: list[tuple[int, int]] = []

    def read(self, offset: int, nbytes: int) -> bytes:
        self.reads.append((offset, nbytes))
        return self.data[offset : offset + nbytes]


class Opened:
    def __init__(self, reader: Memory) -> None:
        self.whole = FileDigest()
        self.ahead = ReadAhead(reader, self.whole)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *error: object) -> None:
        self.ahead.close()
        self.whole.close()


def stretches(lengths: list[int]) -> list[tuple[int, int]]:
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    return list(zip(starts, lengths, strict=True))


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 40), max_size=12),
    piece=st.integers(1, 16),
    held=st.integers(0, 50),
    data=st.data(),
)
def test_every_slice_of_a_stretch_is_that_of_the_file(lengths: list[int], piece: int, held: int, data) -> None:
    content = bytes(data.draw(st.binary(min_size=sum(lengths), max_size=sum(lengths))))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(read_ahead, "READ_NBYTES", piece)
        patched.setattr(read_ahead, "HELD_NBYTES", held)
        patched.setattr(read_ahead, "AT_ONCE_NBYTES", 3)
        with Opened(Memory(content)) as opened:
            read = opened.ahead.read(stretches(lengths))
            for (offset, nbytes), stretch in zip(stretches(lengths), read, strict=True):
                expected = content[offset : offset + nbytes]
                assert stretch.oid == blake3(expected).hexdigest()
                assert stretch.is_held == (nbytes <= held)
                begin = data.draw(st.integers(0, nbytes))
                end = data.draw(st.integers(begin, nbytes))
                assert bytes(stretch.read(begin, end - begin)) == expected[begin:end]
            assert opened.whole.hexdigest() == blake3(content).hexdigest()


def test_what_is_held_is_read_once() -> None:
    reader = Memory(bytes(range(256)) * 100)
    with Opened(reader) as opened:
        read = opened.ahead.read(stretches([25_000, 600]))
        for nbytes, stretch in zip((25_000, 600), read, strict=True):
            assert stretch.read(0, nbytes) == stretch.read(0, nbytes)
    assert reader.reads == [(0, 25_000), (25_000, 600)]


def test_no_more_is_read_ahead_than_may_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "HELD_NBYTES", 100)
    reader = Memory(bytes(1000))
    with Opened(reader) as opened:
        next(opened.ahead.read(stretches([40] * 10)))
        opened.ahead.close()
    assert len(reader.reads) <= 3


def test_an_error_of_reading_comes_when_the_stretch_is_asked_for() -> None:
    class Broken(Memory):
        def read(self, offset: int, nbytes: int) -> bytes:
            if offset:
                raise StateError("it became shorter")
            return super().read(offset, nbytes)

    with Opened(Broken(bytes(20))) as opened:
        read = opened.ahead.read(stretches([10, 10]))
        assert next(read).read(0, 10) == bytes(10)
        with pytest.raises(StateError, match="shorter"):
            next(read)


def test_closing_does_not_wait_for_the_rest_of_a_long_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "READ_NBYTES", 10)
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Memory):
        def read(self, offset: int, nbytes: int) -> bytes:
            data = super().read(offset, nbytes)
            begun.set()
            assert go_on.wait(60)
            return data

    reader = Slow(bytes(1000))
    with Opened(reader) as opened:
        taking = threading.Thread(target=next, args=(opened.ahead.read([(0, 1000)]),))
        taking.start()
        assert begun.wait(60)
        closing = threading.Thread(target=opened.ahead.close)
        closing.start()
        while not opened.ahead._is_closed:
            pass
        go_on.set()
        closing.join()
        taking.join()
    assert len(reader.reads) == 1
