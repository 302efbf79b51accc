"""The log of a run while it goes on: whatever was logged is there when the process dies."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import Literal
from weakref import WeakSet
from zlib import crc32

import msgspec

from modelhub.errors import AlreadyExistsError, InvalidInputError, NotFoundError, StateError
from modelhub.files import AppendFile, TempFile, make_folders
from modelhub.repository.layout import Layout
from modelhub.runs.folder import LOG, OBJECT, is_run_id
from modelhub.runs.frames import FRAME, NAMES, NOTE, POINTS, Pack, frame, log_head, pack_numbers, points_packer
from modelhub.runs.liveness import this_process
from modelhub.runs.notes import End, Joined, Note, Start, encode_note

SYNC_SECONDS = 5.0
MOST_PLANS = 1024


def new_run_id() -> str:
    """Return an id for a run that is about to begin."""
    return os.urandom(8).hex()


class LiveRun:
    """Writes to the log of one run. Any thread may log; a process forked from this one logs to a file of its own.

    `is_main` is False in a process that joined the run: there the end of the run is not noted.
    """

    def __init__(self, folder: Path, log: AppendFile, *, is_main: bool) -> None:
        self.id = folder.name
        self.folder = folder
        self.is_main = is_main
        self._log = log
        self._lock = RLock()
        self._numbers: dict[str, int] = {}
        self._plans: dict[tuple[str, ...], tuple[Pack, bytes]] = {}
        self._closed = False
        self._forked = False
        self._sync_at = monotonic() + SYNC_SECONDS
        _live.add(self)

    @classmethod
    def begin(cls, layout: Layout, start: Start) -> LiveRun:
        """Start a run: its folder and its first note are durable when this returns.

        Raises AlreadyExistsError for an id in use, StateError where the repository cannot be written.
        """
        if not is_run_id(start.id):
            raise InvalidInputError(f"'{start.id}' cannot be the id of a run", hint="it has 16 hex digits")
        folder = layout.runs / start.id
        if (folder / OBJECT).exists():
            raise AlreadyExistsError(f"the run {start.id} is there already")
        try:
            make_folders(folder)
            with TempFile(folder, mode=0o644) as temp:
                temp.write(log_head() + frame(NOTE, encode_note(start)))
                temp.publish(folder / LOG)
            return cls(folder, AppendFile(folder / LOG, new=False), is_main=True)
        except OSError as error:
            raise _refused(error) from None

    @classmethod
    def join(cls, layout: Layout, run_id: str) -> LiveRun:
        """Write to a run that another process began, in a log beside its own.

        Raises NotFoundError, and StateError for a run that a version has taken in.
        """
        folder = layout.runs / run_id
        if not is_run_id(run_id) or not (folder / LOG).exists():
            raise NotFoundError(f"no run '{run_id}' is going on here", hint="'mh runs' lists the runs")
        try:
            return cls(folder, _own_log(folder), is_main=False)
        except OSError as error:
            raise _refused(error) from None

    def points(self, step: int, time_ms: int, values: Mapping[str, float]) -> None:
        """Log one value for each of these metrics. Cost: 2 microseconds and no wait for the disk.

        Raises InvalidInputError for what is no number, StateError where it cannot be written; then none is logged.
        """
        names = tuple(values)
        plan = self._plans.get(names) or self._plan(names)
        try:
            payload = plan[0](POINTS, step, time_ms, plan[1], *values.values())
        except Exception as error:
            raise _not_a_point(step, time_ms, values, error) from None
        try:
            self._log.append(FRAME.pack(len(payload), crc32(payload)) + payload)
        except OSError as error:
            raise self._failed(error) from None
        if monotonic() > self._sync_at:
            self._sync_behind()

    def note(self, note: Note) -> None:
        """Log a note, durable when this returns. The end of a run is noted by the process that began it only."""
        is_end = isinstance(note, End)
        if is_end and not self.is_main:
            return
        with self._lock:
            self._settle()
            try:
                self._log.append(frame(NOTE, encode_note(note)))
                self._log.end() if is_end else self._log.sync()
            except OSError as error:
                raise self._failed(error) from None

    def stream(self, name: Literal["stdout", "stderr"]) -> AppendFile:
        """Return the file that takes what the run prints; the caller closes it."""
        try:
            return AppendFile(self.folder / name, new=False)
        except OSError as error:
            raise _refused(error) from None

    def close(self) -> None:
        """Make what was logged durable and let go of the log. It does not end the run; a second time does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._plans = {}
            if not self._forked:
                try:
                    self._log.sync()
                except OSError as error:
                    raise _refused(error) from None
                finally:
                    self._log.close()

    def leave_to_parent(self) -> None:
        """Stop writing to the parent's log, in a process just forked from it."""
        self._lock = RLock()
        self._numbers, self._plans = {}, {}
        self._forked, self.is_main = True, False
        self._log.leave_to_parent()

    def _plan(self, names: tuple[str, ...]) -> tuple[Pack, bytes]:
        """Return how points of these metrics are packed, after naming in the log those that are new to it."""
        with self._lock:
            self._settle()
            new = [name for name in names if name not in self._numbers]
            if new:
                self._name(new)
            if len(self._plans) >= MOST_PLANS:
                self._plans = {}
            numbers = pack_numbers([self._numbers[name] for name in names])
            plan = self._plans[names] = (points_packer(len(names)), numbers)
            return plan

    def _name(self, names: list[str]) -> None:
        for name in names:
            if not isinstance(name, str) or not name:
                raise InvalidInputError(f"{name!r} cannot be the name of a metric", hint="use a text")
        try:
            body = msgspec.json.encode(names)
        except UnicodeEncodeError:
            raise InvalidInputError("the name of a metric must be text that can be written as UTF-8") from None
        try:
            self._log.append(frame(NAMES, body))
        except OSError as error:
            raise self._failed(error) from None
        self._numbers.update({name: len(self._numbers) + index for index, name in enumerate(names)})

    def _settle(self) -> None:
        """See that there is a log to write to."""
        if self._closed:
            raise StateError(f"the run {self.id} was closed")
        if self._forked:
            try:
                self._log = _own_log(self.folder)
            except OSError as error:
                raise _refused(error) from None
            self._forked = False

    def _sync_behind(self) -> None:
        self._sync_at = monotonic() + SYNC_SECONDS
        try:
            deleted = self._log.is_deleted
        except OSError as error:
            raise self._failed(error) from None
        if deleted:
            raise StateError(
                f"the run {self.id} was taken into a version or deleted while it went on", hint="begin a new run"
            )
        self._log.sync_behind()

    def _failed(self, error: OSError) -> StateError:
        return StateError(f"the run {self.id} was closed") if self._closed else _refused(error)


def _own_log(folder: Path) -> AppendFile:
    """Return a new log beside the main one, with the process that writes it."""
    log = AppendFile(folder / f"{LOG}-{os.getpid()}-{os.urandom(3).hex()}")
    log.append(log_head() + frame(NOTE, encode_note(Joined(this_process()))))
    return log


def _refused(error: OSError) -> StateError:
    return StateError(
        f"the run cannot be recorded: {error.strerror}", hint="check the space on the disk and the rights on '.mh/runs'"
    )


def _not_a_point(step: int, time_ms: int, values: Mapping[str, float], error: Exception) -> InvalidInputError:
    """Return what to say of values that could not be packed."""
    for what, number in (("the step", step), ("the time", time_ms)):
        try:
            fits = -(1 << 63) <= number.__index__() < 1 << 63
        except Exception:
            fits = False
        if not fits:
            return InvalidInputError(f"{what} must be an integer of at most 64 bits, not {number!r}")
    for name, value in values.items():
        try:
            struct.pack("d", value)
        except Exception as reason:
            return InvalidInputError(f"the value of '{name}' is no number: {reason}")
    return InvalidInputError(f"the values cannot be logged: {error}")


def _leave_to_parent() -> None:
    for run in list(_live):
        run.leave_to_parent()


_live: WeakSet[LiveRun] = WeakSet()
os.register_at_fork(after_in_child=_leave_to_parent)
