"""Carry a plan out: encode tensors anew, in an order in which no mixture of old and new copies comes back to itself.

Tensors are numbered so that an old copy builds on smaller numbers alone. A new one may also build on a larger number:
then what it builds on, with all below, has to be final before, that is the only copy of its object. A tensor belongs to
the first phase after those of all larger numbers that it builds on, and to none before those of the smaller ones.

While a phase is under way, a final object builds on final ones, which no longer change. All others, in whichever
copy, build on final ones or on smaller numbers. So there is no circle in any choice of copies: a repack may be killed
anywhere, and whoever reads or clears up need not know which copy belongs to what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from modelhub.catalog.ingest import refresh_storage
from modelhub.porcelain.storage_ways import Way
from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors
from modelhub.progress import Progress
from modelhub.repository.repository import Repository
from modelhub.store.prune import freed_nbytes, settle

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """The numbers of the tensors that were stored anew, and the bytes that saved in all: less than 0 for more."""

    tensors: frozenset[int] = frozenset()
    saved_nbytes: int = 0


def carry_out(
    repo: Repository, known: StoredTensors, chosen: Sequence[Way], progress: Progress, *, may_grow: bool
) -> CarriedOut:
    """Store tensors anew that are not kept as they are.

    `chosen` is a way for each tensor, by number. What a mark asks for is done first, whatever it takes; all the rest
    only where it saves, unless it `may_grow`: it is encoded to the end before any of it is published. Meanwhile the
    disk holds both copies of everything that is encoded. For the holder of the writer lock.
    """
    anew = [way for way in chosen if not way.is_current]
    asked = [way for way in anew if way.effort == "separate"]
    rest = [way for way in anew if way.effort != "separate"]
    phase_of = phases([way.bases for way in chosen])
    progress.start("encoding", sum(known.tensors[way.tensor].info.size for way in anew))
    done: set[int] = set()
    total = 0
    for ways, grows in ((asked, True), (rest, may_grow)):
        parts = _parts(ways, phase_of)
        saved = _store_anew(repo, known, parts, progress, may_grow=grows) if parts else None
        if saved is not None:
            done.update(way.tensor for way in ways)
            total += saved
    if done:
        refresh_storage(repo)
    return CarriedOut(frozenset(done), total)


def phases(bases: Sequence[Sequence[int]]) -> list[int]:
    """Return the phase of each tensor, by number, from 0; `bases` are what each builds on in the plan, without circles.

    Cost: linear.
    """
    found: list[int | None] = [None] * len(bases)
    for first in range(len(bases)):
        waiting = [first]
        while waiting:
            number = waiting[-1]
            below = [base for base in bases[number] if found[base] is None]
            if below and found[number] is None:
                waiting += below
                continue
            waiting.pop()
            found[number] = max(((found[base] or 0) + (base > number) for base in bases[number]), default=0)
    return [phase or 0 for phase in found]


def _parts(ways: Sequence[Way], phase_of: Sequence[int]) -> list[list[Way]]:
    """Return the ways of each phase that has some, in order."""
    ordered = sorted(ways, key=lambda way: (phase_of[way.tensor], way.tensor))
    return [list(part) for _, part in groupby(ordered, key=lambda way: phase_of[way.tensor])]


def _store_anew(
    repo: Repository, known: StoredTensors, parts: Sequence[Sequence[Way]], progress: Progress, *, may_grow: bool
) -> int | None:
    """Encode these tensors, put them in the place of what is there, and return the bytes saved, less than 0 for more.

    Where the entries would take as much as before, or all of it with packs and indexes more on disk, that is None and
    nothing done, unless they `may_grow`.
    """
    before = {known.tensors[way.tensor].oid: known.tensors[way.tensor].info for part in parts for way in part}
    with repo.store.writer(replacing=before.keys(), effort="small") as writer:
        for part in parts:
            writer.begin_part()
            for way in part:
                _encode(repo, writer, known.tensors[way.tensor], way)
                progress.advance(known.tensors[way.tensor].info.size)
        saved = sum(info.stored_nbytes - writer.info(oid).stored_nbytes for oid, info in before.items())
        is_smaller = saved > 0 and writer.nbytes_as_packs() <= freed_nbytes(repo.store, before.keys())
        if not is_smaller and not may_grow:
            return None
        for published in writer.publish_parts():
            settle(repo.store, prefer=published.pack)
    return saved


def _encode(repo: Repository, writer: ObjectWriter, one: StoredTensor, way: Way) -> None:
    content = repo.store.open(one.oid)

    def read(offset: int, nbytes: int) -> bytes:
        return bytes(content.block(offset // content.block_nbytes))

    bases = [way.named] if way.named else ()
    writer.put_stream(
        one.oid, one.info.size, read, item=one.item, row_items=one.row_items, bases=bases, effort=way.effort
    )
