"""The user's pager: long output of `log`, `show` and `diff` goes through it on a terminal."""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping


def pager_command(env: Mapping[str, str]) -> list[str]:
    """Return the pager's command line: MH_PAGER, PAGER, else less. Empty for none ('cat', '' or not installed)."""
    said = env.get("MH_PAGER", env.get("PAGER", "less"))
    try:
        words = shlex.split(said)
    except ValueError:
        return []
    if not words or words == ["cat"] or shutil.which(words[0]) is None:
        return []
    return words


@contextlib.contextmanager
def through_pager(env: Mapping[str, str]) -> Iterator[None]:
    """Send stdout to the pager, if there is one, while the block runs; leaving it early ends the block quietly."""
    words = pager_command(env)
    if not words:
        yield
        return
    sys.stdout.flush()
    # As git: leave at once if it fits one screen, keep colours, do not clear the screen.
    process = subprocess.Popen(words, stdin=subprocess.PIPE, env={"LESS": "FRX", "LV": "-c", **env})
    assert process.stdin is not None
    pipe = io.TextIOWrapper(process.stdin, encoding=sys.stdout.encoding, errors="backslashreplace", write_through=False)
    try:
        with contextlib.redirect_stdout(pipe), contextlib.suppress(BrokenPipeError):
            yield
    finally:
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for the pager; Ctrl-C is its business while it runs."""
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            continue
        return
