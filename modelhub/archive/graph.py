"""The storage graph: tensors, the ways each of them could be kept, and the models that are retrieved together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from modelhub.errors import InvalidInputError

Scheme = Literal["independent", "parallel"]
"""What getting a group back costs: the sum over its members, or the dearest of them."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One way to keep the tensor `target`: what it takes in the store, and what decoding this one step costs.

    `sources` are the tensors that must be decoded before: none where the tensor is materialised, one for a delta, two
    for a delta with a second reference. Units are the caller's, the same for all edges of a graph.
    """

    target: int
    sources: tuple[int, ...]
    storage: float
    recreation: float


@dataclass(frozen=True, slots=True)
class Group:
    """Tensors retrieved together, those of one version of a model, and what this may cost. `inf` is no bound."""

    members: tuple[int, ...]
    budget: float


@dataclass(frozen=True, slots=True)
class StorageGraph:
    """Tensors 0 to `vertices` - 1, the ways to keep them, and the groups with their budgets.

    Raises InvalidInputError where an edge or a group is impossible or a tensor cannot be materialised.
    """

    vertices: int
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...] = ()

    def __post_init__(self) -> None:
        whole = bytearray(self.vertices)
        for number, edge in enumerate(self.edges):
            _check_edge(number, edge, self.vertices)
            if not edge.sources:
                whole[edge.target] = 1
        if (lacking := whole.find(0)) >= 0:
            raise InvalidInputError(
                f"tensor {lacking} has no way to be kept whole", hint="give each tensor an edge without sources"
            )
        for number, group in enumerate(self.groups):
            if any(not 0 <= member < self.vertices for member in group.members):
                raise InvalidInputError(f"group {number} has a member that is no tensor of the graph")
            if math.isnan(group.budget) or group.budget < 0:
                raise InvalidInputError(f"group {number} has the impossible budget {group.budget}")


def _check_edge(number: int, edge: Edge, vertices: int) -> None:
    touched = (edge.target, *edge.sources)
    if any(not 0 <= vertex < vertices for vertex in touched):
        raise InvalidInputError(f"edge {number} names a tensor outside the graph")
    if len(edge.sources) > 2 or len(set(touched)) < len(touched):
        raise InvalidInputError(f"edge {number} needs at most two sources, none twice and none its own target")
    if not (0 <= edge.storage < math.inf and 0 <= edge.recreation < math.inf):
        raise InvalidInputError(f"edge {number} has a cost that is negative or not finite")
