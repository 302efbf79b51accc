from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.repository.index import Index, IndexEntry
from modelhub.repository.worktree import scan

NAMES = ["a", "b", "data", "build", "keep.txt", "x.log", "y.tmp"]
PATTERNS = [
    "*.log",
    "!keep.txt",
    "build/",
    "/data",
    "data/*",
    "!data/a",
    "**/b",
    "a/**",
    "*.tmp",
    "b",
    "# note",
    "",
    "build",
    "!x.log",
    "a/b/",
]


def _listed(root: Path) -> set[str]:
    return set(scan(root, Index()))


def _make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def test_clutter_is_left_out_by_default(tmp_path: Path) -> None:
    _make(
        tmp_path,
        "train.py",
        "__pycache__/train.pyc",
        ".venv/bin/python",
        ".git/config",
        ".mh/head",
        "a/.ipynb_checkpoints/x",
        "m.pyc",
    )
    assert _listed(tmp_path) == {"train.py"}


def test_an_ignore_file_can_bring_clutter_back(tmp_path: Path) -> None:
    _make(tmp_path, "m.pyc", ".cache/x")
    (tmp_path / ".mhignore").write_text("!*.pyc\n!.cache/\n")
    assert _listed(tmp_path) == {".mhignore", "m.pyc", ".cache/x"}


def test_gitignore_is_not_obeyed(tmp_path: Path) -> None:
    _make(tmp_path, "model.safetensors")
    (tmp_path / ".gitignore").write_text("*.safetensors\n")
    assert "model.safetensors" in _listed(tmp_path)


def test_a_tracked_file_stays_in_sight_when_its_folder_is_ignored(tmp_path: Path) -> None:
    _make(tmp_path, "out/kept", "out/other")
    (tmp_path / ".mhignore").write_text("out/\n")
    index = Index({"out/kept": IndexEntry("file", "ab" * 32, 1)})
    assert set(scan(tmp_path, index)) == {".mhignore", "out/kept"}


def test_an_ignore_file_in_a_folder_holds_for_that_folder(tmp_path: Path) -> None:
    _make(tmp_path, "x.log", "sub/x.log", "sub/y")
    (tmp_path / "sub/.mhignore").write_text("/x.log\n")
    assert _listed(tmp_path) == {"x.log", "sub/y", "sub/.mhignore"}


def test_links_are_seen_and_not_followed(tmp_path: Path) -> None:
    _make(tmp_path, "real/f")
    (tmp_path / "link").symlink_to("real")
    assert _listed(tmp_path) == {"real/f", "link"}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@settings(max_examples=40)
@given(
    lines=st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=5),
    nested=st.lists(st.sampled_from(PATTERNS), max_size=2),
    paths=st.sets(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join), min_size=1, max_size=8),
)
def test_the_rules_are_gits(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], nested: list[str], paths: set[str]
) -> None:
    root = tmp_path_factory.mktemp("rules")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for path in sorted(paths):
        if any(str(parent) in paths for parent in Path(path).parents):
            continue
        if not (root / path).is_dir():
            _make(root, path)
    (root / ".gitignore").write_text("\n".join(lines) + "\n")
    if nested and (root / "a").is_dir():
        (root / "a/.gitignore").write_text("\n".join(nested) + "\n")
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-o", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    wanted = {path for path in listed.stdout.splitlines() if not path.endswith(".gitignore")}
    for path in root.rglob(".gitignore"):
        path.rename(path.with_name(".mhignore"))
    assert {path for path in _listed(root) if not path.endswith(".mhignore")} == wanted
