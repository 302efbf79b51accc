"""Reads what a run's logs hold: notes, and points by series, up to the first frame that is not whole.

Layout: docs/reference/format/run-log.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from modelhub.errors import StateError
from modelhub.runs.frames import (
    FRAME,
    HEAD,
    NAMES,
    NOTE,
    POINT_NBYTES,
    POINTS,
    POINTS_NBYTES,
    check_head,
    read_frames,
)
from modelhub.runs.notes import Joined, Note, Start, decode_note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelhub.runs.points import Columns

BATCH_FRAMES = 1 << 16
START_NBYTES = 1 << 16


class LogContent(Struct, frozen=True):
    """What one log file holds. `sound_nbytes` of its `nbytes` can be read."""

    notes: tuple[Note, ...]
    series: dict[str, Columns]
    sound_nbytes: int
    nbytes: int


def read_log(path: Path) -> LogContent:
    """Return what a log file holds, read once. Raises FormatError for a file of another kind, StateError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    return parse_log(data)


def parse_log(data: bytes) -> LogContent:
    """Return what the bytes of a log hold. Cost: half a second for a million frames."""
    if not check_head(data):
        return LogContent((), {}, 0, len(data))
    reader = _Reader()
    sound = HEAD.size
    for end, payload in read_frames(data):
        if not reader.take(payload):
            break
        sound = end
    return LogContent(tuple(reader.notes), reader.series(), sound, len(data))


def read_first_note(path: Path) -> Start | Joined | None:
    """Return the note that a log begins with, if it is whole, reading no more than that.

    Raises FormatError for a file of another kind or version, StateError where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(START_NBYTES)
            if check_head(data) and len(data) >= HEAD.size + FRAME.size:
                nbytes, _ = FRAME.unpack_from(data, HEAD.size)
                missing = min(HEAD.size + FRAME.size + nbytes, os.fstat(file.fileno()).st_size) - len(data)
                data += file.read(max(missing, 0))
    except OSError as error:
        raise _unreadable(path, error) from None
    first = next(read_frames(data), None)
    note = decode_note(first[1][1:]) if first is not None and first[1][0] == NOTE else None
    return note if isinstance(note, Start | Joined) else None


def _unreadable(path: Path, error: OSError) -> StateError:
    return StateError(
        f"the log of the run {path.parent.name} cannot be read: {error.strerror}", hint=f"check the rights on '{path}'"
    )


class _Reader:
    """Takes the payloads of one log in order. Those of points wait by length, with their places, to become columns."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self._names: list[str] = []
        self._payloads: dict[int, list[bytes]] = {}
        self._places: dict[int, list[int]] = {}
        self._waiting = 0
        self._pieces: dict[int, list[Columns]] = {}

    def take(self, payload: bytes) -> bool:
        """Take in one payload; False for one that no writer makes. Kinds of frame and note not known are passed by."""
        kind = payload[0]
        if kind == POINTS:
            return self._take_points(payload)
        if kind == NOTE:
            note = decode_note(payload[1:])
            if note is not None:
                self.notes.append(note)
        elif kind == NAMES:
            try:
                self._names += msgspec.json.decode(payload[1:], type=list[str])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return False
        return True

    def series(self) -> dict[str, Columns]:
        """Return the columns of every named series, in the order of the log."""
        self._unload()
        found: dict[str, list[Columns]] = {}
        for number in sorted(self._pieces):
            if number < len(self._names):
                found.setdefault(self._names[number], []).extend(self._pieces[number])
        return {name: joined(pieces) for name, pieces in found.items()}

    def _take_points(self, payload: bytes) -> bool:
        nbytes = len(payload)
        if nbytes == POINTS_NBYTES:
            return True
        payloads = self._payloads.get(nbytes)
        if payloads is None:
            if nbytes < POINTS_NBYTES or (nbytes - POINTS_NBYTES) % POINT_NBYTES:
                return False
            payloads = self._payloads[nbytes] = []
            self._places[nbytes] = []
        payloads.append(payload)
        self._places[nbytes].append(self._waiting)
        self._waiting += 1
        if self._waiting == BATCH_FRAMES:
            self._unload()
        return True

    def _unload(self) -> None:
        """Turn the waiting frames into columns."""
        if not self._waiting:
            return
        import numpy as np

        parts = [
            _points_of(b"".join(payloads), (nbytes - POINTS_NBYTES) // POINT_NBYTES, self._places[nbytes])
            for nbytes, payloads in self._payloads.items()
        ]
        self._payloads, self._places, self._waiting = {}, {}, 0
        numbers, places, steps, times, values = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((places, numbers))
        numbers = numbers[order]
        starts = np.flatnonzero(np.diff(numbers, prepend=-1)).tolist()
        steps, times, values = steps[order], times[order], values[order]
        for start, stop in zip(starts, [*starts[1:], len(numbers)], strict=True):
            piece = (steps[start:stop], times[start:stop], values[start:stop])
            self._pieces.setdefault(int(numbers[start]), []).append(piece)


def _points_of(data: bytes, count: int, places: list[int]) -> tuple[NDArray[Any], ...]:
    """Return number, place, step, time and value of every point in frames of `count` points each."""
    import numpy as np

    row = np.dtype(
        [("kind", "u1"), ("step", "<i8"), ("time", "<i8"), ("number", "<u4", (count,)), ("value", "<f8", (count,))]
    )
    frames = np.frombuffer(data, row)
    return (
        frames["number"].astype(np.int64).ravel(),
        np.repeat(np.array(places, np.int64), count),
        np.repeat(frames["step"].astype(np.int64), count),
        np.repeat(frames["time"].astype(np.int64), count),
        frames["value"].astype(np.float64).ravel(),
    )


def joined(pieces: list[Columns]) -> Columns:
    """Return pieces of one series, one after the other."""
    import numpy as np

    if len(pieces) == 1:
        return pieces[0]
    steps, times, values = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return steps, times, values


def interleaved(logs: list[Columns]) -> Columns:
    """Return one series from the logs of several processes, by time, without changing the order within a log."""
    import numpy as np

    if len(logs) == 1:
        return logs[0]
    steps, times, values = joined(logs)
    order = np.argsort(np.concatenate([np.maximum.accumulate(one[1]) for one in logs]), kind="stable")
    return steps[order], times[order], values[order]
