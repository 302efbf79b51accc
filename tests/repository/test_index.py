from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from modelhub.errors import IntegrityError
from modelhub.repository.index import Index, IndexEntry, read_index, write_index
from modelhub.repository.repository import Repository

OID = "ab" * 32


def test_an_index_round_trips_sorted(repo: Repository) -> None:
    write_index(repo.layout, {"b": IndexEntry("file", OID, 1), "a": IndexEntry("exec", OID, 2, OID, 3, 4)})
    found = read_index(repo.layout)
    assert found is not None
    assert list(found.entries) == ["a", "b"]
    assert found.entries["a"] == IndexEntry("exec", OID, 2, OID, 3, 4)


def test_an_absent_index_is_none(repo: Repository) -> None:
    assert read_index(repo.layout) is None


def test_every_flipped_bit_of_an_index_is_noticed(repo: Repository) -> None:
    write_index(repo.layout, {"a": IndexEntry("file", OID, 1)})
    content = repo.layout.index.read_bytes()
    for position in range(len(content) * 8):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        if position // 8 == 64:
            continue  # the separator carries nothing
        repo.layout.index.chmod(0o644)
        repo.layout.index.write_bytes(damaged)
        with pytest.raises(IntegrityError):
            read_index(repo.layout)


def test_every_truncation_of_an_index_is_noticed(repo: Repository) -> None:
    write_index(repo.layout, {"a": IndexEntry("file", OID, 1)})
    content = repo.layout.index.read_bytes()
    for length in range(len(content)):
        repo.layout.index.write_bytes(content[:length])
        with pytest.raises(IntegrityError):
            read_index(repo.layout)


def _stat(path: Path, mtime_ns: int) -> os.stat_result:
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path.stat()


def test_a_file_touched_while_the_index_was_written_is_never_taken_as_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x")
    now = time.time_ns() // 1000 * 1000 + 1
    entry = IndexEntry("file", OID, 1).seen(_stat(path, now))
    assert not Index({"f": entry}, now + 1_000_000).unchanged("f", path.stat())
    assert Index({"f": entry}, now + 50_000_000).unchanged("f", path.stat())


def test_whole_seconds_of_a_coarse_clock_get_two_seconds_of_doubt(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x")
    second = time.time_ns() // 1_000_000_000 * 1_000_000_000
    entry = IndexEntry("file", OID, 1).seen(_stat(path, second))
    assert not Index({"f": entry}, second + 1_900_000_000).unchanged("f", path.stat())
    assert Index({"f": entry}, second + 2_100_000_000).unchanged("f", path.stat())


def test_another_size_or_inode_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x")
    stat = _stat(path, 1_700_000_000_000_000_001)
    good = IndexEntry("file", OID, 1).seen(stat)
    for other in (
        IndexEntry("file", OID, 2).seen(stat),
        IndexEntry("file", OID, 1, None, stat.st_mtime_ns, stat.st_ino + 1),
    ):
        assert not Index({"f": other}, time.time_ns()).unchanged("f", stat)
    assert Index({"f": good}, time.time_ns() + 50_000_000).unchanged("f", stat)
