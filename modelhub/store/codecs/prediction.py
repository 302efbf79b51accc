"""What training did to rows before, and in few directions to all of a matrix: a prediction of the next numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelhub.store import loops
from modelhub.store.codecs.decayed_rows import Marks
from modelhub.store.codecs.float_values import KINDS, Values, values_of
from modelhub.store.codecs.low_rank import Factors, find_factors, pack_factors
from modelhub.store.codecs.number_bits import Words
from modelhub.store.codecs.row_layout import RowLayout
from modelhub.store.codecs.row_pieces import RowPiece
from modelhub.store.codecs.scratch import scratch

SHARE_UNIT = np.float32(1 / 64)
TINY = np.float32(2.0**-100)


class Prediction(Struct, frozen=True):
    """How numbers are predicted: `shares` int8 [rows] of the step before, in 64ths, and `factors` of what remains."""

    shares: NDArray[np.int8] | None
    factors: Factors | None

    def predict(self, old: Sequence[Words], kind: str, layout: RowLayout) -> Words:
        """Return the bits of the predicted numbers; of one base without factors that base itself."""
        if self.shares is None and self.factors is None:
            return old[0]
        predicted = np.empty_like(old[0])
        predictor = self.predictor(old, kind, layout)
        for piece in layout.pieces:
            predicted[piece.span] = predictor(piece)
        return predicted

    def predictor(self, old: Sequence[Words], kind: str, layout: RowLayout) -> Callable[[RowPiece], Words]:
        """Return what gives the predicted bits of a piece, the thread's own until the next call."""
        shares = None if self.shares is None else self.shares * SHARE_UNIT
        product = None if self.factors is None else self.factors.rows_product()

        def predict(piece: RowPiece) -> Words:
            known = old[0][piece.span]
            if shares is None and product is None:
                return known
            before = None if shares is None else (old[1][piece.span], shares[piece.rows])
            moved = None if product is None else layout.cut(product(piece.rows), piece)
            found: Words = scratch("predicted", known.size, known.dtype)
            loops.predict(known, before, moved, found, KINDS.index(kind), piece.row_length)
            return found

        return predict


def fit(
    new: Words, old: Sequence[Words], kind: str, layout: RowLayout, decayed: Marks | None
) -> tuple[Prediction, Words, bytes]:
    """Find the shares by least squares in each row, and factors of what they leave; return what they predict too.

    Decayed rows have neither.
    """
    with np.errstate(all="ignore"):
        change = layout.matrix(difference(new, old[0], kind))
        if decayed is not None:
            change = np.where(decayed[:, None], np.float32(0), change)
        shares = None
        if len(old) == 2:
            before = layout.matrix(difference(old[0], old[1], kind))
            size = np.einsum("ij,ij->i", before, before)
            found = np.einsum("ij,ij->i", change, before) / np.maximum(size, TINY)
            shares = np.rint(np.nan_to_num(found * 64).clip(-127, 127)).astype(np.int8)
            change = change - before * (shares * SHARE_UNIT)[:, None]
    plain = Prediction(shares, None)
    predicted = plain.predict(old, kind, layout)
    factors = find_factors(change)
    if factors is None:
        return plain, predicted, b""
    fitted = Prediction(shares, factors)
    better = fitted.predict(old, kind, layout)
    packed = pack_factors(factors)
    worth = _step_bits(new, predicted, kind, layout) - 8 * len(packed)
    return (fitted, better, packed) if _step_bits(new, better, kind, layout) < worth else (plain, predicted, b"")


def _step_bits(new: Words, predicted: Words, kind: str, layout: RowLayout) -> float:
    """Return about the bits of all steps: the logarithms of their sizes in units of the last place."""
    total = 0.0
    for piece in layout.pieces:
        some = new[piece.span]
        steps: Words = scratch("naturals", some.size, some.dtype)
        loops.step(some, predicted[piece.span], steps, some.itemsize, True)
        sizes = steps.astype(np.float32)
        sizes += np.float32(1)
        total += float(np.log2(sizes, out=sizes).sum(dtype=np.float64))
    return total


def difference(new: Words, old: Words, kind: str) -> Values:
    """Return new - old as finite float32."""
    found: Values = values_of(new, kind) - values_of(old, kind)
    finite = np.isfinite(found)
    return found if finite.all() else np.where(finite, found, np.float32(0))
