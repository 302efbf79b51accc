from __future__ import annotations

from pathlib import Path

import pytest
from contracts.project import Project

from modelhub.errors import InvalidInputError, NotFoundError
from modelhub.porcelain.config import number_setting, set_value, settings


def test_the_repository_wins_over_the_user(project: Project, tmp_path: Path) -> None:
    set_value(project.repo, "user.name", "Everywhere", scope="user", home=tmp_path)
    set_value(project.repo, "user.name", "Here", scope="repository", home=tmp_path)
    assert [(item.key, item.value) for item in settings(project.repo, tmp_path)] == [("user.name", "Here")]
    assert [item.value for item in settings(None, tmp_path)] == ["Everywhere"]
    set_value(project.repo, "user.name", None, scope="repository", home=tmp_path)
    assert [item.value for item in settings(project.repo, tmp_path)] == ["Everywhere"]


def test_comments_and_other_settings_stay(project: Project, tmp_path: Path) -> None:
    project.repo.layout.config.write_text("# mine\n[gc]\ngrace_days = 3 # short\n")
    set_value(project.repo, "user.email", "a@b", scope="repository", home=tmp_path)
    text = project.repo.layout.config.read_text()
    assert "# mine" in text
    assert "# short" in text
    assert number_setting(project.repo, None, "gc.grace_days", 14.0) == 3.0


def test_what_cannot_be_understood_is_named(project: Project, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="there is no setting"):
        set_value(project.repo, "user.nmae", "x", scope="user", home=tmp_path)
    with pytest.raises(NotFoundError, match="not set"):
        set_value(project.repo, "user.name", None, scope="user", home=tmp_path)
    with pytest.raises(InvalidInputError, match="no repository"):
        set_value(None, "user.name", "x", scope="repository", home=tmp_path)
    project.repo.layout.config.write_text("[gc\n")
    with pytest.raises(InvalidInputError, match="not valid TOML"):
        settings(project.repo, tmp_path)
    with pytest.raises(InvalidInputError):
        set_value(project.repo, "user.name", "x", scope="repository", home=tmp_path)
    project.repo.layout.config.write_text("gc = 3\n")
    with pytest.raises(InvalidInputError):
        set_value(project.repo, "gc.grace_days", "3", scope="repository", home=tmp_path)
    project.repo.layout.config.write_text('[gc]\ngrace_days = "soon"\n')
    with pytest.raises(InvalidInputError, match="not a number"):
        number_setting(project.repo, None, "gc.grace_days", 14.0)
