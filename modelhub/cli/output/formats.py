"""Tabular results in the forms programs and documents take: JSON, JSON Lines, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from modelhub.cli.output.as_json import plain, stream_list
from modelhub.cli.output.tables import Column, Row, fits, render
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import cell_width, clean, pad

FORMATS = ("table", "json", "jsonl", "csv", "md")
LEAST_TEXT = 12


def encode_rows(
    style: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, ascii_only: bool = False
) -> Iterator[str]:
    """Yield the lines of a result in one of FORMATS but "table"; `name` is that of the JSON envelope."""
    if style == "json":
        yield from stream_list(name, (dict(zip(columns, row, strict=True)) for row in rows), ascii_only=ascii_only)
    elif style == "jsonl":
        for row in rows:
            yield json.dumps(dict(zip(columns, map(plain, row), strict=True)), ensure_ascii=ascii_only, allow_nan=False)
    elif style == "csv":
        yield from _csv(columns, rows)
    else:
        yield from _markdown(columns, rows)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in (columns, *rows) if isinstance(rows, Sequence) else _chain(columns, rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(["" if value is None else _flat(value) for value in row])
        yield line.getvalue().removesuffix("\n")


def _chain(first: Sequence[object], rest: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
    yield first
    yield from rest


def _flat(value: object) -> str:
    """Return a value as one text: lists and mappings as JSON."""
    simple = plain(value)
    if isinstance(simple, str):
        return simple
    return repr(simple) if isinstance(simple, float) else json.dumps(simple, ensure_ascii=False)


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a GitHub table, its columns padded; numbers stand on the right."""
    body = [["" if value is None else _markdown_cell(value) for value in row] for row in rows]
    titles = [_markdown_cell(title) for title in columns]
    widths = [max(3, *(cell_width(line[i]) for line in [titles, *body])) for i in range(len(titles))]
    right = [_is_number_column(body, i) for i in range(len(titles))]
    yield "| " + " | ".join(pad(title, width) for title, width in zip(titles, widths, strict=True)) + " |"
    yield (
        "|"
        + "|".join("-" * (width + 1) + (":" if number else "-") for width, number in zip(widths, right, strict=True))
        + "|"
    )
    for line in body:
        cells = (pad(text, width, right=number) for text, width, number in zip(line, widths, right, strict=True))
        yield "| " + " | ".join(cells) + " |"


def _markdown_cell(value: object) -> str:
    return clean(_flat(value).replace("\n", " ")).replace("\\", "\\\\").replace("|", "\\|")


def _is_number_column(body: Sequence[Sequence[str]], place: int) -> bool:
    return any(line[place] for line in body) and all(_is_number(line[place]) for line in body if line[place])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], terminal: Terminal) -> Iterator[str]:
    """Yield a table for a person; where a narrow terminal cannot hold it, each row as a list of its values."""
    body = [[_cell(value) for value in row] for row in rows]
    titles = [clean(title) for title in columns]
    layout = [
        Column(title, right=_is_number_column(body, place), least=LEAST_TEXT) for place, title in enumerate(titles)
    ]
    if fits(layout, body, terminal):
        yield from render(layout, body, terminal)
        return
    pairs = [Column(), Column(least=LEAST_TEXT)]
    for number, row in enumerate(body, 1):
        yield terminal.style(f"row {number}", "bold")
        listed: list[Row] = [(title, text) for title, text in zip(titles, row, strict=True)]
        yield from render(pairs, listed, terminal, indent=2, header=False)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else clean(_flat(value).replace("\n", " "))
