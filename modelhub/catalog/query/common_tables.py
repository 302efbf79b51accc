"""Find the common table expressions (`with NAME as (...)`) of a query and how often they are unfolded.

SQLite copies the body of one at each mention before any limit applies, so a few lines can ask for millions of copies.
"""

from __future__ import annotations

from modelhub.catalog.query.tokens import Token

_FILLERS = ("not", "materialized")


def definitions(tokens: list[Token]) -> list[int]:
    """Return the indices of the names in NAME [(columns)] AS [NOT] [MATERIALIZED] ( ...: all that may define one."""
    closing = _next_closing(tokens)
    return [
        index
        for index, token in enumerate(tokens)
        if token.kind in ("word", "quoted", "string") and _opening(tokens, index, closing) is not None
    ]


def expansions(tokens: list[Token], most: int) -> int:
    """Return how often bodies are unfolded in all; counting stops at `most`. Cost: linear in the text."""
    mentions = _mentions(tokens)
    sizes: dict[str, int] = {}

    def size(name: str, above: frozenset[str]) -> int:
        if name not in sizes:
            below = above | {name}
            total = 1
            for inner, count in mentions[name].items():
                total += count * (1 if inner in below else size(inner, below))
            sizes[name] = min(total, most)
        return sizes[name]

    return min(sum(count * size(name, frozenset()) for name, count in mentions[""].items()), most)


def _mentions(tokens: list[Token]) -> dict[str, dict[str, int]]:
    """Count, for each definition and for the text as a whole (""), the definitions it mentions."""
    closing = _next_closing(tokens)
    starts = {
        opening: tokens[index].name for index in definitions(tokens) if (opening := _opening(tokens, index, closing))
    }
    found: dict[str, dict[str, int]] = {name: {} for name in ["", *starts.values()]}
    defining = set(definitions(tokens))
    open_names: list[tuple[int, str]] = []
    depth = 0
    for index, token in enumerate(tokens):
        if token.text == "(":
            depth += 1
            if index in starts:
                open_names.append((depth, starts[index]))
        elif token.text == ")":
            if open_names and open_names[-1][0] == depth:
                open_names.pop()
            depth -= 1
        elif token.name in found and token.name and index not in defining:
            inside = found[open_names[-1][1] if open_names else ""]
            inside[token.name] = inside.get(token.name, 0) + 1
    return found


def _next_closing(tokens: list[Token]) -> list[int]:
    """Return for each index that of the next closing parenthesis, or the number of tokens."""
    result = [len(tokens)] * (len(tokens) + 1)
    for index in range(len(tokens) - 1, -1, -1):
        result[index] = index if tokens[index].text == ")" else result[index + 1]
    return result


def _opening(tokens: list[Token], index: int, closing: list[int]) -> int | None:
    """Return the index of the parenthesis that opens the body of a definition named at `index`; None: not one."""

    def text(at: int) -> str:
        return tokens[at].text.lower() if at < len(tokens) else ""

    at = index + 1
    if text(at) == "(":
        at = closing[at] + 1
    if text(at) != "as":
        return None
    at += 1
    while text(at) in _FILLERS:
        at += 1
    return at if text(at) == "(" else None
