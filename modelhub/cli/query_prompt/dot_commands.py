"""The words of the prompt that begin with a dot: what each is called and does."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from modelhub.errors import InvalidInputError


class DotCommand(NamedTuple):
    """A command's argument and its line of help."""

    argument: str
    help: str


DOT_COMMANDS: dict[str, DotCommand] = {
    "views": DotCommand("", "list the views"),
    "schema": DotCommand("[VIEW]", "list the columns of a view, or of all"),
    "queries": DotCommand("", "list the saved queries; @NAME asks one"),
    "save": DotCommand("NAME", "save the last query in the project"),
    "as-of": DotCommand("[TEXT]", "ask the history as it was then; without TEXT as it is"),
    "format": DotCommand("[FORMAT]", "print rows as table, json, jsonl, csv or md"),
    "timer": DotCommand("[on|off]", "say how long each query took"),
    "help": DotCommand("", "list these commands"),
    "quit": DotCommand("", "leave, as Ctrl-D does"),
}

_OTHER_NAMES = {"exit": "quit", "q": "quit", "tables": "views", "mode": "format", "h": "help", "?": "help"}


def parse(line: str) -> tuple[str, str]:
    """Return the command and its argument. Raises InvalidInputError, which says what was probably meant."""
    word, _, argument = line.strip().removesuffix(";").removeprefix(".").partition(" ")
    name = _OTHER_NAMES.get(word, word)
    if name not in DOT_COMMANDS:
        near = difflib.get_close_matches(name, DOT_COMMANDS, n=1)
        hint = f"did you mean '.{near[0]}'?" if near else "'.help' lists them"
        raise InvalidInputError(f"there is no command '.{word}'", hint=hint)
    return name, argument.strip()


def help_rows() -> list[tuple[str, str]]:
    """Return each command as it is typed and what it does."""
    return [(f".{name} {dot.argument}".rstrip(), dot.help) for name, dot in DOT_COMMANDS.items()]
