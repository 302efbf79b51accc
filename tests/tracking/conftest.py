"""A project to train in, and scripts that train in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from contracts.project import Project

from modelhub.repository.objects import Run
from modelhub.runs.pending import list_pending, read_pending

SOURCES = Path(__file__).parents[2]

Script = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(autouse=True)
def _no_run_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MH_RUN", "MH_REPOSITORY", "MH_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(SOURCES))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository; the current folder is its top."""
    made = Project(tmp_path / "project")
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def script(project: Project) -> Script:
    """Write a script into the project and run it with Python."""

    def run(text: str, *words: str, name: str = "train.py", code: int = 0) -> subprocess.CompletedProcess[bytes]:
        project.write(name, text)
        done = subprocess.run(
            [sys.executable, name, *words], cwd=project.root, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stderr.decode()
        return done

    return run


@pytest.fixture
def mh(project: Project) -> Script:
    """Run `mh` in a process of its own."""

    def run(
        *words: str, code: int = 0, cwd: Path | None = None, stdin: bytes = b"", **env: str
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "modelhub", *words],
            cwd=cwd or project.root,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
            env=os.environ | env,
        )
        assert done.returncode == code, done.stderr.decode()
        return done

    return run


def pending_runs(project: Project) -> list[Run]:
    """Every run that no version has taken in, in the order they began."""
    return [read_pending(project.repo, item) for item in list_pending(project.repo.layout)]


def only_run(project: Project) -> Run:
    """The one run."""
    (run,) = pending_runs(project)
    return run
