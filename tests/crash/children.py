"""Work done in a child of its own: what it does to this process, down to its death, stays with it."""

from __future__ import annotations

import gc
import json
import os
import traceback
from collections.abc import Callable


def in_child(work: Callable[[], object]) -> tuple[int, str]:
    """Run in a forked child; return its wait status and what it wrote: an answer, or a traceback with status 1."""
    reading, writing = os.pipe()
    gc.freeze()  # or the child's collector would write to, and so copy, every page of this process
    child = os.fork()
    if child == 0:
        status = 1
        write = os.write
        try:
            answer = json.dumps(work())
            status = 0
        except BaseException:
            answer = traceback.format_exc()
        for start in range(0, len(answer), 4096):
            write(writing, answer[start : start + 4096].encode())
        os._exit(status)
    gc.unfreeze()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode()
    return os.waitpid(child, 0)[1], answer


def must(outcome: tuple[int, str]) -> str:
    if outcome[0] != 0:
        raise SystemExit(outcome[1])
    return outcome[1]
