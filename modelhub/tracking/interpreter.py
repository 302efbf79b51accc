"""Which Python a command will run in, where that is not the one `mh` runs in."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python: its version, and the folders it has packages in."""

    version: str
    folders: tuple[str, ...]


def interpreter_of(command: str, env: Mapping[str, str], here: Path) -> Interpreter | None:
    """Return the Python that a command starts, or that is active in the environment; None for our own or none."""
    path = env.get("PATH")
    program = str(here / command) if "/" in command else shutil.which(command, path=path)
    prefixes = [Path(program).parent.parent] if program and Path(program).name.startswith("python") else []
    prefixes += [Path(env[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if env.get(name)]
    for prefix in prefixes:
        if prefix in (Path(sys.prefix), Path(sys.base_prefix)):
            return None
        folders = sorted(map(str, prefix.glob("lib/python3*/site-packages")))
        if folders:
            return Interpreter(_version(prefix, folders[0]), tuple(folders))
    return None


def _version(prefix: Path, folder: str) -> str:
    """Return the version that a virtual environment says it has, else what the folder's name tells."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    return told.get("version") or told.get("version_info") or Path(folder).parent.name.removeprefix("python")
