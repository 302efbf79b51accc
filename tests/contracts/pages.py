"""What a page of the documentation promises: its commands and its Python run, and print what the page shows.

A block fenced as `console` holds commands after `$ ` and what they print. Ids, times, durations and sizes are
compared by kind, runs of spaces as one; `…` stands for anything within a line, and alone on a line for any number of
lines. A command with nothing below it must only succeed; one that shows `error:` must fail. A `python` block runs,
with all others of the page, in one namespace; a `text` block right after it is what it prints. `python file=NAME` (or
any language) is written to that file.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\w*)(.*)$")
_KINDS = (
    (re.compile(r"\b[0-9a-f]{10}(?:[0-9a-f]{6}|[0-9a-f]{54})?\b"), "<id>"),
    (re.compile(r"\bjust now\b|\b\d+ (?:second|minute)s? ago\b"), "<ago>"),
    (re.compile(r"\b\d+\.\d+ s\b"), "<duration>"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| [+-]\d{4})?)?"), "<time>"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:B|kB|MB|GB)\b"), "<size>"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True)
class Block:
    """One fenced block. `line` is that of its fence, counted from 1; `file` where it is the content of a file."""

    language: str
    text: str
    line: int
    file: str | None
    follows: bool
    """Nothing but empty lines lies between this block and the one before."""


@dataclass(frozen=True)
class Command:
    """A command and the lines shown below it; `line` is that of the command."""

    text: str
    expected: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Done:
    """What a command printed, stdout and stderr together, and its exit code."""

    lines: tuple[str, ...]
    code: int


def read_blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    found: list[Block] = []
    lines = text.splitlines()
    row, previous_end = 0, -1
    while row < len(lines):
        opening = _FENCE.match(lines[row])
        row += 1
        if opening is None:
            continue
        start = row
        while row < len(lines) and lines[row] != "```":
            row += 1
        follows = bool(found) and not any(line.strip() for line in lines[previous_end + 1 : start - 1])
        file = re.search(r"\bfile=(\S+)", opening[2])
        body = "".join(line + "\n" for line in lines[start:row])
        found.append(Block(opening[1], body, start, file[1] if file else None, follows))
        previous_end = row
        row += 1
    return found


def read_commands(block: Block) -> list[Command]:
    """Return the commands of a console block; one goes on over lines while a quote is open."""
    found: list[Command] = []
    lines = block.text.splitlines()
    row = 0
    while row < len(lines):
        assert lines[row].startswith("$ "), f"line {block.line + 1 + row}: output before the first command"
        start, text = row, lines[row][2:]
        while not _is_complete(text):
            row += 1
            text += "\n" + lines[row]
        row += 1
        output = row
        while row < len(lines) and not lines[row].startswith("$ "):
            row += 1
        found.append(Command(text, tuple(lines[output:row]), block.line + 1 + start))
    return found


def _is_complete(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


def normalised(line: str) -> str:
    """Return a line with ids, times and sizes replaced by what they are."""
    for pattern, kind in _KINDS:
        line = pattern.sub(kind, line)
    return line.strip()


def matches(expected: Sequence[str], actual: Sequence[str]) -> bool:
    """Tell whether lines are what a page shows."""
    parts = []
    for line in _trimmed(expected):
        if line.strip() == "…":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(".*?".join(map(re.escape, normalised(line).split("…"))) + r"\n")
    text = "".join(normalised(line) + "\n" for line in _trimmed(actual))
    return re.fullmatch("".join(parts), text) is not None


def _trimmed(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


@dataclass
class Reader:
    """Follows one page in a folder of its own, as a person would in a shell."""

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def __post_init__(self) -> None:
        self._work = self.folder / "work"
        self._place = self._work
        for name in ("bin", "home", "work"):
            (self.folder / name).mkdir()
        for name, arguments in (("mh", "-m modelhub"), ("python", "")):
            shim = self.folder / "bin" / name
            shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
            shim.chmod(0o755)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the commands and the Python of the page see."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MH_", "GIT_", "FORCE_COLOR"))}
        who = {
            f"{tool}_{key}": value
            for tool in ("MH_AUTHOR", "GIT_AUTHOR", "GIT_COMMITTER")
            for key, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
        }
        return {
            **kept,
            **who,
            "HOME": str(self.folder / "home"),
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")])),
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "MH_PAGER": "cat",
        }

    def run(self, command: str) -> Done:
        """Run one command where the one before left off."""
        note = self.folder / "place"
        script = f"{command}\ncode=$?\npwd > {shlex.quote(str(note))}\nexit $code\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self._place, env=self.environment, check=False, text=True, encoding="utf-8",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._place = Path(note.read_text().rstrip("\n"))
        output = done.stdout.replace(str(self._work), "…")
        return Done(tuple(line.rstrip() for line in output.splitlines()), done.returncode)

    def execute(self, block: Block) -> tuple[str, ...]:
        """Run a Python block and return what it prints."""
        printed = io.StringIO()
        with self._inside(), contextlib.redirect_stdout(printed):
            exec(compile("\n" * block.line + block.text, "<page>", "exec"), self.names)
        return tuple(printed.getvalue().replace(str(self._work), "…").splitlines())

    def write(self, block: Block) -> None:
        """Write a block to the file it names."""
        assert block.file is not None
        path = self._place / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        before, environment = Path.cwd(), dict(os.environ)
        os.chdir(self._place)
        os.environ.update(self.environment)
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)


def check_page(text: str, reader: Reader) -> list[str]:
    """Follow a page; return what is not as it says."""
    complaints = []
    printed: tuple[str, ...] = ()
    for block in read_blocks(text):
        if block.file is not None:
            reader.write(block)
        elif block.language == "console":
            complaints += [complaint for command in read_commands(block) for complaint in _check(command, reader)]
        elif block.language == "python":
            printed = reader.execute(block)
        elif block.language == "text" and block.follows and not matches(block.text.splitlines(), printed):
            complaints.append(f"line {block.line}: the Python above prints\n" + "\n".join(printed))
    return complaints


def _check(command: Command, reader: Reader) -> Iterator[str]:
    done = reader.run(command.text)
    shown = "\n".join(done.lines)
    fails = any(line.startswith("error:") for line in command.expected)
    if (done.code != 0) != fails:
        yield f"line {command.line}: `{command.text}` ended with exit code {done.code}:\n{shown}"
    elif command.expected and not matches(command.expected, done.lines):
        yield f"line {command.line}: `{command.text}` printed\n{shown}"
