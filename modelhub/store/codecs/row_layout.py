"""How the rows of a matrix lie in a block, which may begin and end within one."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from modelhub.store.codecs.float_values import Values
from modelhub.store.codecs.row_pieces import RowPiece, row_pieces
from modelhub.store.item import Rows

DEFAULT_ROW = 1 << 10
"""What counts as a row in a tensor that has none, or too short or too long ones."""

SHORTEST_ROW = 16
LONGEST_ROW = 1 << 17


class RowLayout(Struct, frozen=True):
    """Rows of `length` items; of the first the first `lead` are not in the block. `pieces` cover the block."""

    length: int
    lead: int
    count: int
    pieces: tuple[RowPiece, ...]

    @classmethod
    def of(cls, elements: int, rows: Rows) -> RowLayout:
        """Return the layout of a block; rows of no use are replaced by some of DEFAULT_ROW."""
        fits = SHORTEST_ROW <= rows.length <= LONGEST_ROW
        length, lead = (rows.length, rows.lead) if fits else (DEFAULT_ROW, 0)
        return cls(length, lead, -(-(lead + elements) // length), row_pieces(elements, length, lead))

    def cut(self, rows: Values, piece: RowPiece) -> Values:
        """Return what a piece has of a matrix of its rows."""
        begin = self.lead + piece.span.start - piece.rows.start * self.length
        return rows.reshape(-1)[begin : begin + piece.span.stop - piece.span.start]

    def matrix(self, values: Values) -> Values:
        """Return the values as [rows, length], zeros where rows are not whole."""
        if values.size == self.count * self.length:
            return values.reshape(self.count, self.length)
        padded = np.zeros(self.count * self.length, np.float32)
        padded[self.lead : self.lead + values.size] = values
        return padded.reshape(self.count, self.length)
