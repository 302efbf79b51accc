"""Signals while a command runs: it is told to stop, and this process waits until it has."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name))
FROM_KEYBOARD = (signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGINT))


class Forwarding:
    """Passes signals on to a process, but for those that the terminal gave it too. `received` are those that came."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._pid: int | None = None
        self._before: dict[int, Any] = {}

    def watch(self, pid: int) -> None:
        """Pass signals on to this process; those that came before it was there at once."""
        self._pid = pid
        for number in list(self.received):
            self._send(number)

    def __enter__(self) -> Forwarding:
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _: FrameType | None) -> None:
        self.received.append(number)
        if self._pid is not None and not (number in FROM_KEYBOARD and _has_keyboard()):
            self._send(number)

    def _send(self, number: int) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self._pid, number)


def _has_keyboard() -> bool:
    """Tell whether this process and its children are in the foreground of a terminal, which signals to all of them."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
