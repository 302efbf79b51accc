"""The list of objects found unneeded, and since when: nothing is deleted the first time it is missed."""

from __future__ import annotations

import msgspec

from modelhub import files
from modelhub.repository.layout import Layout


class Condemned(msgspec.Struct, frozen=True):
    """Objects by the time they were first found unneeded; `newest` is the time of the last run (unix ms UTC).

    What operations before `undoable_from` named may be deleted: gc was told that they need not be undone.
    """

    newest: int = 0
    undoable_from: int = 0
    since: dict[str, int] = {}


def read_condemned(layout: Layout) -> Condemned:
    """Return the list; an absent or damaged one is empty, which only means that the grace starts anew."""
    try:
        return msgspec.json.decode((layout.folder / "condemned").read_bytes(), type=Condemned)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return Condemned()


def write_condemned(layout: Layout, condemned: Condemned) -> None:
    """Replace the list durably. Only for the holder of the writer lock."""
    content = msgspec.json.encode(condemned, order="sorted")
    files.write_atomic(layout.folder / "condemned", content, scratch=layout.scratch)
