"""The progress protocol: how long work tells a caller where it is, without knowing how that is shown."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the state of one long piece of work. Calls may come from any thread."""

    def start(self, label: str, total: int | None, unit: str = "bytes") -> None:
        """Begin a phase called `label` of `total` units ("bytes", or what is counted); None: unknown."""

    def advance(self, amount: int) -> None:
        """Say that `amount` more units are done."""

    def note(self, text: str) -> None:
        """Say one line that a person should see although the work goes on."""


class Silent:
    """A progress that nobody watches."""

    def start(self, label: str, total: int | None, unit: str = "bytes") -> None:
        """Ignore the phase."""

    def advance(self, amount: int) -> None:
        """Ignore the step."""

    def note(self, text: str) -> None:
        """Ignore the line."""


SILENT = Silent()
