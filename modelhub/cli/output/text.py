"""Text from the repository made safe and fit for a terminal: control characters escaped, widths counted, names cut."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"


def clean(text: str) -> str:
    """Return one line of text with control and invisible characters written as escapes (`\\x1b`)."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == _JOINER else _escape(letter) for letter in text)


def clean_lines(text: str) -> list[str]:
    """Return the lines of a message, each made safe; tabs become spaces."""
    if text.isprintable():
        return [text.rstrip()]
    return [clean(line.rstrip()) for line in text.expandtabs(4).rstrip().split("\n")]


def first_line(text: str) -> str:
    """Return the subject of a message, made safe."""
    return clean(text.strip().partition("\n")[0].rstrip())


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")


def cell_width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_letter_width, text))


def _letter_width(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def cut_end(text: str, width: int, ellipsis: str = "…") -> str:
    """Return the text, its end cut off so that it takes at most `width` columns."""
    return text if cell_width(text) <= width else _head(text, width - len(ellipsis)) + ellipsis[: max(width, 0)]


def cut_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """Return the text, its middle cut out so that it takes at most `width` columns: both ends tell something."""
    if cell_width(text) <= width:
        return text
    room = width - len(ellipsis)
    if room < 4:
        return cut_end(text, width, ellipsis)
    tail = _head(text[::-1], room - room // 3)[::-1]
    return _head(text, room // 3) + ellipsis + tail


def abbreviate(text: str, width: int, ellipsis: str = "…") -> str:
    """Return a dotted name, shortened to `width` columns as loggers do: 'e.l.11.attention.query.weight'."""
    parts = text.split(".")
    for place, part in enumerate(parts[:-1]):
        if cell_width(".".join(parts)) <= width:
            break
        if part and not part.isdecimal():
            parts[place] = part[0]
    return cut_middle(".".join(parts), width, ellipsis)


def _head(text: str, width: int) -> str:
    taken = 0
    for position, letter in enumerate(text):
        taken += _letter_width(letter)
        if taken > width:
            return text[:position]
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return the text filled up with spaces to `width` columns, on the left of it with `right`."""
    space = " " * (width - cell_width(text))
    return space + text if right else text + space
