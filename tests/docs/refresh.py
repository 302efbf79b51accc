"""Run pages and write what their commands print now where it differs: `python tests/docs/refresh.py [--all] PAGE...`.

Read the change before committing it. A line `?` below a command asks for its output. With --all also what differs in
ids, times and sizes only is written anew, so that these agree within the page; output with `…` in it is left alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contracts.pages import Block, Reader, matches, read_blocks, read_commands


def refresh(page: Path, *, everything: bool) -> None:
    lines = page.read_text("utf-8").splitlines()
    changes: list[tuple[int, int, tuple[str, ...]]] = []
    printed: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(Path(folder))
        for block in read_blocks(page.read_text("utf-8")):
            if block.file is not None:
                reader.write(block)
            elif block.language == "console":
                changes += _console(block, reader, everything=everything)
            elif block.language == "python":
                printed = reader.execute(block)
            elif block.language == "text" and block.follows and not matches(block.text.splitlines(), printed):
                changes.append((block.line, block.line + block.text.count("\n"), printed))
    for start, end, output in reversed(changes):
        lines[start:end] = output
    page.write_text("\n".join(lines) + "\n", "utf-8")


def _console(block: Block, reader: Reader, *, everything: bool) -> list[tuple[int, int, tuple[str, ...]]]:
    changes = []
    for command in read_commands(block):
        done = reader.run(command.text)
        asked = command.expected[:1] == ("?",) or any(line.startswith("error:") for line in command.expected)
        if done.code != 0 and not asked:
            sys.exit(f"line {command.line}: {command.text} ended with {done.code}:\n" + "\n".join(done.lines))
        again = everything and "…" not in "".join(command.expected)
        if command.expected and (again or not matches(command.expected, done.lines)):
            start = command.line + command.text.count("\n")
            blank = ("",) if not command.expected[-1].strip() else ()
            changes.append((start, start + len(command.expected), done.lines + blank))
    return changes


if __name__ == "__main__":
    names = [word for word in sys.argv[1:] if word != "--all"]
    for name in names:
        refresh(Path(name), everything="--all" in sys.argv)
