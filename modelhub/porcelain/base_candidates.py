"""Which older tensors each tensor is tried on as a delta: those of its line and name, and whatever looks alike."""

from __future__ import annotations

from collections.abc import Iterator

from modelhub.porcelain.alike_tensors import FAR, Looked, alike, turned
from modelhub.porcelain.decoded_blocks import DecodedBlocks
from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors
from modelhub.store.entry import Base
from modelhub.store.foundation import MAX_TURNED_NBYTES
from modelhub.store.item import FLOAT_KINDS

STEPS_BACK = (1, 2, 4)
"""Which of the versions before a tensor are tried as its base."""

MOST_OF_A_NAME = 2
"""How many tensors of the same name in other files or of other kinds of float are tried."""

Candidates = dict[tuple[Base, ...], tuple[StoredTensor, ...]]


class BaseCandidates:
    """Knows all tensors; asked for one of them. At most 13 candidates each, whatever the size of the history.

    With `elements` it will only be asked for tensors of so many, and is ready sooner.
    """

    def __init__(self, known: StoredTensors, blocks: DecodedBlocks, *, elements: int | None = None) -> None:
        self._known = known
        self._blocks = blocks
        self._by_oid = {one.oid: one for one in known.tensors}
        looked = [
            Looked(one.number, one.item, one.shape, one.line, one.look) for one in known.tensors if one.look is not None
        ]
        self._near = _near(known)
        for number, others in alike(looked).items():
            self._near.setdefault(number, []).extend((other,) for other in others)
        self._turned = turned(looked)

    def of(self, one: StoredTensor, kept: tuple[Base, ...]) -> Candidates:
        """Return what to try: alone, as it is `kept` now, on what is near, and on what it may be the transpose of.

        Every base has a smaller number. Raises IntegrityError where a block cannot be read.
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
    """Return for each tensor the bases, one or two, that its line and its name suggest, all older than it."""
    near: dict[int, list[tuple[int, ...]]] = {}
    for line in known.lines.values():
        for place, number in enumerate(line):
            older = [line[place - back] for back in STEPS_BACK if back <= place]
            pairs = [(line[place - 1], line[place - 2])] if place > 1 else []
            near.setdefault(number, []).extend([*((base,) for base in older), *((line[0],) for _ in older[:1]), *pairs])
    for line in known.names.values():
        for place, number in enumerate(line):
            near.setdefault(number, []).extend((base,) for base in line[max(place - MOST_OF_A_NAME, 0) : place])
    return {number: [bases for bases in found if max(bases) < number] for number, found in near.items()}


def _named(base: StoredTensor, one: StoredTensor) -> Base | None:
    """Return how a tensor is read as the base of another, None where that is not possible."""
    if base.elements != one.elements or base.oid == one.oid:
        return None
    if base.item == one.item:
        return Base(base.oid)
    floats = {base.item.kind, one.item.kind} <= set(FLOAT_KINDS)
    return Base(base.oid, is_converted=True) if floats else None
