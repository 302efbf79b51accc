"""Find the stored tensor that a new one is a cast of, by the sketches of both: such a tensor costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from modelhub.repository.tensor_keeper import TensorFact
from modelhub.store.foundation import as_kind
from modelhub.store.item import FLOAT_KINDS, Item

SKETCH = Item.of("float32")

Sketches = Iterable[tuple[str, bytes]]


class StoredCasts:
    """Looks tensors up by what their sketch becomes as another kind of float: one lookup, whatever is stored.

    `read(dtype, elements)` gives (oid, sketch) of the stored tensors, the newest last; it is called once for each kind
    and size that a cast may come from.
    """

    def __init__(self, read: Callable[[str, int], Sketches]) -> None:
        self._read = read
        self._learned: dict[tuple[str, int], list[tuple[str, bytes]]] = {}
        self._tables: dict[tuple[str, int], dict[bytes, str]] = {}

    def find(self, dtype: str, elements: int, sketch: bytes) -> list[str]:
        """Return the tensor of another kind of float whose values, cast to `dtype`, have this sketch: one or none."""
        if dtype not in FLOAT_KINDS:
            return []
        key = (dtype, elements)
        if key not in self._tables:
            others = [other for other in FLOAT_KINDS if other != dtype]
            known = [one for other in others for one in (*self._read(other, elements), *self._of(other, elements))]
            self._tables[key] = {_cast(own, dtype): oid for oid, own in known}
        found = self._tables[key].get(_cast(sketch, dtype)) if self._tables[key] else None
        return [found] if found is not None and _is_telling(dtype, elements, sketch) else []

    def learn(self, fact: TensorFact) -> None:
        """Take in a tensor that was just stored."""
        if fact.dtype not in FLOAT_KINDS:
            return
        self._of(fact.dtype, fact.elements).append((fact.oid, fact.sketch))
        for dtype in FLOAT_KINDS:
            table = self._tables.get((dtype, fact.elements))
            if table is not None and dtype != fact.dtype:
                table[_cast(fact.sketch, dtype)] = fact.oid

    def _of(self, dtype: str, elements: int) -> list[tuple[str, bytes]]:
        return self._learned.setdefault((dtype, elements), [])


def _is_telling(dtype: str, elements: int, sketch: bytes) -> bool:
    from modelhub.weights.kinship import is_telling

    return is_telling(dtype, elements, sketch)


def _cast(sketch: bytes, dtype: str) -> bytes:
    """Return a sketch as the tensor would have it after a cast."""
    return bytes(as_kind(sketch, SKETCH, Item.of(dtype)))
