"""Codecs 6, 7, 10, 11 and 13 to 16: steps from a prediction, packed by how large a step is to be expected.

The prediction is the base's number; for the codecs "of two" moved on by a share, one for each row, of the step from the
second base to the first; for all moved on by a product of two thin matrices where that pays. All steps of a row have
much the same real size: in units of the last place it goes by the exponent, so elements are packed by the difference
of the two; those of rows that only decayed by the mantissa (decayed_rows.py).
Layout: docs/reference/format/codecs.md. Measurements: docs/design/011-fitted-deltas.md, 014-binned-deltas.md.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.decayed_rows import DECAYED, undecayed
from modelhub.store.codecs.low_rank import unpack_factors
from modelhub.store.codecs.number_bits import as_bytes, words
from modelhub.store.codecs.packed_integers import SMALL_LEVEL, pack, unpack_into
from modelhub.store.codecs.prediction import Prediction, fit
from modelhub.store.codecs.row_keys import RowKeys, decayed_rows, keys_offset, row_classes, step_sizes
from modelhub.store.codecs.row_layout import LONGEST_ROW, SHORTEST_ROW, RowLayout
from modelhub.store.codecs.step_packing import APART, BINNED, GROUPED, StepPacking
from modelhub.store.item import NO_ROWS, Item, Rows

LEAST_ELEMENTS = 1 << 12

_HEADER = struct.Struct("<IIhHIII")


class FittedDelta(Struct, frozen=True):
    """Predicts, and packs the steps from the prediction.

    `bases` is 1 or, for the codecs "of two", 2; `decays`: rows that decay alone has moved have keys of their own.
    """

    id: int
    name: str
    bases: int
    packing: StepPacking
    decays: bool = False

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return header, row table, factors and packed steps if that is smaller than the block.

        With `decays` only where there are such rows.
        """
        if item.kind not in self.packing.kinds or len(bases) < self.bases or len(block) < LEAST_ELEMENTS * item.nbytes:
            return None
        if len(block) % item.nbytes or any(len(base) != len(block) for base in bases):
            return None
        new, *old = (words(part, item.nbytes) for part in (block, *bases[: self.bases]))
        layout = RowLayout.of(new.size, rows)
        decayed = decayed_rows(new, old[0], item.kind, layout) if self.decays else None
        if decayed is not None and not decayed.any():
            return None
        model, predicted, factors = fit(new, old, item.kind, layout, decayed)
        stored = row_classes(step_sizes(new, predicted, item.kind, layout), decayed)
        classes = stored if decayed is None else undecayed(stored)
        by_row = RowKeys(item.kind, classes, decayed, keys_offset(predicted, classes, item, layout))
        steps = self.packing.pack(new, predicted, layout.pieces, by_row)
        table = [
            pack(stored, SMALL_LEVEL),
            b"" if model.shares is None else pack(model.shares.view(np.uint8), SMALL_LEVEL),
        ]
        header = _HEADER.pack(layout.length, layout.lead, by_row.offset, 0, len(table[0]), len(table[1]), len(factors))
        frame = b"".join((header, *table, factors, steps))
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the predicted numbers moved by the steps."""
        if item.kind not in self.packing.kinds or len(bases) < self.bases or nbytes % item.nbytes:
            raise IntegrityError(f"a fitted delta cannot hold items of kind '{item.kind}' on {len(bases)} bases")
        if any(len(base) != nbytes for base in bases):
            raise IntegrityError("the base of a delta does not fit it")
        old = [words(base, item.nbytes) for base in bases[: self.bases]]
        parts = _read(memoryview(frame), nbytes // item.nbytes, item.kind, two=self.bases == 2, decays=self.decays)
        walk = self.packing.walk(parts.steps, old[0].size, parts.layout.pieces, parts.by_row)
        new = np.empty_like(old[0])
        predict = parts.model.predictor(old, item.kind, parts.layout)
        for piece in parts.layout.pieces:
            walk(piece, predict(piece), new[piece.span])
        return as_bytes(new)


class _Parts(Struct, frozen=True):
    layout: RowLayout
    by_row: RowKeys
    model: Prediction
    steps: memoryview


def _read(frame: memoryview, elements: int, kind: str, *, two: bool, decays: bool) -> _Parts:
    damaged = IntegrityError("the header of a fitted delta is damaged")
    if len(frame) < _HEADER.size or not elements:
        raise damaged
    length, lead, offset, spare, *nbytes = _HEADER.unpack_from(frame)
    at = _HEADER.size
    if spare or not SHORTEST_ROW <= length <= LONGEST_ROW or lead >= length or at + sum(nbytes) > len(frame):
        raise damaged
    if abs(offset) > 1 << 12 or bool(nbytes[1]) != two:
        raise damaged
    parts = []
    for part in nbytes:
        parts.append(frame[at : at + part])
        at += part
    layout = RowLayout.of(elements, Rows(length, lead))
    classes = np.empty(layout.count, np.uint8)
    unpack_into(bytes(parts[0]), classes)
    shares = np.empty(layout.count, np.uint8) if two else None
    if shares is not None:
        unpack_into(bytes(parts[1]), shares)
    factors = unpack_factors(parts[2], layout.count, layout.length) if nbytes[2] else None
    model = Prediction(None if shares is None else shares.view(np.int8), factors)
    decayed = classes == DECAYED if decays else None
    by_row = RowKeys(kind, undecayed(classes) if decays else classes, decayed, offset)
    return _Parts(layout, by_row, model, frame[at:])


FITTED_DELTA = FittedDelta(6, "fitted delta", 1, GROUPED)
FITTED_DELTA_OF_TWO = FittedDelta(7, "fitted delta of two", 2, GROUPED)
DECAY_DELTA = FittedDelta(10, "decay delta", 1, GROUPED, decays=True)
DECAY_DELTA_OF_TWO = FittedDelta(11, "decay delta of two", 2, GROUPED, decays=True)
FITTED_BINNED_DELTA = FittedDelta(13, "fitted binned delta", 1, BINNED)
FITTED_BINNED_DELTA_OF_TWO = FittedDelta(14, "fitted binned delta of two", 2, BINNED)
BINNED_DECAY_DELTA = FittedDelta(15, "binned decay delta", 1, APART, decays=True)
BINNED_DECAY_DELTA_OF_TWO = FittedDelta(16, "binned decay delta of two", 2, APART, decays=True)
