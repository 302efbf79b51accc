"""Keep the indexes of many packs complete and few. For the holder of the writer lock; all that is written is derived.

Like the levels of a log-structured merge tree: packs that no multi-pack index covers are put into a new one once there
are many, together with those that are not much larger. So each row is written again about as often as the store
doubles. Reasons and numbers: docs/design/006-many-packs.md.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Set
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from modelhub.errors import FormatError, IntegrityError
from modelhub.files import remove
from modelhub.store.pack.index import build_index
from modelhub.store.pack.layout import NAME_NBYTES
from modelhub.store.pack.multi_index import MultiIndex, PackedRow, build_multi_index
from modelhub.store.pack.reader import PackReader, read_footer
from modelhub.store.pack.writer import publish_index
from modelhub.store.pack_view import PackView, multi_names

if TYPE_CHECKING:
    from modelhub.store.packs import Packs

MOST_SINGLE = 32
"""Up to this many packs are asked one by one."""

GROWTH = 2
"""An index is gathered with newer rows as long as it has at most so many times as many as they."""

MOST_ROWS = 1 << 20
"""Beyond this an index is not gathered any more, which bounds the time and memory that one commit may take for it."""


def publish_missing_indexes(packs: Packs, scratch: Path, *, thorough: bool = False) -> None:
    """Write the index of every pack whose index file is missing or damaged, from the pack's footer.

    Of packs that a multi-pack index covers, the damaged ones are looked for only with `thorough`.
    """
    view = packs.view
    for reader in packs if thorough else {*map(packs.reader, view.unindexed), *view.single}:
        if reader.sound_index is not None and reader.index_problem is not None:
            publish_index(reader.index_path, build_index(*read_footer(reader.open())), scratch)
            reader.index_problem = None


def gather_indexes(packs: Packs, scratch: Path) -> None:
    """Write a multi-pack index where one is due, make it durable, and then remove those it replaces.

    Where it cannot be written, for want of space say, nothing is lost: the next writer tries again.
    """
    while not _is_in_order(packs.view):
        view = packs.view
        useless = _useless(view, packs.folder)
        single, multis = _due(view, useless)
        names, rows = _live_rows(view.packs, single, multis)
        try:
            data = build_multi_index(names, rows) if names else b""
        except IntegrityError:
            packs.leave_out_damaged()
            continue
        with contextlib.suppress(OSError):
            written = _publish(packs.folder, data, scratch) if names else None
            for name in {*useless, *(multi.name for multi in multis)} - {written}:
                remove(packs.folder / name)
        if names or useless:
            packs.refresh()
        return


def _is_in_order(view: PackView) -> bool:
    """Tell whether nothing is to do, from counts alone: every multi-pack index is sound and covers packs of its own."""
    covered = sum(len(multi.packs) for multi in view.multis)
    return (
        len(view.single) <= MOST_SINGLE
        and covered == len(view.packs) - len(view.single)
        and len(view.multis) == len(multi_names(view.names))
    )


def _useless(view: PackView, folder: Path) -> set[str]:
    """Return the files that are damaged, or name no pack that is there and that no other one covers."""
    unused = set(multi_names(view.names)) - {multi.name for multi in view.multis}
    useless = {name for name in unused if _is_damaged(folder / name)}
    left = sorted(view.multis, key=len)
    for multi in tuple(left):
        others = set().union(*(other.packs for other in left if other is not multi))
        if view.packs.intersection(multi.packs) <= others:
            useless.add(multi.name)
            left.remove(multi)
    return useless


def _due(view: PackView, useless: set[str]) -> tuple[list[PackReader], list[MultiIndex]]:
    """Return the packs and the multi-pack indexes to be gathered into one."""
    single = [reader for reader in view.single if _nrows(reader) <= MOST_ROWS]
    single = single if len(single) > MOST_SINGLE else []
    total = sum(map(_nrows, single))
    multis = []
    for live, multi in sorted(((_live(multi, view), multi) for multi in view.multis), key=lambda pair: pair[0]):
        is_near = bool(single) and live <= GROWTH * total and total + live <= MOST_ROWS
        if multi.name not in useless and (is_near or 2 * live < len(multi)):
            multis.append(multi)
            total += live
    return single, multis


def _live_rows(
    packs: Set[str], single: list[PackReader], multis: list[MultiIndex]
) -> tuple[set[str], Iterator[PackedRow]]:
    """Return the packs of these that are there, and all their rows."""
    covering = {name: multi for multi in multis for name in multi.packs if name in packs}
    rows = (row for multi in multis for row in multi.rows() if covering.get(row[0]) is multi)
    names = covering.keys() | {reader.name for reader in single}
    return names, itertools.chain(rows, *map(_rows, single))


def _rows(reader: PackReader) -> Iterator[PackedRow]:
    index = reader.sound_index
    return zip(itertools.repeat(reader.name), *index.columns()) if index is not None else iter(())


def _live(multi: MultiIndex, view: PackView) -> int:
    return sum(count for name, count in multi.packs.items() if name in view.packs)


def _nrows(reader: PackReader) -> int:
    """Return how many objects a pack has; one so damaged that this is not known counts as too large."""
    index = reader.sound_index
    return len(index) if index is not None else MOST_ROWS + 1


def _is_damaged(path: Path) -> bool:
    try:
        for _ in MultiIndex.load(path).rows():
            pass
    except IntegrityError:
        return True
    except (OSError, ValueError, FormatError):
        return False
    return False


def _publish(folder: Path, data: bytes, scratch: Path) -> str:
    name = f"multi-{blake3(data).digest(NAME_NBYTES).hex()}.idx"
    publish_index(folder / name, data, scratch)
    return name
