"""Chunks cover a file and stay where they are when something is inserted."""

from __future__ import annotations

import random

import pytest

from modelhub.errors import IntegrityError
from modelhub.store.chunker import MAX_NBYTES, MIN_NBYTES, chunk_spans


def spans_of(data: bytes) -> list[tuple[int, int]]:
    return list(chunk_spans(lambda offset, nbytes: data[offset : offset + nbytes], len(data)))


@pytest.mark.parametrize("size", [0, 1, MIN_NBYTES - 1, MIN_NBYTES, MAX_NBYTES + 1, 40 << 20])
def test_chunks_cover_the_file_without_a_gap(size: int) -> None:
    at = 0
    spans = spans_of(random.Random(size).randbytes(size))
    for offset, nbytes in spans:
        assert offset == at
        assert 0 < nbytes <= MAX_NBYTES
        at += nbytes
    assert at == size
    assert all(nbytes >= MIN_NBYTES for _, nbytes in spans[:-1])


def test_an_insertion_moves_only_the_chunks_around_it() -> None:
    data = random.Random(7).randbytes(40 << 20)
    changed = data[: 5 << 20] + b"inserted" + data[5 << 20 :]
    before = {data[at : at + n] for at, n in spans_of(data)}
    after = {changed[at : at + n] for at, n in spans_of(changed)}
    assert len(after - before) <= 3


def test_constant_bytes_are_cut_at_the_largest_size() -> None:
    assert {nbytes for _, nbytes in spans_of(bytes(MAX_NBYTES * 3))} == {MAX_NBYTES}


def test_no_more_than_the_window_is_read_at_once() -> None:
    data = random.Random(3).randbytes(40 << 20)
    asked = []

    def read(offset: int, nbytes: int) -> bytes:
        asked.append(nbytes)
        return data[offset : offset + nbytes]

    list(chunk_spans(read, len(data)))
    assert max(asked) == 16 << 20


def test_a_file_cut_short_meanwhile_is_an_error() -> None:
    with pytest.raises(IntegrityError, match="changed while being read"):
        list(chunk_spans(lambda offset, nbytes: b"", 100))
