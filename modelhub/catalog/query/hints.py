"""Say what is wrong with a query in its author's words: where, and what was likely meant."""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Callable, Iterable

from modelhub.catalog.query.functions import FUNCTIONS
from modelhub.catalog.query.sandbox import Sandbox
from modelhub.catalog.query.tokens import Token
from modelhub.catalog.views.registry import BY_NAME
from modelhub.errors import QuerySyntaxError

_READ_ONLY = "queries only read: 'select ... from' one of the views"
_LIST = "the views are: " + ", ".join(BY_NAME)

Facts = Callable[[str], list[str]]


def explain(
    error: sqlite3.Error | Exception, text: str, tokens: list[Token], sandbox: Sandbox, facts: Facts
) -> QuerySyntaxError:
    """Turn SQLite's message into ours. `facts("metrics" or "params")` gives the names recorded under that view."""
    message = str(error)
    if sandbox.refused is not None:
        return _refusal(*sandbox.refused, text, tokens)
    for pattern, describe in _DESCRIPTIONS:
        match = re.search(pattern, message, re.DOTALL)
        if match:
            return describe(match, text, tokens, facts)
    return QuerySyntaxError(message, text=text, hint=_LIST)


def stopped(sandbox: Sandbox, text: str, timeout_s: float) -> QuerySyntaxError:
    """Describe a query that took too long or too much."""
    if sandbox.stopped == "memory":
        return QuerySyntaxError("the query needs too much memory", text=text, hint="sort, group or join fewer rows")
    return QuerySyntaxError(
        f"the query was stopped after {timeout_s:g} seconds",
        text=text,
        hint="name a commit (where commit_id = ...) or ask for fewer rows",
    )


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name most like this one, if any is near."""
    found = difflib.get_close_matches(name.lower(), list(names), n=1, cutoff=0.6)
    return found[0] if found else None


def find(tokens: list[Token], name: str) -> int | None:
    """Return the position of the first mention of a name, which may be qualified (`t.name`)."""
    parts = name.lower().split(".")
    for index, token in enumerate(tokens):
        if token.kind != "number" and _matches(tokens, index, parts):
            return token.position
    return None


def _matches(tokens: list[Token], index: int, parts: list[str]) -> bool:
    wanted = [piece for part in parts for piece in (part, ".")][:-1]
    return [token.name for token in tokens[index : index + len(wanted)]] == wanted


def _refusal(kind: str, name: str, text: str, tokens: list[Token]) -> QuerySyntaxError:
    position = find(tokens, name) if name else None
    if kind == "function":
        instead = "round(x, 3) rounds a number" if name.lower() in ("printf", "format") else _functions_like(name)
        return QuerySyntaxError(
            f"the function '{name}' is not allowed here", text=text, position=position, hint=instead
        )
    if kind == "table":
        return QuerySyntaxError(f"'{name}' is not a public view", text=text, position=position, hint=_LIST)
    first = tokens[0].position if tokens else None
    return QuerySyntaxError("this is read-only", text=text, position=first, hint=_READ_ONLY)


def _functions_like(name: str) -> str:
    near = nearest(name, FUNCTIONS)
    return f"did you mean '{near}'?" if near else "docs/reference/sql-views.md names what there is"


def _unknown_column(match: re.Match[str], text: str, tokens: list[Token], facts: Facts) -> QuerySyntaxError:
    full = match.group(1)
    name = full.rsplit(".", 1)[-1]
    views = _mentioned(tokens)
    columns = [column.name for view in views or BY_NAME for column in BY_NAME[view].columns]
    message = f"no column named '{name}'"
    return QuerySyntaxError(
        message, text=text, position=find(tokens, full), hint=_column_hint(name, views, columns, facts)
    )


def _column_hint(name: str, views: list[str], columns: list[str], facts: Facts) -> str:
    for view in ("metrics", "params"):
        if name in facts(view):
            return _fact_hint(name, view)
    facts_by_name = {fact: view for view in ("metrics", "params") for fact in facts(view)}
    near = nearest(name, [*columns, *facts_by_name])
    if near in columns:
        return f"did you mean '{near}'?"
    if near is not None:
        return f"did you mean '{near}'? {_fact_hint(near, facts_by_name[near])}"
    if not views:
        return _LIST
    return "; ".join(f"{view} has {', '.join(column.name for column in BY_NAME[view].columns)}" for view in views)


def _fact_hint(name: str, view: str) -> str:
    return f"'{name}' is a name in the view {view}: ... from {view} where name = '{name}'"


def _mentioned(tokens: list[Token]) -> list[str]:
    return list(dict.fromkeys(token.name for token in tokens if token.name in BY_NAME))


def _unknown_table(match: re.Match[str], text: str, tokens: list[Token], _facts: Facts) -> QuerySyntaxError:
    name = match.group(1)
    near = nearest(name.rsplit(".", 1)[-1], BY_NAME)
    hint = f"did you mean '{near}'? {_LIST}" if near else _LIST
    return QuerySyntaxError(f"no view named '{name}'", text=text, position=find(tokens, name), hint=hint)


def _unknown_function(match: re.Match[str], text: str, tokens: list[Token], _facts: Facts) -> QuerySyntaxError:
    name = match.group(1)
    position = find(tokens, name)
    return QuerySyntaxError(f"no function named '{name}'", text=text, position=position, hint=_functions_like(name))


def _at_name(message: str, hint: str) -> Callable[[re.Match[str], str, list[Token], Facts], QuerySyntaxError]:
    """Return a description that stands at the name SQLite gave, written into both texts as {name}."""

    def describe(match: re.Match[str], text: str, tokens: list[Token], _facts: Facts) -> QuerySyntaxError:
        name = match.group(1) if match.groups() else ""
        position = find(tokens, f":{name}")
        position = find(tokens, name) if name and position is None else position
        return QuerySyntaxError(message.format(name=name), text=text, position=position, hint=hint.format(name=name))

    return describe


def _syntax(match: re.Match[str], text: str, tokens: list[Token], _facts: Facts) -> QuerySyntaxError:
    name = match.group(1)
    return QuerySyntaxError(
        f"cannot understand '{name}' here", text=text, position=_offending(name, text, tokens), hint=_syntax_hint(name)
    )


def _syntax_hint(name: str) -> str:
    near = nearest(name, BY_NAME)
    if near:
        return f"did you mean '{near}'?"
    if name.lower() in ("group", "order", "index", "table", "to", "where", "from", "limit"):
        return f"'{name}' is a word of SQL: something is missing before it, or a column of that name needs \"{name}\""
    return "something is missing or misspelt here or just before it"


def _offending(name: str, text: str, tokens: list[Token]) -> int | None:
    """Find which mention SQLite stumbled over: the first at which the text up to there is wrong already."""
    scratch = sqlite3.connect(":memory:")
    try:
        mentions = [token for token in tokens if token.text == name]
        for token in mentions[:50]:
            if _stumbles(scratch, text[: token.position + len(token.text)]):
                return token.position
    finally:
        scratch.close()
    return mentions[0].position if mentions else None


def _stumbles(scratch: sqlite3.Connection, text: str) -> bool:
    try:
        scratch.execute(f"explain {text}")
    except sqlite3.Error as error:
        return "syntax error" in str(error)
    return False


def _unfinished(_match: re.Match[str], text: str, _tokens: list[Token], _facts: Facts) -> QuerySyntaxError:
    return QuerySyntaxError(
        "the query ends too early", text=text, position=len(text.rstrip()), hint="a parenthesis or a part is missing"
    )


def _unrecognized(match: re.Match[str], text: str, _tokens: list[Token], _facts: Facts) -> QuerySyntaxError:
    found = text.find(match.group(1))
    hint = "a quote is not closed" if match.group(1)[:1] in "'\"`[" else None
    return QuerySyntaxError(
        f"cannot read {match.group(1)[:40]}", text=text, position=found if found >= 0 else None, hint=hint
    )


_TOO_LARGE = "ask for less in one query"
_DESCRIPTIONS: list[tuple[str, Callable[[re.Match[str], str, list[Token], Facts], QuerySyntaxError]]] = [
    (r"^no such column: (.+)$", _unknown_column),
    (r"^no such table: (.+)$", _unknown_table),
    (r"^no such function: (.+)$", _unknown_function),
    (r'^near "(.+)": syntax error$', _syntax),
    (r"^incomplete input$", _unfinished),
    (r'^unrecognized token: "(.*)"$', _unrecognized),
    (
        r"^ambiguous column name: (.+)$",
        _at_name("'{name}' could be a column of several views", "put the view's name before it: VIEW.{name}"),
    ),
    (
        r"^wrong number of arguments to function (.+)\(\)$",
        _at_name("'{name}' does not take that many arguments", "https://www.sqlite.org/lang_corefunc.html"),
    ),
    (
        r"^misuse of aggregate:? (?:function )?(.+)\(\)$",
        _at_name("'{name}' counts over rows and cannot stand here", "use 'having' after 'group by', or a subquery"),
    ),
    (
        r"You did not supply a value for binding (?:parameter )?:?(\w+)",
        _at_name("no value for ':{name}'", "give it in params"),
    ),
    (
        r"Binding \d+ has no name|Incorrect number of bindings",
        _at_name("'?' has no value", "name it, as ':name', and give params"),
    ),
    (r"too big|too long|user-defined function raised", _at_name("a value is larger than queries may make", _TOO_LARGE)),
    (r"too (?:large|many|complex|deep)|stack overflow|at most \d+", _at_name("the query is too large", _TOO_LARGE)),
    (r"attempt to write a readonly database", _at_name("this is read-only", _READ_ONLY)),
]
