"""Tests of telling which Python a command will run in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from contracts.project import Project

from modelhub.runs.pending import list_pending, read_pending
from modelhub.tracking.interpreter import interpreter_of


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A virtual environment with one package, made by hand."""
    prefix = tmp_path / "venv"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").write_text("#!/bin/sh\ntrue\n")
    (prefix / "bin" / "python").chmod(0o755)
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.10.4\n")
    (prefix / "lib" / "python3.10" / "site-packages" / "jax-0.5.0.dist-info").mkdir(parents=True)
    return prefix


def test_our_own_python_and_other_programs_are_none(tmp_path: Path) -> None:
    assert interpreter_of(sys.executable, {}, tmp_path) is None
    assert interpreter_of("true", {"PATH": "/bin:/usr/bin"}, tmp_path) is None
    assert interpreter_of("no-such-program", {}, tmp_path) is None


def test_a_python_of_another_environment_is_found_by_path_name_and_activation(other: Path, tmp_path: Path) -> None:
    folders = (str(other / "lib" / "python3.10" / "site-packages"),)
    for command, env in (
        ("venv/bin/python", {}), (str(other / "bin" / "python"), {}), ("python", {"PATH": str(other / "bin")}),
        ("./train.sh", {"VIRTUAL_ENV": str(other)}),
    ):  # fmt: skip
        found = interpreter_of(command, env, tmp_path)
        assert found is not None
        assert (found.version, found.folders) == ("3.10.4", folders)
    (other / "pyvenv.cfg").unlink()
    found = interpreter_of(str(other / "bin" / "python"), {}, tmp_path)
    assert found is not None
    assert found.version == "3.10"


def test_the_packages_of_a_run_are_those_of_its_command(project: Project, other: Path, mh) -> None:
    mh("run", "--", str(other / "bin" / "python"), "train.py")
    (pending,) = list_pending(project.repo.layout)
    run = read_pending(project.repo, pending)
    assert run.environment["python"] == "3.10.4"
    assert project.repo.store.read(run.packages or "") == b"jax==0.5.0\n"
