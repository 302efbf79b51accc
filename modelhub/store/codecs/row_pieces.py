"""Cut a block into pieces, and those into parts that stay in a core's cache, of whole rows or of a part of one row."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from modelhub.store.codecs.number_bits import PART_ELEMENTS, parts_of

PIECE_ELEMENTS = 1 << 17


@dataclass(frozen=True, slots=True)
class RowPiece:
    """`span` are the elements within the block, `rows` the rows they are of; `whole`: all of each row is there."""

    span: slice
    rows: slice
    whole: bool


def row_pieces(elements: int, length: int, lead: int) -> tuple[RowPiece, ...]:
    """Return the pieces of a block whose rows have `length` elements; of its first row the first `lead` are missing."""
    pieces: list[RowPiece] = []
    start = 0
    if lead:
        start = min(length - lead, elements)
        pieces += _within(0, start, 0)
    first, whole = bool(lead), (elements - start) // length
    at_once = max(1, PIECE_ELEMENTS // length)
    for row in range(0, whole, at_once):
        count = min(at_once, whole - row)
        begin = start + row * length
        if length > PIECE_ELEMENTS:
            pieces += _within(begin, begin + length, first + row)
        else:
            pieces.append(
                RowPiece(slice(begin, begin + count * length), slice(first + row, first + row + count), whole=True)
            )
    end = start + whole * length
    return (*pieces, *_within(end, elements, first + whole))


def row_parts(piece: RowPiece) -> list[RowPiece]:
    """Return the parts of a piece: whole rows where they are short enough."""
    length = (piece.span.stop - piece.span.start) // (piece.rows.stop - piece.rows.start)
    at_once = PART_ELEMENTS // length
    if not piece.whole or not at_once:
        return [RowPiece(span, piece.rows, whole=False) for span in parts_of(piece.span)]
    begin = piece.span.start - piece.rows.start * length
    bounds = [*range(piece.rows.start, piece.rows.stop, at_once), piece.rows.stop]
    return [
        RowPiece(slice(begin + row * length, begin + after * length), slice(row, after), whole=True)
        for row, after in pairwise(bounds)
    ]


def _within(start: int, stop: int, row: int) -> list[RowPiece]:
    """Return the pieces of a part of one row."""
    return [
        RowPiece(slice(begin, min(begin + PIECE_ELEMENTS, stop)), slice(row, row + 1), whole=False)
        for begin in range(start, stop, PIECE_ELEMENTS)
    ]
