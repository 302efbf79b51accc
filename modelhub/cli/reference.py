"""Write docs/reference/cli.md from the commands themselves: `python -m modelhub.cli.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from modelhub.cli.command_table import SECTIONS
from modelhub.cli.commands.help import TOPICS, topic_text
from modelhub.cli.main import cli

PAGE = Path("docs") / "reference" / "cli.md"
WIDTH = 78

INTRODUCTION = """\
# The `mh` command

Written by `python -m modelhub.cli.reference`; do not edit.

What is data goes to stdout, all talk (remarks, progress, warnings, `error:` and `hint:` lines) to stderr.
Colours, progress bars, the pager and shortened columns appear on a terminal only.

Every reading command takes `--json`: one object whose only key names the form and its version,
`{"mh.status/1": {...}}`, printed only on success. Within a version fields are only ever added. Ids have full length,
sizes are in bytes, times ISO 8601 in UTC; NaN and the infinities, which JSON has not, are the texts `"nan"`, `"inf"`
and `"-inf"`; bytes are hex. Where the result is a table `--format` also gives `jsonl`, `csv` and `md`.

Exit codes: [exit-codes.md](exit-codes.md). Errors: [errors.md](errors.md).
"""


def page() -> str:
    """Return the whole page."""
    root = click.Context(cli, info_name="mh", terminal_width=WIDTH, max_content_width=WIDTH, color=False)
    root.help_option_names = ["-h", "--help"]
    parts = [INTRODUCTION, _block("mh", root.get_help())]
    for title, section in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in section:
            found = cli.get_command(root, name)
            assert found is not None
            parts += _help_of(found, name, root)
    parts.append("## Topics\n")
    parts += [f"### mh help {topic}\n\n```text\n{topic_text(topic)}\n```\n" for topic in TOPICS]
    return "\n".join(parts)


def _help_of(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    with click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    ) as context:
        yield _block(context.command_path, context.get_help())
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                assert found is not None
                yield from _help_of(found, inner, context)


def _block(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"### {title}\n\n```text\n{lines}\n```\n"


def main() -> None:
    """Write the page below the current folder, or with --check tell whether it is up to date."""
    if "--check" in sys.argv[1:]:
        sys.exit(0 if PAGE.exists() and PAGE.read_text("utf-8") == page() else f"{PAGE} is out of date")
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
