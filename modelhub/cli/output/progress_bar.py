"""A progress bar on stderr: only on a terminal, and only for work that takes longer than a moment."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from modelhub.cli.output.quantities import size
from modelhub.cli.output.terminal import DEFAULT_WIDTH, Terminal
from modelhub.cli.output.text import clean

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

DELAY_S = 0.5
WIDE_ENOUGH = 60


class TerminalProgress:
    """Shows one phase at a time. The bar appears after a delay and is wiped when the work ends."""

    def __init__(self, terminal: Terminal, *, quiet: bool = False) -> None:
        self._terminal = terminal
        self._wanted = terminal.interactive and not quiet
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._phase: tuple[str, int | None, str] = ("", None, "bytes")
        self._done = 0
        self._closed = False

    def start(self, label: str, total: int | None, unit: str = "bytes") -> None:
        """Begin a phase."""
        with self._lock:
            self._phase, self._done = (label, total, unit), 0
            if not self._wanted or self._closed:
                return
            if self._bars is not None:
                self._begin_task(self._bars)
            elif self._timer is None:
                self._timer = threading.Timer(DELAY_S, self._appear)
                self._timer.daemon = True
                self._timer.start()

    def advance(self, amount: int) -> None:
        """Move the bar on."""
        with self._lock:
            self._done += amount
            if self._bars is not None and self._task is not None:
                self._bars.advance(self._task, amount)

    def note(self, text: str) -> None:
        """Write one line above the bar."""
        with self._lock:
            if self._bars is not None:
                self._bars.console.print(clean(text), markup=False, highlight=False, soft_wrap=True)
            else:
                sys.stderr.write(clean(text) + "\n")

    def close(self) -> None:
        """Wipe the bar. Nothing is shown afterwards."""
        with self._lock:
            self._closed = True
            timer, self._timer = self._timer, None
            bars, self._bars = self._bars, None
        if timer is not None:
            timer.cancel()
        if bars is not None:
            bars.stop()

    def _appear(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._bars = _make_bars(self._terminal, self._phase[2])
            self._begin_task(self._bars)
            self._bars.start()

    def _begin_task(self, bars: Bars) -> None:
        if self._task is not None:
            bars.remove_task(self._task)
        label, total, unit = self._phase
        self._task = bars.add_task(clean(label), total=total, completed=self._done, unit=unit)


def _make_bars(terminal: Terminal, unit: str) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task
    from rich.table import Column
    from rich.text import Text

    width = terminal.width or DEFAULT_WIDTH

    class Label(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(task.description)

    class Amount(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(_amount(task.completed, task.total, task.fields.get("unit", unit)))

    class Rest(ProgressColumn):
        def render(self, task: Task) -> Text:
            left = task.time_remaining
            return Text("" if left is None else f"{int(left) // 60}:{int(left) % 60:02} left")

    whole = Column(no_wrap=True)
    columns: list[ProgressColumn] = [Label(whole), BarColumn(bar_width=min(40, max(4, width - 56))), Amount(whole)]
    if width >= WIDE_ENOUGH:
        columns.append(Rest(whole))
    console = Console(stderr=True, force_terminal=True, no_color=not terminal.colour, width=width)
    return Progress(*columns, console=console, transient=True)


def _amount(done: float, total: float | None, unit: str) -> str:
    """Return '12.0 MB of 90.9 MB', '3 of 17 files', '3 files'."""
    if unit == "bytes":
        return size(int(done)) + ("" if total is None else f" of {size(int(total))}")
    return f"{int(done)}{'' if total is None else f' of {int(total)}'} {unit}"
