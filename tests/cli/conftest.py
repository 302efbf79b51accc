"""Run `mh` in this process, and make small model files on the spot."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from modelhub.cli.main import run


@dataclass(frozen=True)
class Done:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> object:
        """The content of the envelope, whose name must be that of a form."""
        ((name, value),) = json.loads(self.out).items()
        assert name.startswith("mh.")
        assert name.endswith("/1")
        return value


Mh = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def mh(folder: Path, capsys: pytest.CaptureFixture[str]) -> Mh:
    """Run a command line in the folder; its exit code must be the given one."""

    def call(*words: str, code: int = 0) -> Done:
        here = os.getcwd()
        capsys.readouterr()
        try:
            found = run(list(words))
        finally:
            os.chdir(here)
        captured = capsys.readouterr()
        assert found == code, f"mh {' '.join(words)}: {found}\n{captured.out}{captured.err}"
        return Done(found, captured.out, captured.err)

    return call


def write_model(path: Path, *, seed: int = 0, scale: float = 1.0, layers: int = 2, shift: float = 0.0) -> None:
    """Write a small model of `layers` layers with normally distributed weights."""
    random = np.random.default_rng(seed)
    tensors = {}
    for layer in range(layers):
        weight = random.standard_normal((8, 8)).astype(np.float32) * np.float32(scale)
        tensors[f"encoder.layer.{layer}.weight"] = weight + np.float32(shift * layer)
        tensors[f"encoder.layer.{layer}.bias"] = np.linspace(-1, 1, 8, dtype=np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


@pytest.fixture
def new_project(folder: Path, mh: Mh) -> Path:
    """A repository with two versions of a small model: tags v1 and v2 on main."""
    mh("init")
    write_model(folder / "model.safetensors")
    (folder / "train.py").write_text("lr = 1e-3\n")
    mh("commit", "-m", "baseline", "--param", "lr=1e-3", "--param", "optimizer=adam", "--metric", "accuracy=0.91")
    mh("tag", "v1")
    write_model(folder / "model.safetensors", shift=0.01)
    (folder / "train.py").write_text("lr = 1e-4\n")
    mh("commit", "-m", "lower rate\n\nmore words", "--param", "lr=1e-4", "--metric", "accuracy=0.93")
    mh("tag", "v2")
    return folder


@pytest.fixture(scope="session")
def made_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("before") / "project"


@pytest.fixture
def project(request: pytest.FixtureRequest, folder: Path, made_before: Path) -> Path:
    """The same, mostly as a copy: then the index does not yet know the files by their inodes and times."""
    if made_before.exists():
        shutil.copytree(made_before, folder, dirs_exist_ok=True)
    else:
        request.getfixturevalue("new_project")
        shutil.copytree(folder, made_before)
    return folder


Screen = Callable[..., Done]


@pytest.fixture
def screen(folder: Path) -> Screen:
    """Run a command line of its own process on a terminal of so many columns; stdout and stderr are one."""

    def call(*words: str, columns: int = 80, code: int = 0, **env: str) -> Done:
        ours, theirs = pty.openpty()
        sources = str(Path(__file__).parents[2])
        settings = {"PYTHONPATH": sources, "TERM": "xterm", "COLUMNS": str(columns), "PAGER": "cat", **env}
        process = subprocess.Popen(
            [sys.executable, "-m", "modelhub", *words],
            cwd=folder,
            env={**os.environ, **settings},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux says EIO when the other side is closed
            while block := os.read(ours, 65536):
                shown += block
        os.close(ours)
        found = process.wait(timeout=60)
        text = shown.decode("utf-8", "replace").replace("\r\n", "\n")
        assert found == code, text
        return Done(found, text, "")

    return call


def plain_text(text: str) -> str:
    """Return what was shown without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
