"""Who is at work, and the state of their code: asked of the environment, the settings and git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from modelhub.porcelain.config import setting_files
from modelhub.repository.config import read_settings
from modelhub.repository.objects import CodeState, Person
from modelhub.repository.repository import Repository

GIT_TIMEOUT_S = 10.0


def identify(repo: Repository | None, env: Mapping[str, str], home: Path) -> Person:
    """Return the author: MH_AUTHOR_NAME and MH_AUTHOR_EMAIL, then `mh config`, then git's, then the login name."""
    settings = read_settings(setting_files(repo, home))
    name = env.get("MH_AUTHOR_NAME") or (settings["user.name"].value if "user.name" in settings else "")
    email = env.get("MH_AUTHOR_EMAIL") or (settings["user.email"].value if "user.email" in settings else "")
    folder = repo.layout.root if repo is not None else home
    name = name or env.get("GIT_AUTHOR_NAME") or git_output(folder, "config", "user.name") or ""
    email = email or env.get("GIT_AUTHOR_EMAIL") or git_output(folder, "config", "user.email") or ""
    return Person(name or env.get("USER") or env.get("LOGNAME") or "unknown", email)


def code_state(folder: Path) -> CodeState | None:
    """Return the git commit of a folder and whether its tracked files differ from it; None outside git."""
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return None
    commit = git_output(folder, "rev-parse", "--verify", "-q", "HEAD")
    if commit is None:
        return None
    branch = git_output(folder, "symbolic-ref", "--short", "-q", "HEAD")
    changes = git_output(folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    return CodeState(commit, branch, dirty=bool(changes))


def git_output(folder: Path, *arguments: str) -> str | None:
    """Return what git prints, None where it fails or is not installed. Git is kept from starting other programs."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", *arguments],
            capture_output=True, timeout=GIT_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
