"""Find `tensor_diff('A', 'B')` in a query and put the name of a view in its place, without moving anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelhub.catalog.query.tokens import Token, tokenize
from modelhub.errors import QuerySyntaxError

NAME = "tensor_diff"
MOST_CALLS = 8


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as it was written, and where in the text."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The query with names for calls, each as long as the call was, and what each name stands for."""

    text: str
    calls: Mapping[str, tuple[Revision, Revision]]


def rewrite(text: str, params: Mapping[str, Any]) -> Rewritten:
    """Replace each call by the name of a view that is to be made. Raises QuerySyntaxError for calls of another form."""
    if NAME not in text.lower():
        return Rewritten(text, {})
    tokens = tokenize(text)
    names: dict[tuple[str, str], str] = {}
    calls: dict[str, tuple[Revision, Revision]] = {}
    for index, token in enumerate(tokens):
        if token.name != NAME or [item.text for item in tokens[index + 1 : index + 2]] != ["("]:
            continue
        before, after = _arguments(text, tokens[index : index + 6], params)
        name = names.setdefault((before.text, after.text), NAME if not names else f"{NAME}_{len(names) + 1}")
        if len(names) > MOST_CALLS:
            raise QuerySyntaxError("too many comparisons in one query", text=text, position=token.position)
        calls.setdefault(name, (before, after))
        end = tokens[index + 5].position + 1
        text = text[: token.position] + name.ljust(end - token.position) + text[end:]
    return Rewritten(text, calls)


def _arguments(text: str, tokens: list[Token], params: Mapping[str, Any]) -> tuple[Revision, Revision]:
    shape = [token.text for token in tokens[1::2]]
    if len(tokens) == 6 and shape == ["(", ",", ")"]:
        found = [_revision(token, params) for token in tokens[2::2]]
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
    raise QuerySyntaxError(
        f"'{NAME}' takes two revisions, as text or parameters with a value",
        text=text,
        position=tokens[0].position,
        hint="as in: select * from tensor_diff('v1', 'v2')",
    )


def _revision(token: Token, params: Mapping[str, Any]) -> Revision | None:
    if token.kind == "string" and len(token.text) > 1 and token.text.endswith("'"):
        return Revision(token.text[1:-1].replace("''", "'"), token.position)
    value = params.get(token.text[1:]) if token.kind == "parameter" else None
    return Revision(value, token.position) if isinstance(value, str) else None
