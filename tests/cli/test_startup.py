"""What the hot commands import: an exact set, because each further package costs tens of milliseconds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "numpy", "rich", "sqlalchemy", "pcodec", "tomlkit", "yaml", "prompt_toolkit", "pygments", "matplotlib", "torch",
    "safetensors", "onnx", "arro3", "pathspec",
}  # fmt: skip
SLOW_STDLIB = {"asyncio", "importlib.metadata", "tomllib", "csv", "multiprocessing", "email"}

SOURCES = Path(__file__).parents[2]
PROBE = """
import json, sys
before = set(sys.modules)
from modelhub.cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(set(sys.modules) - before)]), file=sys.stderr)
"""
OURS_AND_STDLIB = {*sys.stdlib_module_names, "modelhub"}


def imported(folder, line, *words):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *line.split(), *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    return set(modules)


def packages(modules):
    """The packages from outside the standard library, less what click and msgspec bring along."""
    return {name.partition(".")[0] for name in modules} - OURS_AND_STDLIB - {"typing_extensions"}


@pytest.mark.parametrize("line", ["log", "log --oneline --graph --all", "log -n 1 --json"])
def test_log_imports_nothing_heavy(project, line):
    modules = imported(project, line)
    assert packages(modules) == {"click", "msgspec", "blake3"}
    assert not modules & {"asyncio", "subprocess", "importlib.metadata", "concurrent.futures", "tomllib"}


@pytest.mark.parametrize("line", ["branch", "tag", "op log"])
def test_the_lists_of_refs_import_no_numbers(project, line):
    assert not packages(imported(project, line)) & {"numpy", "rich", "sqlalchemy", "pcodec", "filelock", "tomlkit"}


def test_status_imports_no_numbers(project):
    (project / "train.py").write_text("lr = 1\n")
    assert not packages(imported(project, "status")) & {"numpy", "rich", "sqlalchemy", "pcodec", "tomlkit"}


def test_the_help_imports_no_command(project):
    modules = imported(project, "--help")
    assert packages(modules) == {"click"}
    assert not [name for name in modules if name.startswith(("modelhub.cli.commands", "modelhub.porcelain"))]


def test_status_asks_no_git_and_no_catalog(new_project):
    modules = imported(new_project, "status")
    assert packages(modules) <= {"click", "msgspec", "blake3", "zstandard"}
    assert not modules & {*SLOW_STDLIB, "subprocess", "sqlite3", "json", "concurrent.futures", "logging"}


def test_a_commit_of_text_imports_nothing_for_weights(project):
    (project / "train.py").write_text("lr = 1\n")
    modules = imported(project, "commit -m text")
    assert packages(modules) <= {"click", "msgspec", "blake3", "zstandard", "filelock"}
    assert not modules & SLOW_STDLIB


def test_a_commit_of_a_model_file_that_moved_imports_no_numbers(project):
    (project / "model.safetensors").rename(project / "moved.safetensors")
    assert not packages(imported(project, "commit -m moved")) & HEAVY


@pytest.mark.parametrize(
    "line",
    ["show", "ls", "diff HEAD", "runs", "lineage", "du", "cat HEAD:train.py", "compare HEAD HEAD", "reindex"],
)
def test_what_lists_and_shows_imports_nothing_heavy(project, line):
    (project / "train.py").write_text("lr = 1\n")
    imported(project, "commit -m text")
    modules = imported(project, line)
    assert not packages(modules) & HEAVY
    assert not modules & (SLOW_STDLIB - {"csv"})


@pytest.mark.parametrize("words", [["select 1"], ["select count(*) from tensors", "--json"]])
def test_a_query_imports_no_prompt(project, words):
    modules = imported(project, "query", *words)
    assert packages(modules) == {"click", "msgspec", "blake3"}
