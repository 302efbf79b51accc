"""What a person is told when something fails: an `error:` line, a `hint:` line, and the exit code."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass

import click

from modelhub.cli import exit_codes
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import clean
from modelhub.errors import InternalError, ModelHubError, QuerySyntaxError

REPORT = "please report it to its makers with 'mh --version' and what MH_DEBUG=1 prints; what is committed is safe"
MOST_PATHS = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure in words. `details` are shown between the error and the hint."""

    code: int
    message: str
    hint: str | None = None
    details: tuple[str, ...] = ()


def describe(error: BaseException) -> Failure:
    """Return what to say about any exception that ends a command."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Failure(exit_codes.INTERRUPTED, "interrupted; nothing was lost", "'mh op log' shows what was done")
    if isinstance(error, ModelHubError) and not isinstance(error, InternalError):
        return Failure(exit_codes.exit_code(type(error)), error.message, error.hint, _details(error))
    if isinstance(error, click.UsageError):
        return _usage(error)
    if isinstance(error, click.ClickException):
        return Failure(exit_codes.USAGE, _lowered(error.format_message()))
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, MemoryError):
        return Failure(exit_codes.SYSTEM, "there is not enough memory for this")
    said = error.message if isinstance(error, InternalError) else f"{type(error).__name__}: {error}"
    return Failure(exit_codes.INTERNAL, f"a bug in modelhub: {said}", REPORT)


def _usage(error: click.UsageError) -> Failure:
    path = error.ctx.command_path if error.ctx else "mh"
    return Failure(exit_codes.USAGE, _lowered(error.format_message()), f"'{path} --help' shows how to use it")


def _lowered(message: str) -> str:
    message = message.strip().removesuffix(".")
    return message[:1].lower() + message[1:]


def _system(error: OSError) -> Failure:
    place = f"'{os.fsdecode(error.filename)}': " if isinstance(error.filename, (str, bytes)) else ""
    said = error.strerror or str(error) or type(error).__name__
    return Failure(exit_codes.SYSTEM, place + said[:1].lower() + said[1:], _SYSTEM_HINTS.get(error.errno or 0))


_SYSTEM_HINTS: dict[int, str] = {
    errno.EACCES: "check the rights on it and on the folder it is in",
    errno.EPERM: "check the rights on it and on the folder it is in",
    errno.ENOSPC: "make room and run the command again; what was committed before is whole",
    errno.EDQUOT: "make room and run the command again; what was committed before is whole",
    errno.EROFS: "reading commands work on a read-only file system, writing ones cannot",
    errno.EMFILE: "too many files are open: raise the limit with 'ulimit -n'",
}


def _details(error: ModelHubError) -> tuple[str, ...]:
    if isinstance(error, QuerySyntaxError) and error.text and error.position is not None:
        return _pointed_at(error.text, error.position)
    listed: tuple[str, ...] = getattr(error, "paths", ()) or getattr(error, "findings", ())
    if all(item in error.message for item in listed):
        return ()
    shown = tuple(f"  {item}" for item in listed[:MOST_PATHS])
    more = len(listed) - len(shown)
    return (*shown, f"  and {more} more") if more else shown


def _pointed_at(text: str, position: int) -> tuple[str, ...]:
    """Return the line of a query with a caret below the place."""
    position = min(max(position, 0), len(text))
    begin = text.rfind("\n", 0, position) + 1
    line = text[begin:].partition("\n")[0]
    return (f"  {line.expandtabs(1)}", "  " + " " * (position - begin) + "^")


def show(failure: Failure, terminal: Terminal) -> None:
    """Write a failure to stderr."""
    lines = [terminal.style("error:", "bold", "red") + " " + clean(failure.message)]
    lines += [clean(line) for line in failure.details]
    if failure.hint:
        lines.append(terminal.style("hint:", "cyan") + " " + clean(failure.hint))
    sys.stderr.write("\n".join(lines) + "\n")
