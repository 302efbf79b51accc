"""Version control for models: exact, small, and askable in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.api import Repo, init, open
    from modelhub.errors import ModelHubError

__version__ = "0.1.0"
__all__ = ["ModelHubError", "Repo", "__version__", "init", "open"]


def __getattr__(name: str) -> object:
    """Import the public names when they are first used: the `mh` command needs none of them."""
    if name == "ModelHubError":
        from modelhub import errors

        return errors.ModelHubError
    if name in ("Repo", "init", "open"):
        from modelhub import api

        return getattr(api, name)
    raise AttributeError(f"module 'modelhub' has no attribute {name!r}")
