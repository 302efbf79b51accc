"""The limits of CONTRIBUTING.md on modules, functions and signatures. An exception is a line here, with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "modelhub"
MODULES = sorted(PACKAGE.rglob("*.py"))

MOST_LINES = 500
MOST_FUNCTION_LINES = 60
MOST_PARAMETERS = 8
MOST_POSITIONAL = 6
MOST_METHODS = 15

MORE_PARAMETERS = {
    "porcelain/commit.py:commit": "what a person may say about one version, all but two by keyword with a default",
    "porcelain/diff.py:diff": "one question with its options",
    "api.py:commit": "as porcelain's",
}
GENERATORS = {"cli/reference.py", "catalog/views/reference.py", "catalog/views/__main__.py", "catalog/schema.py"}
"""Write pages of the documentation, for developers only."""

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "manager", "handler"}


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _length(function: ast.FunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_keeps_its_limits(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MOST_LINES
    tree = ast.parse(text)
    assert ast.get_docstring(tree) is not None or not text.strip()
    for function in _functions(tree):
        assert _length(function) <= MOST_FUNCTION_LINES, function.name
        if f"{_name(path)}:{function.name}" in MORE_PARAMETERS:
            continue
        own = [
            item.arg for item in (*function.args.posonlyargs, *function.args.args) if item.arg not in ("self", "cls")
        ]
        assert len(own) <= MOST_POSITIONAL, function.name
        assert len(own) + len(function.args.kwonlyargs) <= MOST_PARAMETERS, function.name


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_class_keeps_its_limit_of_public_methods(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            methods = [
                item for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")
            ]
            assert len(methods) <= MOST_METHODS, node.name


def test_no_module_is_a_catch_all() -> None:
    assert not [path for path in MODULES if path.stem in FORBIDDEN_NAMES]


def test_folders_are_two_deep_at_most() -> None:
    assert all(len(path.relative_to(PACKAGE).parts) <= 3 for path in MODULES)


def test_nothing_unpickles_or_evaluates() -> None:
    reads_yaml = PACKAGE / "porcelain" / "plain_values.py"  # with a loader that makes plain values only
    banned = {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle", "yaml"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                if path == reads_yaml and [alias.name for alias in node.names] == ["yaml"]:
                    continue
                assert not banned & {alias.name.partition(".")[0] for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in banned, path
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "__import__"), path


def test_only_files_writes_to_the_disk() -> None:
    writing = {"write_text", "write_bytes", "mkdir", "touch", "rename", "unlink", "rmdir", "symlink_to", "hardlink_to"}
    for path in MODULES:
        if path.name == "files.py" or _name(path) in GENERATORS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in writing and ast.unparse(node.value) != "formatter":
                raise AssertionError(f"{_name(path)}:{node.lineno} writes by itself: .{node.attr}")
