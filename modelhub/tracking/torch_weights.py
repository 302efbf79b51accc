"""Fill the tensors of a torch module. torch is never imported here: whoever has a module has imported it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelhub.errors import InvalidInputError
from modelhub.porcelain.warm_start import ArrayTarget, Slot, Target

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array


def target_of(module: object) -> Target:
    """Return what `load_into` fills: a torch module, a state dict of torch tensors, or a dict of numpy arrays.

    Raises InvalidInputError for anything else.
    """
    tensors: Any = module
    if hasattr(module, "state_dict"):
        tensors = module.state_dict()
    if not isinstance(tensors, Mapping):
        raise InvalidInputError(
            f"{type(module).__name__} has no tensors to fill", hint="give a torch module or a dict of arrays"
        )
    if any(hasattr(item, "data_ptr") for item in tensors.values()):
        return TorchTarget(tensors)
    return ArrayTarget(tensors)


class TorchTarget:
    """Tensors of torch by name, filled in place, on whatever device they are."""

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        self._tensors = {name: item.detach() for name, item in tensors.items() if hasattr(item, "data_ptr")}

    def slots(self) -> dict[str, Slot]:
        """The tensors by name; tied ones share their memory."""
        return {
            name: Slot(tuple(item.shape), str(item.dtype).removeprefix("torch."), item.data_ptr() or id(item))
            for name, item in self._tensors.items()
        }

    def write(self, name: str, values: Array) -> bool:
        """Overwrite one tensor with values of its shape; tell whether every value arrived as it was."""
        torch = sys.modules["torch"]
        tensor = self._tensors[name]
        source = torch.from_numpy(values.copy()).to(tensor.device)
        tensor.copy_(source)
        back = tensor.to(source.dtype)
        return bool(((back == source) | ((back != back) & (source != source))).all())
