"""What a person should know of an import: things that were left out, counted, the first few named."""

from __future__ import annotations

from dataclasses import dataclass, field

from modelhub.repository.names import folded

MOST_NAMED = 3

UNSAFE = "left out, for mh does not take such names"
CLASHING = "left out, for on some file systems another file has the same name"
SUBMODULE = "left out, for they are submodules, which are repositories of their own"
LINK = "left out, for they are links that lead nowhere"
OUTSIDE = "kept as links that no checkout makes, for they lead outside the folder"
PLAIN = "kept as plain bytes, for their tensors cannot be found"
MISSING = "not there"
DAMAGED = "not used, for their bytes do not have the hash"
REF = "left out"


@dataclass(slots=True)
class ImportNotes:
    """Collects what was left out by reason; the same thing in many versions counts once."""

    _found: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, reason: str, what: str, key: str = "") -> None:
        """Take in one thing; `key` says when two are the same."""
        self._found.setdefault(reason, {}).setdefault(key or what, what)

    def count(self, reason: str) -> int:
        """How many different things have this reason."""
        return len(self._found.get(reason, {}))

    def warnings(self) -> tuple[str, ...]:
        """One line for each reason."""
        return tuple(_line(reason, list(found.values())) for reason, found in self._found.items())


def _line(reason: str, found: list[str]) -> str:
    named = ", ".join(_shown(what) for what in found[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return f"{reason}: {named}{more}"


def _shown(what: str) -> str:
    return f"'{what}'" if what.isprintable() and folded(what) else repr(what)
