"""Tests that the reference pages name everything there is."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest
from contracts.pages import ROOT

import modelhub
from modelhub.catalog.query.result import QueryResult
from modelhub.porcelain.load import LoadedBounds, LoadedFile
from modelhub.repository.config import KEYS
from modelhub.repository.ignore import ALWAYS, DEFAULT_ENDINGS, DEFAULT_FOLDERS
from modelhub.tracking.training_run import TrainingRun

REFERENCE = ROOT / "docs" / "reference"


def read(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text("utf-8")


def parameters(function: object) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]  # type: ignore[arg-type]


def public(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_")]


def test_every_public_name_is_in_the_python_page() -> None:
    page = read("docs", "reference", "python.md")
    assert [name for name in modelhub.__all__ if f"`modelhub.{name}" not in page] == []


@pytest.mark.parametrize("name", public(modelhub.Repo))
def test_every_member_of_repo_is_in_the_python_page_with_its_parameters(name: str) -> None:
    row = next(
        line for line in read("docs", "reference", "python.md").splitlines() if line.startswith(f"| `repo.{name}")
    )
    member = inspect.getattr_static(modelhub.Repo, name)
    if not isinstance(member, property):
        shown = re.split(r"`", row)[1]
        written = re.findall(r"(?:^|[(\s*])(\w+)(?==|,|\))", shown.partition("(")[2])
        assert [word for word in written if not word.isdigit()] == parameters(member)


@pytest.mark.parametrize("name", public(TrainingRun))
def test_every_member_of_a_run_is_in_the_python_page_with_its_parameters(name: str) -> None:
    page = read("docs", "reference", "python.md").splitlines()
    row = next(line for line in page if line.startswith(f"| `run.{name}"))
    member = inspect.getattr_static(TrainingRun, name)
    if not isinstance(member, property):
        written = re.findall(r"(?:^|[(\s*])(\w+)(?==|,|\))", re.split(r"`", row)[1].partition("(")[2])
        assert written == parameters(member)


@pytest.mark.parametrize("kind", [QueryResult, LoadedFile, LoadedBounds])
def test_every_member_of_a_result_is_in_the_python_page(kind: type) -> None:
    page = read("docs", "reference", "python.md")
    section = page.partition(f"### {kind.__name__}\n")[2].partition("\n#")[0]
    assert [name for name in public(kind) if not re.search(rf"\b{name}\b", section)] == []


def test_every_result_has_its_fields_in_the_python_page() -> None:
    from modelhub.catalog.history import LogEntry
    from modelhub.porcelain.commit import CommitResult
    from modelhub.porcelain.diff import DiffResult, FileDiff, ValueDiff
    from modelhub.porcelain.moving import CheckoutResult
    from modelhub.porcelain.status import StatusResult
    from modelhub.porcelain.tensor_diff import TensorDiff
    from modelhub.porcelain.warm_start import WarmStart
    from modelhub.repository.lint import Finding
    from modelhub.repository.status import FileChange

    page = read("docs", "reference", "python.md")
    kinds = (
        CommitResult, StatusResult, LogEntry, DiffResult, FileDiff, ValueDiff, TensorDiff, CheckoutResult, Finding,
        FileChange, WarmStart,
    )  # fmt: skip
    for kind in kinds:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{kind.__name__}`"))
        assert [name for name in public(kind) if f"`{name}`" not in row] == [], kind.__name__


def test_every_setting_is_in_the_configuration_page() -> None:
    page = read("docs", "reference", "configuration.md")
    assert [key for key in KEYS if f"| `{key}` |" not in page] == []


def test_every_variable_that_is_read_is_in_the_configuration_page() -> None:
    page = read("docs", "reference", "configuration.md")
    sources = [path.read_text("utf-8") for path in (ROOT / "modelhub").rglob("*.py")]
    used = {name for text in sources for name in re.findall(r"""["'](MH_[A-Z_]+|[A-Z]*_?PAGER|NO_COLOR)["']""", text)}
    assert [name for name in sorted(used) if f"`{name}`" not in page] == []


def test_every_default_is_in_the_page_of_ignore_files() -> None:
    page = read("docs", "reference", "ignore-files.md")
    assert [name for name in sorted({*ALWAYS, *DEFAULT_FOLDERS, *DEFAULT_ENDINGS}) if f"`{name}`" not in page] == []


def test_every_room_is_in_the_architecture_page_in_its_place() -> None:
    page = read("docs", "explanation", "architecture.md")
    settings = tomllib.loads(read("pyproject.toml"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = [room.strip() for layer in layers for room in re.split(r"[|:]", layer) if "__" not in room]
    picture = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert picture is not None
    drawn = [word for line in picture[1].splitlines() for word in re.split(r"[|:]", line[:28]) if word.strip()]
    assert [word.split()[0] for word in drawn] == rooms
    assert [room for room in rooms if f"| `{room}` |" not in page] == []


def test_the_picture_of_rooms_is_the_same_wherever_it_is_drawn() -> None:
    pages = [read("docs", "explanation", "architecture.md"), read("CONTRIBUTING.md")]
    pictures = [re.search(r"```text\n(.*?)```", page, re.DOTALL) for page in pages]
    rooms = [[line[:28].rstrip() for line in found[1].splitlines()] for found in pictures if found is not None]
    assert rooms[0] == rooms[1]


def test_every_make_word_is_in_contributing() -> None:
    words = re.findall(r"^([a-z]+):.*##", read("Makefile"), re.MULTILINE)
    text = read("CONTRIBUTING.md")
    assert [word for word in words if word != "clean" and f"`make {word}`" not in text] == []


def test_every_file_name_rule_is_in_the_security_page() -> None:
    from modelhub.repository import names

    page = read("docs", "explanation", "security.md")
    assert f"1 to {names.MAX_NAME_BYTES} bytes" in page
    assert f"{names.MAX_DEPTH} folders deep" in page
    assert [name for name in (".mh", ".git", "mh~1", "git~1") if f"`{name}`" not in page] == []


def test_numbers_in_the_explanations_are_those_of_the_code() -> None:
    from modelhub.porcelain.gc import GRACE_DAYS, OPERATIONS_DAYS
    from modelhub.porcelain.nearest import FAR
    from modelhub.repository.snapshot import WHOLE_NBYTES
    from modelhub.store.object_writer import MAX_DEPTH

    said = {
        Path("explanation/how-storage-shrinks.md"): f"chains are at most {MAX_DEPTH} long",
        Path("design/002-blocks-and-deltas.md"): f"further apart than {FAR} are not tried",
        Path("design/001-object-model.md"): f"up to {WHOLE_NBYTES >> 20} MiB one blob",
        Path("reference/configuration.md"): f"| {GRACE_DAYS:g} |",
        Path("how-to/shrink-a-repository.md"): f"{OPERATIONS_DAYS:g} days",
    }
    assert [str(path) for path, words in said.items() if words not in read("docs", *path.parts)] == []
