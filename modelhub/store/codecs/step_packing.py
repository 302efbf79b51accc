"""How the steps of fitted deltas are packed, once each element has a key: in groups, in bins, decayed rows apart."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from modelhub.errors import IntegrityError, InternalError
from modelhub.store.codecs.binned_steps import KIND, BinnedReader, pack_binned, turns
from modelhub.store.codecs.decayed_rows import Marks
from modelhub.store.codecs.float_values import KINDS
from modelhub.store.codecs.grouping import GroupReader, pack_steps
from modelhub.store.codecs.number_bits import Words
from modelhub.store.codecs.packed_integers import SMALL_LEVEL
from modelhub.store.codecs.row_keys import RowKeys
from modelhub.store.codecs.row_pieces import RowPiece
from modelhub.store.codecs.scratch import scratch
from modelhub.store.codecs.usual_steps import UsualReader, pack_usual
from modelhub.store.item import item_nbytes
from modelhub.store.loops.groups import Keys

MIN_GROUP_ELEMENTS = 1 << 12

HALF_OCTAVES = turns(-4)
"""A key more is half an octave, four bins."""

Walk = Callable[[RowPiece, Words, Words], None]
"""Writes the numbers of the next piece to the third, which lie its steps from the second."""


class StepPacking(Protocol):
    """Packs and unpacks the steps of a block. What cannot be unpacked raises IntegrityError, at once or when walked."""

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of floats that can be packed."""

    def pack(self, new: Words, known: Words, pieces: Sequence[RowPiece], by_row: RowKeys) -> bytes:
        """Return the packed steps from `known` to `new`."""

    def walk(self, packed: memoryview, elements: int, pieces: Sequence[RowPiece], by_row: RowKeys) -> Walk:
        """Return what walks the pieces in their order."""


class GroupedPacking:
    """Sorted by key, and a pcodec file for each group."""

    kinds: Sequence[str] = KINDS

    def pack(self, new: Words, known: Words, pieces: Sequence[RowPiece], by_row: RowKeys) -> bytes:
        """Return the group table and groups."""
        spans = [piece.span for piece in pieces]
        keys = _keys(known, pieces, by_row)
        return pack_steps(new, known, keys, spans, is_float=True, least=MIN_GROUP_ELEMENTS, level=SMALL_LEVEL)

    def walk(self, packed: memoryview, elements: int, pieces: Sequence[RowPiece], by_row: RowKeys) -> Walk:
        """Unpack all groups."""
        groups = GroupReader(packed, np.dtype(f"<u{item_nbytes(by_row.kind)}"), elements, is_float=True)
        return lambda piece, known, out: groups.walk(_piece_keys(known, piece, by_row), known, out)


class BinnedPacking:
    """In bins that turn by key."""

    kinds: Sequence[str] = (KIND,)

    def pack(self, new: Words, known: Words, pieces: Sequence[RowPiece], by_row: RowKeys) -> bytes:
        """Return spikes, symbols and bits below."""
        return pack_binned(new, known, _keys(known, pieces, by_row), HALF_OCTAVES, thorough=True)

    def walk(self, packed: memoryview, elements: int, pieces: Sequence[RowPiece], by_row: RowKeys) -> Walk:
        """Unpack the symbols."""
        bins = BinnedReader(packed, elements, HALF_OCTAVES)
        return lambda piece, known, out: bins.walk(_piece_keys(known, piece, by_row), known, out)


class ApartPacking:
    """Decayed rows, which are known, by their usual steps, all others in bins."""

    kinds: Sequence[str] = (KIND,)

    _LENGTH = struct.Struct("<I")

    def pack(self, new: Words, known: Words, pieces: Sequence[RowPiece], by_row: RowKeys) -> bytes:
        """Return the length of the usual steps, those, and what is binned. At least one row has decayed."""
        decayed = _marks(by_row)
        moved, before = (_gathered(part, pieces, decayed) for part in (new, known))
        usual = pack_usual(moved, before)
        keys = _gathered(_keys(known, pieces, replace(by_row, decayed=None)), pieces, ~decayed)
        moved, before = (_gathered(part, pieces, ~decayed) for part in (new, known))
        bins = pack_binned(moved, before, keys, HALF_OCTAVES, thorough=True)
        return b"".join((self._LENGTH.pack(len(usual)), usual, bins))

    def walk(self, packed: memoryview, elements: int, pieces: Sequence[RowPiece], by_row: RowKeys) -> Walk:
        """Unpack both."""
        decayed = _marks(by_row)
        nbytes = self._LENGTH.unpack_from(packed)[0] if len(packed) >= self._LENGTH.size else len(packed)
        count, begin = sum(_count(piece, decayed) for piece in pieces), self._LENGTH.size
        if begin + nbytes > len(packed):
            raise IntegrityError("the header of a binned decay delta is damaged")
        usual = UsualReader(packed[begin : begin + nbytes], count)
        bins = BinnedReader(packed[begin + nbytes :], elements - count, HALF_OCTAVES)

        def walk_others(known: Words, classes: NDArray[np.uint8], length: int, out: Words) -> None:
            keys: Keys = scratch("keys", known.size, np.uint8)
            by_row.write_by_class(known, classes, length, keys)
            bins.walk(keys, known, out)

        def walk(piece: RowPiece, known: Words, out: Words) -> None:
            marks, classes, length = decayed[piece.rows], by_row.classes[piece.rows], piece.row_length
            if not marks.any():
                walk_others(known, classes, length, out)
                return
            usual.walk(known, marks, out, length)
            others = known.reshape(-1, length)[~marks].reshape(-1)
            found: Words = scratch("piece", others.size, others.dtype)
            walk_others(others, classes[~marks], length, found)
            out.reshape(-1, length)[~marks] = found.reshape(-1, length)

        return walk


def _marks(by_row: RowKeys) -> Marks:
    if by_row.decayed is None:
        raise InternalError("which rows have decayed is not known")
    return by_row.decayed


def _piece_keys(known: Words, piece: RowPiece, by_row: RowKeys) -> Keys:
    """Return the keys of a piece, the thread's own until the next call."""
    keys: Keys = scratch("keys", known.size, np.uint8)
    by_row.write(known, piece, keys)
    return keys


def _keys(known: Words, pieces: Sequence[RowPiece], by_row: RowKeys) -> Keys:
    """Return the keys of a block, the thread's own until the next call."""
    keys: Keys = scratch("keys", known.size, np.uint8)
    for piece in pieces:
        by_row.write(known[piece.span], piece, keys[piece.span])
    return keys


def _count(piece: RowPiece, marks: Marks) -> int:
    return int(np.count_nonzero(marks[piece.rows])) * piece.row_length


def _gathered(part: NDArray[Any], pieces: Sequence[RowPiece], marks: Marks) -> NDArray[Any]:
    """Return a copy of the rows of a block that are marked, one after the other."""
    return np.concatenate(
        [part[piece.span].reshape(-1, piece.row_length)[marks[piece.rows]].reshape(-1) for piece in pieces]
    )


GROUPED, BINNED, APART = GroupedPacking(), BinnedPacking(), ApartPacking()
