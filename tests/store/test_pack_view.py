"""A folder of packs is read by the names in it."""

from __future__ import annotations

import os
from pathlib import Path

from modelhub.store.pack.reader import PackReader
from modelhub.store.pack_view import PackView, list_names, multi_names, newest_first, packs_among

ONE, TWO = (f"pack-{digit * 40}" for digit in "1a")


def test_only_names_of_packs_and_indexes_count() -> None:
    multi = f"multi-{'0' * 40}.idx"
    zeros = "0" * 40
    foreign = (f"{multi}x", f"multi-{zeros[1:]}.idx", f"multi-{'g' * 40}.idx", f"multi-{zeros}.pack", "x.idx")
    foreign += (f"{ONE}0.pack", f"x{ONE}.pack", f"pack-{'G' * 40}.pack", ".pack", "pack-.pack")
    names = (f"{ONE}.pack", f"{ONE}.idx", f"{TWO}.pack", multi, *foreign)
    assert packs_among(names, ()) == ({ONE, TWO}, {ONE, TWO})
    assert multi_names(names) == [multi]
    assert PackView(names, frozenset({ONE, TWO}), (), ()).unindexed == [TWO]


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list_names(tmp_path / "none") == ()


def test_the_newest_pack_comes_first_and_one_that_is_gone_last(tmp_path: Path) -> None:
    readers = [PackReader(tmp_path / f"{name}.pack") for name in (ONE, TWO, "pack-gone")]
    for age, reader in enumerate(readers[:2]):
        reader.path.touch()
        os.utime(reader.path, ns=(0, 1000 + age))
    assert [reader.name for reader in newest_first(readers)] == [TWO, ONE, "pack-gone"]
    view = PackView((), frozenset({ONE}), (), (readers[0],)).holding(readers[1])
    assert [reader.name for reader in view.single] == [TWO, ONE]
    assert view.holding(readers[1]).single == view.single
    assert view.without(TWO).packs == {ONE}
