"""Tables for people: aligned columns that fit the terminal, by shortening names and leaving out the least important."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import cell_width, cut_end, pad

GAP = 2
BAREST = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its styles."""

    text: str
    styles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """How a column behaves when room is short.

    `rank` 0 is never left out; of the others the highest goes first. `least` is the width to which the text may be cut
    before other columns go (None: it is never cut), and `cut` how.
    """

    title: str = ""
    right: bool = False
    rank: int = 0
    least: int | None = None
    cut: Callable[[str, int, str], str] = cut_end


Row = Sequence[str | Cell]


def render(
    columns: Sequence[Column], rows: Sequence[Row], terminal: Terminal, *, indent: int = 0, header: bool = True
) -> Iterator[str]:
    """Yield the lines of a table. Texts must be clean already; nothing is cut where the terminal has no width."""
    widths = [
        max([cell_width(column.title) if header else 0, *(cell_width(_text(row[place])) for row in rows)])
        for place, column in enumerate(columns)
    ]
    chosen = _choose(columns, widths, None if terminal.width is None else terminal.width - indent)
    lead = " " * indent
    if header and any(column.title for column in columns):
        titles = [
            pad(cut_end(columns[i].title, widths[i], terminal.ellipsis), widths[i], right=columns[i].right)
            for i in chosen
        ]
        yield lead + terminal.style((" " * GAP).join(titles).rstrip(), "dim")
    for row in rows:
        cells = (_show(row[i], columns[i], widths[i], terminal) for i in chosen)
        yield (lead + (" " * GAP).join(cells)).rstrip()


def fits(columns: Sequence[Column], rows: Sequence[Row], terminal: Terminal) -> bool:
    """Tell whether every column finds room, if need be shortened."""
    if terminal.width is None:
        return True
    widths = [
        max([cell_width(column.title), *(cell_width(_text(row[place])) for row in rows)])
        for place, column in enumerate(columns)
    ]
    return (
        sum(_floor(column, width) for column, width in zip(columns, widths, strict=True)) + GAP * (len(columns) - 1)
        <= terminal.width
    )


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _floor(column: Column, width: int) -> int:
    return width if column.least is None else min(width, column.least)


def _choose(columns: Sequence[Column], widths: list[int], room: int | None) -> list[int]:
    """Return the columns to show, and shorten `widths` in place so that they fit."""
    chosen = [place for place, width in enumerate(widths) if width]
    if room is None:
        return chosen
    while sum(_floor(columns[i], widths[i]) for i in chosen) + GAP * (len(chosen) - 1) > room:
        droppable = [i for i in chosen if columns[i].rank]
        if not droppable:
            break
        chosen.remove(max(droppable, key=lambda i: (columns[i].rank, i)))
    _shorten(widths, {i: _floor(columns[i], widths[i]) for i in chosen}, room)
    _shorten(widths, {i: BAREST if columns[i].least else widths[i] for i in chosen}, room)
    return chosen


def _shorten(widths: list[int], floors: dict[int, int], room: int) -> None:
    """Take from the widest columns until all fit, from none more than down to its floor."""
    excess = sum(widths[i] for i in floors) + GAP * (len(floors) - 1) - room
    while excess > 0:
        cuttable = [i for i, floor in floors.items() if widths[i] > floor]
        if not cuttable:
            return
        widths[max(cuttable, key=lambda i: widths[i])] -= 1
        excess -= 1


def _show(cell: str | Cell, column: Column, width: int, terminal: Terminal) -> str:
    text = column.cut(_text(cell), width, terminal.ellipsis)
    padded = pad(text, width, right=column.right)
    if not isinstance(cell, Cell) or not cell.styles:
        return padded
    return padded.replace(text, terminal.style(text, *cell.styles), 1) if text else padded
