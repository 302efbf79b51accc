"""What one run of `mh` knows: where it is, who runs it, when, and where its output goes.

Imports inside functions keep `mh --help`, `mh log` and shell completion quick: most commands need few of them.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import clean
from modelhub.errors import InvalidInputError

if TYPE_CHECKING:
    from modelhub.cli.output.progress_bar import TerminalProgress
    from modelhub.repository.repository import Act, Repository

MOST_COMMAND_LETTERS = 1000
LINES_AT_ONCE = 500


@dataclass(frozen=True)
class Session:
    """One run of `mh`. `terminal` is stdout's, `talk` stderr's; `arguments` begin with the command's name."""

    folder: Path
    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    terminal: Terminal = field(default_factory=Terminal)
    talk: Terminal = field(default_factory=Terminal)
    pager: bool = True
    quiet: bool = False

    @cached_property
    def repository(self) -> Repository:
        """The repository the folder is in. Raises RepositoryNotFound."""
        from modelhub.repository.repository import Repository

        return Repository.find(self.folder)

    @property
    def home(self) -> Path:
        """The user's home folder."""
        return Path(self.env.get("HOME") or Path.home())

    def act(self, repository: Repository | None = None) -> Act:
        """Return who does this, when, by which command line."""
        from modelhub.porcelain.identity import identify
        from modelhub.repository.repository import Act

        moment, offset = _now(self.env.get("MH_AUTHOR_DATE"))
        line = shlex.join(self.arguments)
        return Act(identify(repository, self.env, self.home), moment, offset, line[:MOST_COMMAND_LETTERS])

    def path(self, text: str) -> str:
        """Return a path as typed as the repository names it ('' is its top). Raises InvalidInputError outside it."""
        if not text:
            raise InvalidInputError("a path is empty", hint="'.' is the folder you are in")
        root = self.repository.layout.root
        typed = Path(os.path.normpath(self.folder / text))
        for candidate in (typed, typed.parent.resolve() / typed.name):
            for top in (root, root.resolve()):
                if candidate.is_relative_to(top):
                    inside = candidate.relative_to(top).as_posix()
                    return "" if inside == "." else inside
        raise InvalidInputError(f"'{text}' is outside the repository", hint=f"its folder is '{root}'")

    def paths(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return several paths as the repository names them."""
        return tuple(map(self.path, texts))

    def place(self, text: str) -> str:
        """Return REV:PATH with a path that begins with './' or '../' taken from the folder one is in, as git does."""
        revision, colon, path = text.partition(":")
        if path.startswith(("./", "../")):
            path = self.path(path)
        return f"{revision}{colon}{path.rstrip('/')}"

    def shown(self, path: str) -> str:
        """Return a repository's path as it can be typed here, made safe for a terminal."""
        root = self.repository.layout.root
        for top in (root, root.resolve()):
            if self.folder.is_relative_to(top):
                here = self.folder.relative_to(top).as_posix()
                return clean(path if here == "." else os.path.relpath(path, here))
        return clean(path)

    def write(self, lines: Iterable[str]) -> None:
        """Write lines of data to stdout."""
        waiting = iter(lines)
        while some := list(islice(waiting, LINES_AT_ONCE)):
            sys.stdout.write("\n".join(some) + "\n")

    def say(self, text: str) -> None:
        """Tell a person something on stderr, unless told to be quiet."""
        if not self.quiet:
            sys.stderr.write(text + "\n")

    def warn(self, text: str) -> None:
        """Warn on stderr, even when quiet."""
        sys.stderr.write(f"{self.talk.style('warning:', 'yellow')} {clean(text)}\n")

    def waiting(self) -> None:
        """Tell that another process is writing."""
        self.say("waiting for another mh that is writing to this repository (Ctrl-C to stop)")

    @contextlib.contextmanager
    def progress(self) -> Iterator[TerminalProgress]:
        """Show how far long work is, on a terminal only; notes are always shown."""
        from modelhub.cli.output.progress_bar import TerminalProgress

        shown = TerminalProgress(self.talk, quiet=self.quiet)
        try:
            yield shown
        finally:
            shown.close()

    def page(self, lines: Iterable[str]) -> None:
        """Write lines of data to stdout, on a terminal through the user's pager.

        The first line is made before the pager starts, so that what fails at once fails without it.
        """
        if not (self.pager and self.terminal.interactive):
            self.write(lines)
            return
        from modelhub.cli.output.pager import through_pager

        waiting = iter(lines)
        first = list(islice(waiting, 1))
        with through_pager(self.env):
            self.write(chain(first, waiting))


def _now(said: str | None) -> tuple[int, int]:
    """Return the time in unix milliseconds and the zone in minutes east; `said` (ISO 8601) replaces the clock."""
    if said is None:
        seconds = time.time()
        return int(seconds * 1000), time.localtime(seconds).tm_gmtoff // 60
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        hint = "for example 2026-01-31T12:00:00+01:00"
        raise InvalidInputError(f"MH_AUTHOR_DATE is '{said}', not a date", hint=hint) from None
    moment = moment if moment.tzinfo is not None else moment.astimezone()
    offset = moment.utcoffset()
    return int(moment.timestamp() * 1000), int(offset.total_seconds()) // 60 if offset else 0
