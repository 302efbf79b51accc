"""Version control for models: exact, small, and askable in SQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.api import Repo, init, load_into, open, run
    from modelhub.errors import ModelHubError
    from modelhub.tracking.callbacks.lightning_trainer import LightningCallback
    from modelhub.tracking.callbacks.torch_loop import TorchCallback
    from modelhub.tracking.callbacks.transformers_trainer import TransformersCallback

__version__ = "0.1.0"
__all__ = [
    "LightningCallback", "ModelHubError", "Repo", "TorchCallback", "TransformersCallback", "__version__", "init",
    "load_into", "open", "run",
]  # fmt: skip

_CALLBACKS = {
    "LightningCallback": "lightning_trainer",
    "TorchCallback": "torch_loop",
    "TransformersCallback": "transformers_trainer",
}


def __getattr__(name: str) -> object:
    """Import the public names when they are first used: the `mh` command needs none of them."""
    if name == "ModelHubError":
        return getattr(import_module("modelhub.errors"), name)
    if name in ("Repo", "init", "load_into", "open", "run"):
        return getattr(import_module("modelhub.api"), name)
    if name in _CALLBACKS:
        return getattr(import_module(f"modelhub.tracking.callbacks.{_CALLBACKS[name]}"), name)
    raise AttributeError(f"module 'modelhub' has no attribute {name!r}")
