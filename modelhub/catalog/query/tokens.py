"""Cut SQL text into tokens as SQLite does, to find places in it and the names it uses.

Rules: https://www.sqlite.org/lang_keywords.html and tokenize.c's classes. Where in doubt a token is cut short, never
long, so that no name can hide inside one.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

TokenKind = Literal["word", "quoted", "string", "number", "parameter", "symbol"]

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t\n\f\r]+|--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<string>'(?:[^']|'')*'?)
    | (?P<quoted>"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?)
    | (?P<parameter>\?[0-9]*|[:@$\#][A-Za-z0-9_$\x80-\U0010ffff]+)
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    | (?P<symbol>.)
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """One token: `text` as written, `position` its offset, `name` what it names without quotes, in lower case."""

    kind: TokenKind
    text: str
    position: int
    name: str


def tokenize(text: str) -> list[Token]:
    """Return the tokens of SQL text; blanks and comments are left out."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind != "blank":
            found.append(Token(kind, match.group(), match.start(), _name(match.group())))  # type: ignore[arg-type]
    return found


def second_statement(tokens: list[Token]) -> Token | None:
    """Return the first token after a semicolon, if there is one."""
    for index, token in enumerate(tokens):
        if token.text == ";":
            return next((later for later in tokens[index:] if later.text != ";"), None)
    return None


def _name(text: str) -> str:
    if text[0] in "'\"`" and len(text) > 1:
        quote = text[0]
        return text[1:-1].replace(quote * 2, quote).lower()
    return text[1:-1].lower() if text[0] == "[" else text.lower()
