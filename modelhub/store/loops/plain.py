"""The inner loops of the codecs in numpy: what the compiled ones do, where there are none.

Arrays have one dimension and are contiguous; numbers are little-endian unsigned integers of `width` bytes, 1, 2, 4 or
8. Counts and places are int64 [256], one for each key. Nothing here checks sizes that numpy does not; the compiled
loops raise ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelhub.store.codecs.float_values import KINDS, LEAST, Values, nearest_bits, values_of
from modelhub.store.codecs.number_bits import Words, parts_of, slabs, unzigzag, zigzag
from modelhub.store.codecs.scratch import scratch
from modelhub.store.loops.binned import Bins, read_bins, write_bins
from modelhub.store.loops.groups import KEYS, Groups, Keys, Places
from modelhub.store.loops.levels import ONE_BITS, PART_BITS, Moved


def step(new: Words, old: Words, out: Words, width: int, is_float: bool) -> None:
    """Write the zigzag of the distance from `old` to `new` in units of the last place, modulo 2^w.

    Floats count in numeric order.
    """
    for piece in slabs(new.size):
        steps = out[piece]
        if is_float:
            known = scratch("sign", steps.size, steps.dtype)
            _write_in_order(old[piece], known)
            _write_in_order(new[piece], steps)
            steps -= known
        else:
            np.subtract(new[piece], old[piece], out=steps)
        zigzag(steps)


def walk(naturals: Words, old: Words, out: Words, width: int, is_float: bool) -> None:
    """Undo `step`: write the bits that lie these steps from `old` to `out`, which may be either of them."""
    for piece in slabs(naturals.size):
        steps = scratch("naturals", naturals[piece].size, naturals.dtype)
        np.copyto(steps, naturals[piece])
        unzigzag(steps)
        if not is_float:
            np.add(steps, old[piece], out=out[piece])
            continue
        known = scratch("sign", steps.size, steps.dtype)
        _write_in_order(old[piece], known)
        steps += known
        _write_flips(steps, known)
        np.bitwise_xor(steps, known, out=out[piece])


def count(keys: Keys, counts: Places) -> None:
    """Write how many elements have each key."""
    counts[:] = np.bincount(keys, minlength=KEYS)


def fields(bits: Words, keys: Keys, shift: int, mask: int) -> None:
    """Write the low byte of every number shifted right, and of it the bits in `mask`."""
    for piece in slabs(bits.size):
        shifted = scratch("sign", bits[piece].size, bits.dtype)
        np.right_shift(bits[piece], bits.dtype.type(shift), out=shifted)
        np.bitwise_and(shifted.astype(np.uint8), np.uint8(mask), out=keys[piece])


def expect(levels: Keys, moved: Moved, expected: Keys, keys: Keys, items: int, top: int) -> None:
    """Write the level nearest to each that is multiplied and added to, at most `top`, and how it lies to that.

    `levels`, `expected` and `keys` have a row of so many items for each level, `moved` for some levels in a row; all
    are flat. Levels become parts, 2^PART_BITS of a level; a key is a place between two levels, plus the turn.
    """
    runs = levels.reshape(moved.turn.size // items, -1, items)
    parts = runs.astype(np.int32)
    parts *= moved.ratio.reshape(-1, 1, items)
    parts += moved.offset.reshape(-1, 1, items)
    parts >>= np.int32(ONE_BITS - PART_BITS)
    np.clip(parts, 0, top << PART_BITS, out=parts)
    parts += np.int32(1 << PART_BITS - 1)
    places = (parts & np.int32((1 << PART_BITS) - 1)).astype(np.uint8)
    places += moved.turn.reshape(-1, 1, items)
    keys[:] = places.reshape(-1)
    parts >>= np.int32(PART_BITS)
    expected[:] = parts.reshape(-1)


def row_keys(bits: Words, by_row: NDArray[np.int16], keys: Keys, shift: int, mask: int, length: int) -> None:
    """Write what each row has less twice what `fields` gives, from 0 to 255.

    A row is `length` numbers, or what is left.
    """
    fields(bits, keys, shift, mask)
    found = by_row.repeat(length)[: keys.size]
    found -= keys.astype(np.int16) << np.int16(1)
    keys[:] = found.clip(0, KEYS - 1, out=found)


def sort_steps(new: Words, old: Words, keys: Keys, groups: Groups, out: Words, is_float: bool) -> None:
    """Write the `step` of each element to where its group's next ones go, and move on.

    Those of a smaller key come first, of one key those that come first. Raises ValueError where a group has less room,
    and then nothing has moved.
    """
    at = _places(keys, groups)
    for part in parts_of(slice(0, keys.size)):
        order = np.argsort(keys[part], kind="stable")
        steps: Words = scratch("naturals", order.size, out.dtype)
        step(new[part], old[part], steps, out.itemsize, is_float)
        steps = steps.take(order)
        for begin, end, place in _spans(keys[part], at):
            out[place : place + end - begin] = steps[begin:end]


def walk_sorted(steps: Words, keys: Keys, groups: Groups, old: Words, out: Words, is_float: bool) -> None:
    """Undo `sort_steps`: write the numbers that these steps lead to from `old` to `out`, which is neither."""
    at = _places(keys, groups)
    for part in parts_of(slice(0, keys.size)):
        order = np.argsort(keys[part], kind="stable")
        spans = _spans(keys[part], at)
        in_order = np.concatenate([steps[place : place + end - begin] for begin, end, place in spans])
        found: Words = scratch("piece", order.size, steps.dtype)
        found[order] = in_order
        walk(found, old[part], out[part], out.itemsize, is_float)


def bin_steps(new: Words, old: Words, keys: Keys, bins: Bins, bit: int) -> int:
    """Write the `step` of each float32 as `write_bins` does, and return where the bits end.

    There is room for 28 bits an element after `bit`, and 16 bytes.
    """
    steps: Words = scratch("naturals", new.size, new.dtype)
    step(new, old, steps, 4, True)
    return write_bins(steps, keys, bins, bit)


def walk_binned(keys: Keys, bins: Bins, bit: int, old: Words, out: Words) -> int:
    """Undo `bin_steps`: write the numbers that these steps lead to from `old` to `out`, and return where the bits end.

    Raises ValueError as `read_bins`.
    """
    naturals, end = read_bins(keys, bins, bit)
    walk(naturals, old, out, 4, True)
    return end


def walk_usual(old: Words, marks: NDArray[np.bool_], usual: Words, out: Words, length: int) -> None:
    """Write the float32 numbers that lie the usual steps from `old`, of the marked rows of `length` alone.

    `usual`, uint32 [64], has a step for the 32 x sign + the five high bits of the mantissa of the old number.
    """
    rows = old.reshape(-1, length)[marks].reshape(-1)
    found = np.empty_like(rows)
    walk(usual[(rows >> np.uint8(26) & np.uint8(32)) | (rows >> np.uint8(18) & np.uint8(31))], rows, found, 4, True)
    out.reshape(-1, length)[marks] = found.reshape(-1, length)


def predict(
    known: Words,
    before: tuple[Words, NDArray[np.float32]] | None,
    moved: Values | None,
    out: Words,
    kind: int,
    length: int,
) -> None:
    """Write the bits of the floats nearest to `known`, moved on by a share of the step before, and by `moved`.

    `before` has the numbers that the step before began at, and the share for each row of `length` floats; `moved` a
    number for each float. Every sum is rounded to float32. Where the base or what is predicted is tiny or not certain
    (see `nearest_bits`) the base stays.
    """
    name = KINDS[kind]
    base = values_of(known, name)
    values: Values = scratch("values", known.size, np.float32)
    with np.errstate(all="ignore"):
        np.copyto(values, base)
        if before is not None:
            second, shares = before
            values -= values_of(second, name)
            values *= shares.repeat(length)[: values.size]
            values += base
        if moved is not None:
            values += moved
        found = nearest_bits(values, known, name)
        out[:] = np.where(np.abs(base) >= LEAST, found, known)


def split(items: Words, planes: Keys, top: Words | None, width: int, turn: bool) -> None:
    """Write byte k of every item to row k of `planes`; with `top` uint16 the two high-order bytes go there instead.

    `turn`: the top bit of each item is rotated to the bottom first. Items have 2, 4 or 8 bytes.
    """
    for piece in slabs(items.size):
        some = items[piece]
        part = (some << np.uint8(1)) | (some >> np.uint8(8 * width - 1)) if turn else some
        apart = planes.shape[0]
        planes[:, piece] = part.view(np.uint8).reshape(-1, width)[:, :apart].T
        if top is not None:
            top[piece] = part.view(np.uint16).reshape(-1, width // 2)[:, -1]


def join(planes: Sequence[Any], top: Words | None, items: Words, turn: bool) -> None:
    """Undo `split`."""
    width = items.itemsize
    for piece in slabs(items.size):
        some = items[piece]
        table = some.view(np.uint8).reshape(-1, width)
        for number, plane in enumerate(planes):
            table[:, number] = plane[piece]
        if top is not None:
            some.view(np.uint16).reshape(-1, width // 2)[:, -1] = top[piece]
        if turn:
            some[:] = (some >> np.uint8(1)) | (some << np.uint8(8 * width - 1))


def _write_in_order(bits: Words, out: Words) -> None:
    """Write the bits of floats as integers in numeric order (negative: magnitude flipped); its own inverse."""
    _write_flips(bits, out)
    out ^= bits


def _write_flips(bits: Words, out: Words) -> None:
    width = bits.dtype.itemsize
    np.right_shift(bits.view(f"<i{width}"), 8 * width - 1, out=out.view(f"<i{width}"))
    out >>= np.uint8(1)


def _places(keys: Keys, groups: Groups) -> Places:
    """Return where the first element of each key goes, and move the groups on."""
    counts = np.bincount(keys, minlength=KEYS)
    present = np.flatnonzero(counts)
    of_key = groups.of_key[present]
    sizes = np.bincount(of_key, weights=counts[present], minlength=groups.next.size).astype(np.int64)
    if (groups.next + sizes > groups.ends).any():
        raise ValueError("sorted steps do not fit their keys")
    below = np.cumsum(counts) - counts
    first = np.zeros(groups.next.size, np.int64)
    first[of_key[::-1]] = below[present][::-1]
    places: Places = np.zeros(KEYS, np.int64)
    places[present] = (groups.next - first)[of_key] + below[present]
    groups.next[:] += sizes
    return places


def _spans(keys: Keys, at: Places) -> list[tuple[int, int, int]]:
    """Return for each key there is where sorted elements begin and end, and their place, which moves on."""
    counts = np.bincount(keys, minlength=KEYS)
    ends = np.cumsum(counts)
    present = np.flatnonzero(counts).tolist()
    found = [(int(ends[key] - counts[key]), int(ends[key]), int(at[key])) for key in present]
    at += counts
    return found
