"""Fixtures for the store: a fresh one in a folder, and blocks of numbers as training makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelhub.store.item import Item
from modelhub.store.object_store import ObjectStore

Numbers = Callable[..., tuple[Item, bytes, bytes]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ObjectStore.create(tmp_path / "objects")
    (tmp_path / "tmp").mkdir()
    return tmp_path


@pytest.fixture
def store(folder: Path):
    opened = ObjectStore(folder / "objects", folder / "tmp")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def numbers() -> Numbers:
    return make_numbers


def make_numbers(kind: str, count: int, *, seed: int = 0, related: bool = True) -> tuple[Item, bytes, bytes]:
    """Return an item, a block, and a base that the block is a small step from (or, unrelated, a stranger to)."""
    rng = np.random.default_rng(seed)
    old = rng.standard_normal(count) * 0.05
    new = old + rng.standard_normal(count) * 1e-4 if related else rng.standard_normal(count) * 0.05
    return Item.of(kind), _as_kind(new, kind), _as_kind(old, kind)


def _as_kind(values: np.ndarray, kind: str) -> bytes:
    if kind == "bfloat16":
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()
    if kind.startswith("float"):
        return values.astype(kind).tobytes()
    if kind == "bytes":
        return (b"the quick brown fox %d " * 4 % (1, 2, 3, 4)) * (len(values) // 92) + bytes(len(values) % 92)
    scale = {"int8": 30.0, "int16": 1e4, "int32": 1e6, "int64": 1e9}[kind]
    return (values * scale).astype(kind).tobytes()
