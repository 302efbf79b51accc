"""Version control for models: exact, small, and askable in SQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.api import Repo, init, open
    from modelhub.errors import ModelHubError

__version__ = "0.1.0"
__all__ = ["ModelHubError", "Repo", "__version__", "init", "open"]


def __getattr__(name: str) -> object:
    """Import the public names when they are first used: the `mh` command needs none of them."""
    if name == "ModelHubError":
        return getattr(import_module("modelhub.errors"), name)
    if name in ("Repo", "init", "open"):
        return getattr(import_module("modelhub.api"), name)
    raise AttributeError(f"module 'modelhub' has no attribute {name!r}")
