"""Who is at work: asked of the environment, the settings and git."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelhub.porcelain.config import setting_files
from modelhub.porcelain.git import git_output
from modelhub.repository.config import read_settings
from modelhub.repository.objects import Person
from modelhub.repository.repository import Repository


def identify(repo: Repository | None, env: Mapping[str, str], home: Path) -> Person:
    """Return the author: MH_AUTHOR_NAME and MH_AUTHOR_EMAIL, then `mh config`, then git's, then the login name."""
    settings = read_settings(setting_files(repo, home))
    name = env.get("MH_AUTHOR_NAME") or (settings["user.name"].value if "user.name" in settings else "")
    email = env.get("MH_AUTHOR_EMAIL") or (settings["user.email"].value if "user.email" in settings else "")
    folder = repo.layout.root if repo is not None else home
    name = name or env.get("GIT_AUTHOR_NAME") or git_output(folder, "config", "user.name") or ""
    email = email or env.get("GIT_AUTHOR_EMAIL") or git_output(folder, "config", "user.email") or ""
    return Person(name or env.get("USER") or env.get("LOGNAME") or "unknown", email)
