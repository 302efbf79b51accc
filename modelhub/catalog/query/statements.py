"""Cut text that people type or pipe in into statements, and find the values a statement asks for."""

from __future__ import annotations

from modelhub.catalog.query.tokens import Token, tokenize

_CLOSING = {"'": "'", '"': '"', "`": "`", "[": "]"}


def split_statements(text: str) -> list[str]:
    """Return the statements of a text that `;` separates, each without it; what is only blanks and comments is none."""
    statements = []
    start = 0
    tokens = tokenize(text)
    for token in tokens:
        if token.text == ";":
            statements.append(text[start : token.position])
            start = token.position + 1
    statements.append(text[start:])
    return [statement.strip() for statement in statements if tokenize(statement)]


def ends_statement(text: str) -> bool:
    """Tell whether the last thing in the text is a `;` that no text in quotes and no comment holds."""
    tokens = tokenize(text)
    return bool(tokens) and tokens[-1].text == ";"


def is_whole(text: str) -> bool:
    """Tell whether nothing is left open: no parenthesis, no quote, no comment, and something is there."""
    tokens = tokenize(text)
    if not tokens or _in_comment(text, tokens):
        return False
    depth = sum((token.text == "(") - (token.text == ")") for token in tokens)
    return depth <= 0 and not is_open(tokens[-1])


def is_open(token: Token) -> bool:
    """Tell whether a token is text in quotes whose end is missing."""
    if token.kind not in ("string", "quoted"):
        return False
    closing = _CLOSING[token.text[0]]
    inside = token.text[1:]
    if closing == "]":
        return "]" not in inside
    return (len(inside) - len(inside.rstrip(closing))) % 2 == 0


def parameter_names(text: str) -> tuple[str, ...]:
    """Return the names of the values (`:name`) a statement takes, in the order in which they appear."""
    names = (token.text[1:] for token in tokenize(text) if token.kind == "parameter" and token.text[0] != "?")
    return tuple(dict.fromkeys(names))


def _in_comment(text: str, tokens: list[Token]) -> bool:
    rest = text[tokens[-1].position + len(tokens[-1].text) :]
    return rest.rfind("/*") > rest.rfind("*/")
