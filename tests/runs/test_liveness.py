"""A run's process is known by more than its number, which others get in their turn."""

from __future__ import annotations

import os
import subprocess
import time

import msgspec

from modelhub.runs import liveness
from modelhub.runs.liveness import SILENCE_MS, is_alive, this_process
from modelhub.runs.notes import Owner


def now() -> int:
    return int(time.time() * 1000)


def test_this_process_is_alive() -> None:
    assert is_alive(this_process(), 0)


def test_another_process_with_the_same_number_is_another() -> None:
    assert not is_alive(msgspec.structs.replace(this_process(), started=this_process().started + 1), now())


def test_a_process_that_ended_is_gone_even_before_its_parent_looks() -> None:
    process = subprocess.Popen(["sleep", "60"])
    owner = msgspec.structs.replace(this_process(), pid=process.pid, started=liveness._started(process.pid))
    assert is_alive(owner, 0)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(owner, now())
    process.wait()
    assert not is_alive(owner, now())


def test_of_another_machine_only_silence_tells() -> None:
    for other in (
        Owner(os.getpid(), "elsewhere", machine="another"),
        msgspec.structs.replace(this_process(), machine="this one before it was restarted"),
        msgspec.structs.replace(this_process(), host="a container"),
    ):
        assert is_alive(other, now())
        assert not is_alive(other, now() - SILENCE_MS - 1000)


def test_where_the_system_tells_no_start_the_number_has_to_do() -> None:
    assert is_alive(msgspec.structs.replace(this_process(), started=0), 0)
    assert not is_alive(msgspec.structs.replace(this_process(), started=0, pid=4_000_000), 0)
    assert not is_alive(msgspec.structs.replace(this_process(), started=0, pid=1 << 70), 0)
