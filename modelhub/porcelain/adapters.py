"""What can be checked of a low-rank adapter: whether its shapes fit the tensors of the base it is said to be for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from modelhub.porcelain.tensor_names import match_names
from modelhub.repository.objects import TensorSegment

_FACTOR = re.compile(r"(.+?)[._]lora_?(A|B|down|up|embedding_A|embedding_B)(?:\.[\w-]+)?(?:\.weight)?")


@dataclass(frozen=True, slots=True)
class AdapterCheck:
    """How many adapted tensors fit the base's, which do not, and which have no counterpart in it."""

    fitting: tuple[str, ...]
    misfits: tuple[str, ...]
    unknown: tuple[str, ...]


def factors(tensors: Mapping[str, TensorSegment]) -> dict[str, dict[str, TensorSegment]]:
    """Return the low-rank factors by the name of what they adapt: "A" takes the input, "B" gives the output."""
    found: dict[str, dict[str, TensorSegment]] = {}
    for name, segment in tensors.items():
        match = _FACTOR.fullmatch(name)
        if match is not None and len(segment.shape) >= 2:
            side = "A" if match[2] in ("A", "down", "embedding_A") else "B"
            found.setdefault(match[1], {})[side] = segment
    return found


def is_adapter(tensors: Mapping[str, TensorSegment]) -> bool:
    """Tell whether most tensors of a model are low-rank factors."""
    return 2 * sum(len(sides) for sides in factors(tensors).values()) > len(tensors)


def check_adapter(child: Mapping[str, TensorSegment], base: Mapping[str, TensorSegment]) -> AdapterCheck:
    """Compare the shapes of an adapter's factors with the weights of a base."""
    fitting, misfits, unknown = [], [], []
    adapted = factors(child)
    names = _names(adapted, base)
    for name, sides in adapted.items():
        weight = base.get(names.get(name, ""))
        if weight is None or len(weight.shape) < 2:
            unknown.append(name)
        elif _fits(sides, weight.shape):
            fitting.append(name)
        else:
            misfits.append(name)
    return AdapterCheck(tuple(fitting), tuple(misfits), tuple(unknown))


def _names(adapted: Mapping[str, object], base: Mapping[str, TensorSegment]) -> dict[str, str]:
    """Map the names of adapted layers to the base's weights; some tools write '_' for every '.'."""
    layers = {name.removesuffix(".weight"): name for name in base if name.endswith(".weight")}
    layers |= {name: name for name in base if not name.endswith(".weight")}
    found = {name: layers[other] for name, other in match_names(adapted, layers).items()}
    flat = {name.replace(".", "_"): full for name, full in layers.items()}
    for name in adapted:
        if name not in found:
            short = re.sub(r"^lora_(?:unet|te\d?|transformer)_", "", name)
            found[name] = flat.get(short.replace(".", "_"), "")
    return found


def _fits(sides: Mapping[str, TensorSegment], shape: tuple[int, ...]) -> bool:
    """The ranks agree, A has the weight's input size and B its output size; either way round (Conv1D, embeddings)."""
    one, other = sides.get("A"), sides.get("B")
    taken = None if one is None else one.shape[1]
    given = None if other is None else other.shape[0]
    if one is not None and other is not None and one.shape[0] != other.shape[1]:
        return False
    return any(taken in (None, inner) and given in (None, outer) for outer, inner in (shape[:2], shape[1::-1]))
