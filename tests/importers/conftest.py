"""Read back what an import recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from contracts.imported import Imported

from modelhub.repository.repository import Act, Repository


@pytest.fixture
def imported(tmp_path: Path, act: Act) -> Imported:
    """An empty repository to import into."""
    root = tmp_path / "project"
    root.mkdir()
    return Imported(Repository.create(root, act), act)
