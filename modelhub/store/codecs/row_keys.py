"""Keys that say how large the steps of elements are to be expected: by the row, the exponent, and what decay did."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelhub.store import loops
from modelhub.store.codecs.decayed_rows import DECAYED, Marks, find_decayed, key_by_mantissa, top_of_mantissa
from modelhub.store.codecs.number_bits import Words, exponent_field
from modelhub.store.codecs.prediction import TINY, difference
from modelhub.store.codecs.row_layout import RowLayout
from modelhub.store.codecs.row_pieces import RowPiece
from modelhub.store.codecs.scratch import scratch
from modelhub.store.item import Item
from modelhub.store.loops.groups import Keys


class RowKeys(Struct, frozen=True):
    """The keys of elements by their rows: the class of each, 0 to 255; which have decayed; what is added to all."""

    kind: str
    classes: NDArray[np.uint8]
    decayed: Marks | None
    offset: int

    def write(self, predicted: Words, piece: RowPiece, keys: Keys) -> None:
        """Write the key of each element of a piece with these predicted bits.

        That is class - 2 x exponent + offset, from 0 to 255; of decayed rows it goes by the mantissa.
        """
        self.write_by_class(predicted, self.classes[piece.rows], piece.row_length, keys)
        if self.decayed is not None:
            key_by_mantissa(keys, predicted, self.decayed[piece.rows], self.kind)

    def write_by_class(self, predicted: Words, classes: NDArray[np.uint8], length: int, keys: Keys) -> None:
        """Write the key of each element of rows of these classes, whether they have decayed or not."""
        loops.row_keys(predicted, classes + np.int16(self.offset), keys, *exponent_field(self.kind), length)


def step_sizes(new: Words, predicted: Words, kind: str, layout: RowLayout) -> NDArray[np.int64]:
    """Return the size of the steps of each row in half octaves: the top bits of the square of the mean root."""
    with np.errstate(all="ignore"):
        roots = np.sqrt(np.abs(difference(new, predicted, kind)))
    sums = layout.matrix(roots).sum(axis=1)
    ends = np.minimum((np.arange(layout.count) + 1) * layout.length, layout.lead + new.size)
    counts = ends - np.maximum(np.arange(layout.count) * layout.length, layout.lead)
    means = np.maximum(np.square(sums / counts.astype(np.float32)), TINY)
    sizes: NDArray[np.int64] = (means.astype(np.float32).view(np.uint32) >> np.uint32(22)).astype(np.int64)
    return sizes


def decayed_rows(new: Words, old: Words, kind: str, layout: RowLayout) -> Marks:
    """Tell which whole rows decay alone has moved."""
    begin = (layout.length - layout.lead) % layout.length
    first, whole = bool(layout.lead), (new.size - begin) // layout.length
    found = np.zeros(layout.count, np.bool_)
    if whole > 0:
        span = slice(begin, begin + whole * layout.length)
        shape = whole, layout.length
        steps = (new[span] - old[span]).view(f"<i{new.dtype.itemsize}").reshape(shape)
        found[first : first + whole] = find_decayed(steps, top_of_mantissa(old[span], kind).reshape(shape))
    return found


def row_classes(sizes: NDArray[np.int64], decayed: Marks | None) -> NDArray[np.uint8]:
    """Return the class of each row, from the least size on; of a decayed one DECAYED."""
    if decayed is None:
        return np.minimum(sizes - int(sizes.min()), 255).astype(np.uint8)
    others = sizes[~decayed]
    classes = np.full(sizes.size, DECAYED, np.uint8)
    if others.size:
        classes[~decayed] = np.minimum(others - int(others.min()), DECAYED - 1)
    return classes


def keys_offset(predicted: Words, classes: NDArray[np.uint8], item: Item, layout: RowLayout) -> int:
    """Return what to add to class - 2 x exponent so that the most common keys lie in the middle of 0 to 255."""
    piece = layout.pieces[len(layout.pieces) // 2]
    fields: Keys = scratch("keys", piece.span.stop - piece.span.start, np.uint8)
    loops.fields(predicted[piece.span], fields, *exponent_field(item.kind))
    by_row = classes[piece.rows].astype(np.int16).repeat(piece.row_length)
    return 128 - int(np.median(by_row - (fields.astype(np.int16) << np.int16(1))))
