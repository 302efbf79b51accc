"""Codecs 6, 7, 10 and 11: steps from a prediction, grouped by how large a step the row and exponent let expect.

The prediction is the base's number; for codecs 7 and 11 moved on by a share, one for each row, of the step from the
second base to the first; for all moved on by a product of two thin matrices where that pays. All steps of a row have
much the same real size: in units of the last place it goes by the exponent, so elements are grouped by the difference
of the two; for codecs 10 and 11 rows that only decayed by the mantissa (decayed_rows.py).
Layout: docs/reference/format/codecs.md. Measurements: docs/design/011-fitted-deltas.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store import loops
from modelhub.store.codecs.decayed_rows import DECAYED, Marks, find_decayed, key_by_mantissa, top_of_mantissa, undecayed
from modelhub.store.codecs.float_values import KINDS, Values, values_of
from modelhub.store.codecs.grouping import GroupReader, pack_steps
from modelhub.store.codecs.low_rank import Factors, find_factors, pack_factors, unpack_factors
from modelhub.store.codecs.number_bits import Words, as_bytes, exponent_field, words
from modelhub.store.codecs.packed_integers import pack, unpack_into
from modelhub.store.codecs.row_pieces import RowPiece, row_pieces
from modelhub.store.codecs.scratch import scratch
from modelhub.store.item import NO_ROWS, Item, Rows
from modelhub.store.loops.groups import Keys

LEAST_ELEMENTS = 1 << 12
MIN_GROUP_ELEMENTS = 1 << 12
DEFAULT_ROW = 1 << 10
"""What counts as a row in a tensor that has none, or too short or too long ones."""

SHORTEST_ROW = 16
LONGEST_ROW = 1 << 17
SHARE_UNIT = np.float32(1 / 64)

_LEVEL = 8
_HEADER = struct.Struct("<IIhHIII")
_TINY = np.float32(2.0**-100)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Rows of `length` items; of the first the first `lead` are not in the block. `pieces` cover the block."""

    length: int
    lead: int
    count: int
    pieces: tuple[RowPiece, ...]

    @classmethod
    def of(cls, elements: int, rows: Rows) -> _Layout:
        fits = SHORTEST_ROW <= rows.length <= LONGEST_ROW
        length, lead = (rows.length, rows.lead) if fits else (DEFAULT_ROW, 0)
        return cls(length, lead, -(-(lead + elements) // length), row_pieces(elements, length, lead))

    def cut(self, rows: Values, piece: RowPiece) -> Values:
        """Return what a piece has of a matrix of its rows."""
        begin = self.lead + piece.span.start - piece.rows.start * self.length
        return rows.reshape(-1)[begin : begin + piece.span.stop - piece.span.start]


@dataclass(frozen=True, slots=True)
class FittedDelta:
    """Predicts, and packs the steps from the prediction.

    `bases` is 1 for codecs 6 and 10, 2 for codecs 7 and 11; `decays`: rows that decay alone has moved have keys of
    their own, codecs 10 and 11.
    """

    id: int
    name: str
    bases: int
    decays: bool = False

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return header, row table, factors and groups if that is smaller than the block.

        With `decays` only where there are such rows.
        """
        if item.kind not in KINDS or len(bases) < self.bases or len(block) < LEAST_ELEMENTS * item.nbytes:
            return None
        if len(block) % item.nbytes or any(len(base) != len(block) for base in bases):
            return None
        new, *old = (words(part, item.nbytes) for part in (block, *bases[: self.bases]))
        layout = _Layout.of(new.size, rows)
        decayed = _decayed(new, old[0], item.kind, layout) if self.decays else None
        if decayed is not None and not decayed.any():
            return None
        model, predicted, factors = _fit(new, old, item.kind, layout, decayed)
        stored = _classes(_step_sizes(new, predicted, item.kind, layout), decayed)
        classes = stored if decayed is None else undecayed(stored)
        by_row = _RowKeys(classes, decayed, _offset(predicted, classes, item, layout))
        keys: Keys = scratch("keys", new.size, np.uint8)
        for piece in layout.pieces:
            by_row.write(predicted[piece.span], item, piece, keys[piece.span])
        spans = [piece.span for piece in layout.pieces]
        groups = pack_steps(new, predicted, keys, spans, is_float=True, least=MIN_GROUP_ELEMENTS, level=_LEVEL)
        table = [pack(stored, _LEVEL), b"" if model.shares is None else pack(model.shares.view(np.uint8), _LEVEL)]
        header = _HEADER.pack(layout.length, layout.lead, by_row.offset, 0, len(table[0]), len(table[1]), len(factors))
        frame = b"".join((header, *table, factors, groups))
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the predicted numbers moved by the steps."""
        if item.kind not in KINDS or len(bases) < self.bases or nbytes % item.nbytes:
            raise IntegrityError(f"a fitted delta cannot hold items of kind '{item.kind}' on {len(bases)} bases")
        if any(len(base) != nbytes for base in bases):
            raise IntegrityError("the base of a delta does not fit it")
        old = [words(base, item.nbytes) for base in bases[: self.bases]]
        parts = _read(memoryview(frame), nbytes // item.nbytes, two=self.bases == 2, decays=self.decays)
        groups = GroupReader(parts.groups, old[0].dtype, old[0].size, is_float=True)
        new = np.empty_like(old[0])
        predict = parts.model.predictor(old, item.kind, parts.layout)
        for piece in parts.layout.pieces:
            known = predict(piece)
            keys: Keys = scratch("keys", known.size, np.uint8)
            parts.by_row.write(known, item, piece, keys)
            groups.walk(keys, known, new[piece.span])
        return as_bytes(new)


@dataclass(frozen=True, slots=True)
class _Model:
    """How numbers are predicted: `shares` int8 [rows] of the step before, in 64ths, and `factors` of what remains."""

    shares: NDArray[np.int8] | None
    factors: Factors | None

    def predict(self, old: Sequence[Words], kind: str, layout: _Layout) -> Words:
        """Return the bits of the predicted numbers; of one base without factors that base itself."""
        if self.shares is None and self.factors is None:
            return old[0]
        predicted = np.empty_like(old[0])
        predictor = self.predictor(old, kind, layout)
        for piece in layout.pieces:
            predicted[piece.span] = predictor(piece)
        return predicted

    def predictor(self, old: Sequence[Words], kind: str, layout: _Layout) -> Callable[[RowPiece], Words]:
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


@dataclass(frozen=True, slots=True)
class _RowKeys:
    """The keys of elements by their rows: the class of each, 0 to 255; which have decayed; what is added to all."""

    classes: NDArray[np.uint8]
    decayed: Marks | None
    offset: int

    def write(self, predicted: Words, item: Item, piece: RowPiece, keys: Keys) -> None:
        """Write the key of each element of a piece with these predicted bits.

        That is class - 2 x exponent + offset, from 0 to 255; of decayed rows it goes by the mantissa.
        """
        by_row = self.classes[piece.rows] + np.int16(self.offset)
        loops.row_keys(predicted, by_row, keys, *exponent_field(item.kind), piece.row_length)
        if self.decayed is not None:
            key_by_mantissa(keys, predicted, self.decayed[piece.rows], item.kind)


@dataclass(frozen=True, slots=True)
class _Parts:
    layout: _Layout
    by_row: _RowKeys
    model: _Model
    groups: memoryview


def _fit(
    new: Words, old: Sequence[Words], kind: str, layout: _Layout, decayed: Marks | None
) -> tuple[_Model, Words, bytes]:
    """Find the shares by least squares in each row, and factors of what they leave; return what they predict too.

    Decayed rows have neither.
    """
    with np.errstate(all="ignore"):
        change = _matrix(_difference(new, old[0], kind), layout)
        if decayed is not None:
            change = np.where(decayed[:, None], np.float32(0), change)
        shares = None
        if len(old) == 2:
            before = _matrix(_difference(old[0], old[1], kind), layout)
            size = np.einsum("ij,ij->i", before, before)
            found = np.einsum("ij,ij->i", change, before) / np.maximum(size, _TINY)
            shares = np.rint(np.nan_to_num(found * 64).clip(-127, 127)).astype(np.int8)
            change = change - before * (shares * SHARE_UNIT)[:, None]
    plain = _Model(shares, None)
    predicted = plain.predict(old, kind, layout)
    factors = find_factors(change)
    if factors is None:
        return plain, predicted, b""
    fitted = _Model(shares, factors)
    better = fitted.predict(old, kind, layout)
    packed = pack_factors(factors)
    worth = _step_bits(new, predicted, kind, layout) - 8 * len(packed)
    return (fitted, better, packed) if _step_bits(new, better, kind, layout) < worth else (plain, predicted, b"")


def _step_bits(new: Words, predicted: Words, kind: str, layout: _Layout) -> float:
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


def _difference(new: Words, old: Words, kind: str) -> Values:
    """Return new - old as finite float32."""
    found: Values = values_of(new, kind) - values_of(old, kind)
    finite = np.isfinite(found)
    return found if finite.all() else np.where(finite, found, np.float32(0))


def _matrix(values: Values, layout: _Layout) -> Values:
    """Return the values as [rows, length], zeros where rows are not whole."""
    if values.size == layout.count * layout.length:
        return values.reshape(layout.count, layout.length)
    padded = np.zeros(layout.count * layout.length, np.float32)
    padded[layout.lead : layout.lead + values.size] = values
    return padded.reshape(layout.count, layout.length)


def _step_sizes(new: Words, predicted: Words, kind: str, layout: _Layout) -> NDArray[np.int64]:
    """Return the size of the steps of each row in half octaves: the top bits of the square of the mean root."""
    with np.errstate(all="ignore"):
        roots = np.sqrt(np.abs(_difference(new, predicted, kind)))
    sums = _matrix(roots, layout).sum(axis=1)
    ends = np.minimum((np.arange(layout.count) + 1) * layout.length, layout.lead + new.size)
    counts = ends - np.maximum(np.arange(layout.count) * layout.length, layout.lead)
    means = np.maximum(np.square(sums / counts.astype(np.float32)), _TINY)
    sizes: NDArray[np.int64] = (means.astype(np.float32).view(np.uint32) >> np.uint32(22)).astype(np.int64)
    return sizes


def _decayed(new: Words, old: Words, kind: str, layout: _Layout) -> Marks:
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


def _classes(sizes: NDArray[np.int64], decayed: Marks | None) -> NDArray[np.uint8]:
    """Return the class of each row, from the least size on; of a decayed one DECAYED."""
    if decayed is None:
        return np.minimum(sizes - int(sizes.min()), 255).astype(np.uint8)
    others = sizes[~decayed]
    classes = np.full(sizes.size, DECAYED, np.uint8)
    if others.size:
        classes[~decayed] = np.minimum(others - int(others.min()), DECAYED - 1)
    return classes


def _offset(predicted: Words, classes: NDArray[np.uint8], item: Item, layout: _Layout) -> int:
    """Return what to add to class - 2 x exponent so that the most common keys lie in the middle of 0 to 255."""
    piece = layout.pieces[len(layout.pieces) // 2]
    fields: Keys = scratch("keys", piece.span.stop - piece.span.start, np.uint8)
    loops.fields(predicted[piece.span], fields, *exponent_field(item.kind))
    by_row = classes[piece.rows].astype(np.int16).repeat(piece.row_length)
    return 128 - int(np.median(by_row - (fields.astype(np.int16) << np.int16(1))))


def _read(frame: memoryview, elements: int, *, two: bool, decays: bool) -> _Parts:
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
    layout = _Layout.of(elements, Rows(length, lead))
    classes = np.empty(layout.count, np.uint8)
    unpack_into(bytes(parts[0]), classes)
    shares = np.empty(layout.count, np.uint8) if two else None
    if shares is not None:
        unpack_into(bytes(parts[1]), shares)
    factors = unpack_factors(parts[2], layout.count, layout.length) if nbytes[2] else None
    model = _Model(None if shares is None else shares.view(np.int8), factors)
    by_row = _RowKeys(undecayed(classes), classes == DECAYED, offset) if decays else _RowKeys(classes, None, offset)
    return _Parts(layout, by_row, model, frame[at:])


FITTED_DELTA = FittedDelta(6, "fitted delta", 1)
FITTED_DELTA_OF_TWO = FittedDelta(7, "fitted delta of two", 2)
DECAY_DELTA = FittedDelta(10, "decay delta", 1, decays=True)
DECAY_DELTA_OF_TWO = FittedDelta(11, "decay delta of two", 2, decays=True)
