"""Shared fixtures: a repository in a temporary folder and small files made on the spot."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from modelhub.repository.objects import Person
from modelhub.repository.repository import Act, Repository

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # as many tests as cores: threads beside them only wait for each other

MEMORY = "/dev/shm"
ENOUGH_NBYTES = 2 << 30


def _work_in_memory() -> None:
    """Put temporary files where a sync costs nothing: what dies in these tests are processes, never the machine."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    if os.statvfs(MEMORY).f_flag & os.ST_NOEXEC or shutil.disk_usage(MEMORY).free < ENOUGH_NBYTES:
        return
    os.environ["TMPDIR"] = MEMORY  # for the processes that tests start, too
    tempfile.tempdir = None  # what was found before is forgotten


_work_in_memory()

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _no_outside_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the settings, the name or the colours of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("MH_AUTHOR_NAME", "Ada")
    monkeypatch.setenv("MH_AUTHOR_EMAIL", "ada@example.org")
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "PAGER", "MH_DEBUG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def act() -> Act:
    return Act(Person("Ada", "ada@example.org"), 1_700_000_000_000, 60, "test")


@pytest.fixture
def repo(tmp_path: Path, act: Act) -> Repository:
    root = tmp_path / "project"
    root.mkdir()
    return Repository.create(root, act)
