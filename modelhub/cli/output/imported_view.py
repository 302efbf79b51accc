"""How the runs that an import took in are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelhub.cli.output.quantities import count, short, size
from modelhub.cli.output.text import clean

if TYPE_CHECKING:
    from modelhub.importers.imported_runs import ImportedRuns


def run_lines(result: ImportedRuns) -> Iterator[str]:
    """Yield the commit that was made and what it took in, or what it would be."""
    taken = len(result.new) + len(result.updated)
    if not taken:
        yield f"nothing new: {count(result.unchanged, 'run')} {'is' if result.unchanged == 1 else 'are'} here already"
        return
    if result.commit is not None:
        yield f"[{clean(result.branch or 'detached HEAD')} {short(result.commit)}] {clean(result.message)}"
    verb = "would be imported" if result.commit is None else "imported"
    again = f", {len(result.updated)} of them again because they changed" if result.updated else ""
    same = f", {result.unchanged} unchanged" if result.unchanged else ""
    yield f"  {count(taken, 'run')} {verb}{again}{same}"
    yield f"  {count(result.points, 'point')}"
    if result.files:
        yield f"  {count(result.files, 'file')}, {result.models} of them with tensors, {size(result.raw_nbytes)}"
    if result.commit is not None:
        yield f"  the store grew by {size(result.stored_nbytes)}"
