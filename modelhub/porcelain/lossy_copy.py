"""The tensors of a model as a lossy copy has them: which change, in what order they lie, and their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError
from modelhub.formats.safetensors_writer import NewTensor, in_file_order
from modelhub.porcelain.load import LoadedFile
from modelhub.weights.schemes import Coder, Scheme, fit
from modelhub.weights.written_tensor import WrittenTensor

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array
    from modelhub.weights.loss import Loss

_STORAGE = re.compile(r"(?:data|constants)/\d+")


class LossyCopy:
    """What the new file will hold: tensors as they are, tensors that a scheme changes, and what these lost."""

    def __init__(
        self, source: dict[str, LoadedFile], kept: dict[str, NewTensor], changed: dict[str, WrittenTensor]
    ) -> None:
        self.kept = kept
        self.changed = changed
        self.losses: dict[str, Loss] = {}
        self.metadata = _metadata(next(iter(source.values())))
        self._source = source
        self._coders: dict[str, Coder] = {}
        self._companions: dict[str, bytes] = {}

    @classmethod
    def plan(cls, opened: list[LoadedFile], how: Scheme, *, dequantized: bool) -> LossyCopy:
        """Decide how each tensor is written, and make the tables."""
        source = {name: file for file in opened for name in _names(file)}
        kept, changed = {}, {}
        for name, file in source.items():
            shape, dtype = file.shape_and_dtype(name)
            if how.changes(dtype, shape):
                changed[name] = WrittenTensor(name, dtype, shape, how, dequantized)
            else:
                kept[name] = NewTensor(name, dtype, shape)
        made = cls(source, kept, changed)
        made._fit(how)
        return made

    def order(self) -> list[NewTensor]:
        """The tensors of the new file in its order. Raises InvalidInputError where two would have one name."""
        found = [*self.kept.values()]
        for item in self.changed.values():
            found += [item.main, *item.companions]
        names = [item.name for item in found]
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise InvalidInputError(f"two tensors of the copy would be called '{twice}'", hint="rename one of them")
        return in_file_order(found)

    def blocks(self) -> Iterator[bytes]:
        """Yield the tensors' bytes in the order of the file; afterwards `losses` are known."""
        mains = {item.main.name: item for item in self.changed.values()}
        for tensor in self.order():
            if tensor.name in mains:
                yield from self._encoded(mains[tensor.name])
            elif tensor.name in self._companions:
                yield self._companions[tensor.name]
            else:
                yield self._source[tensor.name].in_order(tensor.name)

    def _fit(self, how: Scheme) -> None:
        for name, item in self.changed.items():
            if how.kind == "half":
                continue
            coder = fit(how, name, _numbers(self._source[name][name]))
            self._coders[name] = coder
            companions = zip(item.companions, item.companion_bytes(coder), strict=True)
            self._companions |= {companion.name: data for companion, data in companions}

    def _encoded(self, item: WrittenTensor) -> Iterator[bytes]:
        from modelhub.weights.loss import Loss, measure

        values = _numbers(self._source[item.name][item.name])
        coder = self._coders.get(item.name) or fit(item.scheme, item.name, values)
        total = Loss()
        for data, before, after in item.encoded(values, coder):
            total += measure(before, after)
            yield data
        self.losses[item.name] = total


def _names(file: LoadedFile) -> Iterable[str]:
    """The names of a file's tensors, without those of torch's storages that are there only for the views in them."""
    return (name for name in file if file.format != "torch" or not _STORAGE.fullmatch(name))


def _metadata(file: LoadedFile) -> dict[str, str]:
    """What the new file says of itself too; of torch's own container just that the tensors are torch's."""
    return {"format": "pt"} if file.format == "torch" else file.metadata


def _numbers(array: Array) -> Array:
    """Return a tensor's numbers in C order as float32 or float64."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        return np.ascontiguousarray(array, dtype=np.float64 if array.dtype == np.float64 else np.float32)
