"""Cut a block into pieces that stay in a core's cache, of whole rows or of a part of one row."""

from __future__ import annotations

from msgspec import Struct

PIECE_ELEMENTS = 1 << 17


class RowPiece(Struct, frozen=True):
    """`span` are the elements within the block, `rows` the rows they are of: whole ones, or a part of one."""

    span: slice
    rows: slice

    @property
    def row_length(self) -> int:
        """How many elements each row has here."""
        length: int = (self.span.stop - self.span.start) // (self.rows.stop - self.rows.start)
        return length


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
            pieces.append(RowPiece(slice(begin, begin + count * length), slice(first + row, first + row + count)))
    end = start + whole * length
    return (*pieces, *_within(end, elements, first + whole))


def _within(start: int, stop: int, row: int) -> list[RowPiece]:
    """Return the pieces of a part of one row."""
    return [
        RowPiece(slice(begin, min(begin + PIECE_ELEMENTS, stop)), slice(row, row + 1))
        for begin in range(start, stop, PIECE_ELEMENTS)
    ]
