"""Run pages and write what their commands print now where it differs: `python tests/docs/refresh.py PAGE...`.

Read the change before committing it. A line `?` below a command asks for its output.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contracts.pages import Block, Reader, matches, read_blocks, read_commands


def refresh(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    changes: list[tuple[int, int, tuple[str, ...]]] = []
    printed: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(Path(folder))
        for block in read_blocks(page.read_text("utf-8")):
            if block.file is not None:
                reader.write(block)
            elif block.language == "console":
                changes += _console(block, reader)
            elif block.language == "python":
                printed = reader.execute(block)
            elif block.language == "text" and block.follows and not matches(block.text.splitlines(), printed):
                changes.append((block.line, block.line + block.text.count("\n"), printed))
    for start, end, output in reversed(changes):
        lines[start:end] = output
    page.write_text("\n".join(lines) + "\n", "utf-8")


def _console(block: Block, reader: Reader) -> list[tuple[int, int, tuple[str, ...]]]:
    changes = []
    for command in read_commands(block):
        done = reader.run(command.text)
        if done.code != 0 and not any(line.startswith("error:") for line in done.lines):
            print(f"line {command.line}: {command.text} ended with {done.code}: {done.lines}")
        if command.expected and not matches(command.expected, done.lines):
            start = command.line + command.text.count("\n")
            blank = ("",) if not command.expected[-1].strip() else ()
            changes.append((start, start + len(command.expected), done.lines + blank))
    return changes


if __name__ == "__main__":
    for name in sys.argv[1:]:
        refresh(Path(name))
