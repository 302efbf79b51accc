"""Plans of a repack, made once: how it is best to keep the same store need not be found out for each death anew.

Planning changes nothing on the disk and takes most of a small repack. Any plan is carried out by the same steps, and a
store that a death left otherwise gets a plan of its own.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

from modelhub.archive import portfolio
from modelhub.porcelain import repack
from modelhub.repository.repository import Repository

STEPS = ("ways_to_keep", "at_real_rates", "plan_storage")


def plan_quickly(folder: Path) -> None:
    """Let a repack in this folder look around less, and take what one beside it has found out about the same store."""
    portfolio.ROUNDS_OF_SMALL = 50
    portfolio.NODES = 50
    for name in STEPS:
        setattr(repack, name, _remembered(name, getattr(repack, name), folder.parent))


def _remembered(name: str, step: Callable[..., object], memory: Path) -> Callable[..., object]:
    def recalled(repo: Repository, *arguments: object, **options: object) -> object:
        asked = pickle.dumps((name, repo.refs, arguments, options))
        place = memory / f"{hashlib.sha256(asked).hexdigest()}.plan"
        if place.exists():
            return pickle.loads(place.read_bytes())
        found = step(repo, *arguments, **options)
        place.write_bytes(pickle.dumps(found))
        return found

    return recalled
