"""What a command prints, passed on as it comes and kept on the way."""

from __future__ import annotations

import os
import threading
import time

from modelhub.errors import StateError
from modelhub.files import AppendFile, write_all

READ_NBYTES = 1 << 16
PATIENCE_S = 1.0
TICK_S = 0.05


class Tee(threading.Thread):
    """Copies a pipe to a descriptor and to a file until the pipe's other end is closed everywhere.

    When the reader of the descriptor goes away, the file still gets everything.
    """

    def __init__(self, source: int, target: int, file: AppendFile) -> None:
        super().__init__(daemon=True)
        self._source = source
        self._target: int | None = target
        self._file = file
        self._is_reading = False
        self.problem: str | None = None

    def run(self) -> None:
        """Copy; an error of the disk is kept in `problem`, and the copying goes on."""
        while data := self._read():
            self._keep(data)
            self._show(data)

    def wait(self) -> None:
        """Wait until all is copied; not for a process left in the background that holds the pipe and is silent."""
        silent_since = time.monotonic()
        while self.is_alive():
            self.join(TICK_S)
            if not self._is_reading:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > PATIENCE_S:
                return

    def _read(self) -> bytes:
        self._is_reading = True
        try:
            return os.read(self._source, READ_NBYTES)
        except OSError:
            return b""
        finally:
            self._is_reading = False

    def _keep(self, data: bytes) -> None:
        if self.problem is None:
            try:
                self._file.append(data)
            except (OSError, StateError) as error:
                self.problem = str(error)

    def _show(self, data: bytes) -> None:
        if self._target is not None:
            try:
                write_all(self._target, data)
            except OSError:
                self._target = None
