"""Whether the process that a run belongs to is still there."""

from __future__ import annotations

import os
import time
from pathlib import Path

from modelhub.runs.notes import Owner

SILENCE_MS = 10 * 60 * 1000
"""A run on another machine counts as going on for this long after its last sign of life."""

_PROC = Path("/proc")


def this_process() -> Owner:
    """Return the owner that a run of this process has."""
    return Owner(os.getpid(), os.uname().nodename, _started(os.getpid()) or 0, _machine())


def is_alive(owner: Owner, changed_ms: int) -> bool:
    """Tell whether a run's process lives; `changed_ms` is when its files last changed (unix milliseconds).

    Exact for a process of this machine. Of another, or from before a restart of this one, all that is seen is how
    long it has been silent.
    """
    if owner.machine != _machine() or owner.host != os.uname().nodename:
        return time.time() * 1000 - changed_ms < SILENCE_MS
    if owner.started:
        return _started(owner.pid) == owner.started
    try:
        os.kill(owner.pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _machine() -> str:
    """Name this boot of the kernel and the namespace of our pids: a container's pid means nothing outside it."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since the machine did; None for one that is gone or a zombie."""
    try:
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None
