"""Which tensors each is tried on as a delta: those of its line, newer or older, and older ones that look alike."""

from __future__ import annotations

from collections.abc import Iterator

from modelhub.porcelain.alike_tensors import FAR, Looked, alike, turned
from modelhub.porcelain.decoded_blocks import DecodedBlocks
from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors
from modelhub.porcelain.version_lines import bases_in_line
from modelhub.store.entry import Base
from modelhub.store.foundation import MAX_TURNED_NBYTES
from modelhub.store.item import FLOAT_KINDS

MOST_OF_A_NAME = 2
"""How many tensors of the same name in other files or of other kinds of float are tried."""

Candidates = dict[tuple[Base, ...], tuple[StoredTensor, ...]]


class BaseCandidates:
    """Knows all tensors; asked for one of them. At most about 16 candidates each, whatever the size of the history.

    With `elements` it will only be asked for tensors of so many, and is ready sooner.
    """

    def __init__(self, known: StoredTensors, blocks: DecodedBlocks, *, elements: int | None = None) -> None:
        self._known = known
        self._blocks = blocks
        self._by_oid = {one.oid: one for one in known.tensors}
        looked = [
            Looked(one.number, one.item, one.shape, one.line, one.look)
            for one in known.tensors
            if one.look is not None and elements in (None, one.elements)
        ]
        self._near = _near(known)
        for number, others in alike(looked).items():
            self._near.setdefault(number, []).extend((other,) for other in others)
        self._turned = turned(looked)

    def of(self, one: StoredTensor, kept: tuple[Base, ...]) -> Candidates:
        """Return what to try: alone, as it is `kept` now, on what is near, and on what it may be the transpose of.

        Only those of its line may have a larger number. Raises IntegrityError where a block cannot be read.
        """
        found: Candidates = {(): ()}
        if all(base.oid in self._by_oid for base in kept):
            found[kept] = tuple(self._by_oid[base.oid] for base in kept)
        for numbers in self._near.get(one.number, []):
            bases = tuple(self._known.tensors[number] for number in numbers)
            named = tuple(base for base in (_named(base, one) for base in bases) if base is not None)
            if len(named) == len(bases):
                found[named] = bases
        for base in self._transposes(one):
            found[Base(base.oid, base.shape[0], base.item != one.item),] = (base,)
        return found

    def _transposes(self, one: StoredTensor) -> Iterator[StoredTensor]:
        """Yield those whose transpose has values like this one's: its own sketch, turned, is near theirs."""
        numbers = self._turned.get(one.number, [])
        if not numbers or one.look is None or one.info.size > MAX_TURNED_NBYTES:
            return
        from modelhub.weights.kinship import centred_distances
        from modelhub.weights.sketch import turned_sketch

        def read(offset: int, nbytes: int) -> bytes:
            return bytes(self._blocks.read(one.oid, offset, nbytes, block_nbytes=one.item.block_nbytes))

        rows, columns = one.shape
        own = turned_sketch(read, one.look.dtype, (rows, columns))
        for number in numbers:
            base = self._known.tensors[number]
            if base.look is not None and centred_distances(own, [base.look.sketch])[0] < FAR:
                yield base


def _near(known: StoredTensors) -> dict[int, list[tuple[int, ...]]]:
    """Return for each tensor the bases, one or two, that its line and its name suggest; by its name only older ones."""
    near: dict[int, list[tuple[int, ...]]] = {}
    for line in known.lines.values():
        for number, found in zip(line, bases_in_line(len(line)), strict=True):
            near.setdefault(number, []).extend(tuple(line[place] for place in places) for places in found)
    for line in known.names.values():
        for place, number in enumerate(line):
            older = line[max(place - MOST_OF_A_NAME, 0) : place]
            near.setdefault(number, []).extend((base,) for base in older if base < number)
    return near


def _named(base: StoredTensor, one: StoredTensor) -> Base | None:
    """Return how a tensor is read as the base of another, None where that is not possible."""
    if base.elements != one.elements or base.oid == one.oid:
        return None
    if base.item == one.item:
        return Base(base.oid)
    floats = {base.item.kind, one.item.kind} <= set(FLOAT_KINDS)
    return Base(base.oid, is_converted=True) if floats else None
