"""Tensors grouped by the layer they belong to, with the numbers of each group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.porcelain.tensor_diff import TensorDiff


@dataclass(frozen=True, slots=True)
class Layer:
    """Some tensors under one name ('encoder.layer.3.*'). Its numbers are those of the tensor that changed most."""

    name: str
    tensors: tuple[TensorDiff, ...]

    @property
    def relative(self) -> float:
        """The largest relative change; infinite where one has no finite one."""
        found = [math.inf if t.relative is None or math.isnan(t.relative) else t.relative for t in self.tensors]
        return max(found, default=0.0)

    @property
    def cosine(self) -> float | None:
        """The smallest cosine."""
        return min(_present(t.cosine for t in self.tensors), default=None)

    @property
    def largest(self) -> float | None:
        """The largest absolute change of one value."""
        return max(_present(t.largest for t in self.tensors), default=None)

    @property
    def changed(self) -> float | None:
        """The share of values that changed, over all tensors."""
        counted = [(t.changed, t.elements) for t in self.tensors if t.changed is not None]
        elements = sum(number for _, number in counted)
        return sum(part * number for part, number in counted) / elements if elements else None

    @property
    def new_nans(self) -> int:
        """How many values became NaN."""
        return sum(t.new_nans or 0 for t in self.tensors)

    @property
    def new_infs(self) -> int:
        """How many values became infinite."""
        return sum(t.new_infs or 0 for t in self.tensors)


def _present(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and not math.isnan(value)]


def layer_of(name: str) -> str:
    """Return the layer a tensor's name puts it in: all up to the first number, else up to the first dot.

    'encoder.layer.3.attention.query.weight' is in 'encoder.layer.3', 'embeddings.word.weight' in 'embeddings'.
    """
    parts = name.split(".")
    numbered = next((place for place, part in enumerate(parts[:-1]) if part.isdecimal()), None)
    return ".".join(parts[: 1 if numbered is None else numbered + 1])


def group_by_layer(tensors: Sequence[TensorDiff]) -> list[Layer]:
    """Return the tensors by layer, the layer that moved most first. A tensor alone in its layer keeps its name."""
    groups: dict[str, list[TensorDiff]] = {}
    for tensor in tensors:
        groups.setdefault(layer_of(tensor.name), []).append(tensor)
    layers = [
        Layer(members[0].name if len(members) == 1 else f"{name}.*", tuple(members)) for name, members in groups.items()
    ]
    return sorted(layers, key=lambda layer: -layer.relative)
