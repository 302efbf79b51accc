"""What may come next in a query that is being typed: words of SQL, views, their columns, and values that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from modelhub.catalog.query.functions import FUNCTIONS
from modelhub.catalog.query.statements import is_open
from modelhub.catalog.query.tokens import Token, tokenize
from modelhub.catalog.views.registry import BY_NAME
from modelhub.cli.options import FORMATS
from modelhub.cli.output.destination import BINARY_FORMATS
from modelhub.cli.query_prompt.dot_commands import DOT_COMMANDS

KEYWORDS = frozenset(
    [
        "all",
        "and",
        "as",
        "asc",
        "between",
        "by",
        "case",
        "cross",
        "desc",
        "distinct",
        "else",
        "end",
        "except",
        "exists",
        "explain",
        "filter",
        "first",
        "from",
        "group",
        "having",
        "in",
        "inner",
        "intersect",
        "is",
        "join",
        "last",
        "left",
        "like",
        "limit",
        "not",
        "null",
        "nulls",
        "offset",
        "on",
        "or",
        "order",
        "outer",
        "over",
        "partition",
        "recursive",
        "select",
        "then",
        "union",
        "using",
        "values",
        "when",
        "where",
        "with",
    ]
)

# Columns whose values are few and worth offering inside quotes.
_OFFERED_VALUES = frozenset(
    [
        "name",
        "ref",
        "kind",
        "status",
        "relation",
        "evidence",
        "author",
        "path",
        "format",
        "goal",
        "code",
        "severity",
        "command",
        "origin",
        "who",
    ]
)
_SQL_FUNCTIONS = sorted(name for name in FUNCTIONS if name[0].isalpha() and len(name) > 2)
_TYPED = re.compile(r"[A-Za-z_\x80-\U0010ffff][\w$]*\Z")
_SAVED = re.compile(r"@[\w.-]*\Z")


class Recorded(Protocol):
    """What a repository holds that can be typed."""

    def values(self, view: str, column: str) -> Sequence[str]:
        """Return the values of a view's column, few enough to choose from."""

    def saved(self) -> Sequence[tuple[str, str]]:
        """Return the names of the saved queries and what they are for."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to put in the place of the last `typed` characters before the cursor."""

    text: str
    typed: int
    meaning: str = ""


def suggest(before: str, after: str, recorded: Recorded) -> list[Suggestion]:
    """Return what may come at the cursor between two texts, the likeliest first."""
    start = before.lstrip()
    if start.startswith("."):
        return list(_dot_words(start))
    if start.startswith("@") and _SAVED.search(start):
        named = ((f"@{name}", meaning) for name, meaning in recorded.saved())
        return [Suggestion(name, len(start), meaning) for name, meaning in named if name.startswith(start)]
    tokens = tokenize(before)
    if tokens and is_open(tokens[-1]) and tokens[-1].kind == "string":
        return list(_values(tokens, tokenize(before + "'" + after), recorded))
    if tokens and is_open(tokens[-1]):
        return []
    return list(_words(before, tokens, tokenize(f"{before} {after}")))


def views_by_name(tokens: Sequence[Token]) -> dict[str, str]:
    """Return the views a query mentions, by their names and the aliases given to them (`from metrics as m`)."""
    found = {}
    for place, token in enumerate(tokens):
        if token.name not in BY_NAME or (place and tokens[place - 1].text == "."):
            continue
        found[token.name] = token.name
        rest = [later.name for later in tokens[place + 1 : place + 3]]
        alias = rest[1] if rest[:1] == ["as"] and len(rest) > 1 else rest[0] if rest else ""
        if alias.isidentifier() and alias not in KEYWORDS and alias not in BY_NAME:
            found[alias] = token.name
    return found


def _dot_words(text: str) -> Iterator[Suggestion]:
    word, space, rest = text.partition(" ")
    if not space:
        yield from (
            Suggestion(f".{name}", len(text), dot.help)
            for name, dot in DOT_COMMANDS.items()
            if f".{name}".startswith(word)
        )
        return
    typed = rest.rpartition(" ")[2]
    choices: Sequence[str] = {
        ".schema": tuple(BY_NAME),
        ".format": (*FORMATS, *BINARY_FORMATS),
        ".timer": ("on", "off"),
    }.get(word, ())
    yield from (Suggestion(choice, len(typed)) for choice in choices if choice.startswith(typed))


def _words(before: str, tokens: list[Token], around: list[Token]) -> Iterator[Suggestion]:
    match = _TYPED.search(before)
    typed = match.group() if match else ""
    done = tokens[:-1] if typed else tokens
    named = views_by_name(around)
    if done and done[-1].text == ".":
        view = named.get(done[-2].name) if len(done) > 1 else None
        yield from _columns([view] if view else [], typed)
    elif _wants_view(done):
        yield from _starting(((view.name, view.description) for view in BY_NAME.values()), typed)
    else:
        yield from _columns(list(dict.fromkeys(named.values())), typed)
        yield from _starting(((name, f"the view {view}") for name, view in named.items() if name != view), typed)
        yield from _starting(((word, "") for word in sorted(KEYWORDS)), typed, upper=typed.isupper())
        if typed:
            yield from _starting(((f"{name}(", "function") for name in _SQL_FUNCTIONS), typed)


def _wants_view(done: list[Token]) -> bool:
    """Tell whether the name of a view comes next: after `from` and `join`, and after a comma between them."""
    if not done:
        return False
    if done[-1].name in ("from", "join"):
        return True
    if done[-1].text != ",":
        return False
    clauses = ("select", "from", "where", "on", "by", "having", "limit", "values")
    return next((token.name for token in reversed(done) if token.name in clauses or token.text == "("), "") == "from"


def _columns(views: Sequence[str], typed: str) -> Iterator[Suggestion]:
    seen = set()
    for view in views:
        for column in BY_NAME[view].columns:
            if column.name not in seen:
                seen.add(column.name)
                yield from _starting([(column.name, f"{view}: {column.description}")], typed)


def _starting(
    names: Iterator[tuple[str, str]] | list[tuple[str, str]], typed: str, *, upper: bool = False
) -> Iterator[Suggestion]:
    for name, meaning in names:
        if name.startswith(typed.lower()) and name != typed:
            yield Suggestion(name.upper() if upper else name, len(typed), meaning)


def _values(tokens: list[Token], around: list[Token], recorded: Recorded) -> Iterator[Suggestion]:
    """Offer what is recorded under the column that the text in quotes is compared with."""
    typed = tokens[-1].text[1:]
    column, owner = _compared(tokens[:-1])
    if column not in _OFFERED_VALUES:
        return
    named = views_by_name(around)
    owners = [named[owner]] if owner in named else list(dict.fromkeys(named.values()))
    for view in owners:
        if column in (known.name for known in BY_NAME[view].columns):
            for value in recorded.values(view, column):
                if value.startswith(typed.replace("''", "'")) and value.isprintable():
                    yield Suggestion(value.replace("'", "''") + "'", len(typed), view)


def _compared(tokens: list[Token]) -> tuple[str, str]:
    """Return the column before `=`, `<>`, `like` or `in (`, and the name before its dot."""
    place = len(tokens) - 1
    while place >= 0 and (tokens[place].kind == "string" or tokens[place].text in (",", "(")):
        place -= 1
    while place >= 0 and (tokens[place].name in ("in", "like", "glob", "is", "not") or tokens[place].text in "=<>!"):
        place -= 1
    if place < 0 or place == len(tokens) - 1 or tokens[place].kind not in ("word", "quoted"):
        return "", ""
    qualified = place >= 2 and tokens[place - 1].text == "."
    return tokens[place].name, tokens[place - 2].name if qualified else ""
