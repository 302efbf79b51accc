"""Tests of reading git's raw commits and trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from contracts.git_project import GitProject

from modelhub.errors import IntegrityError
from modelhub.importers.git_objects import LAST_MS, GitObjects, parse_commit
from modelhub.importers.git_repository import GitRepository


@pytest.mark.parametrize(
    ("line", "name", "email", "time", "offset"),
    [
        ("Ada <ada@example.org> 1700000000 +0100", "Ada", "ada@example.org", 1_700_000_000_000, 60),
        ("Ada <ada@example.org> 1700000000 -0330", "Ada", "ada@example.org", 1_700_000_000_000, -210),
        ("<ada@example.org> 1 +0000", "unknown", "ada@example.org", 1000, 0),
        ("Ada <> 99999999999999999 +9999", "Ada", "", LAST_MS, 0),
        ("Ada <ada> -5 +051800", "Ada", "ada", 0, 0),
        ("broken", "broken", "", 0, 0),
    ],
)
def test_a_signature_is_read_however_odd(line: str, name: str, email: str, time: int, offset: int) -> None:
    found = parse_commit(f"tree {'0' * 40}\nauthor {line}\ncommitter X <y> 1 +0000\n\nmessage\n".encode())
    assert (found.author.name, found.author.email, found.time, found.offset) == (name, email, time, offset)
    assert found.message == "message"


def test_a_signed_commit_has_its_message_alone() -> None:
    raw = b"tree 1\nauthor A <a> 1 +0000\ngpgsig -----BEGIN-----\n \n abc\n -----END-----\n\nsubject\n\nbody\n"
    assert parse_commit(raw).message == "subject\n\nbody"


def test_objects_are_read_in_any_order_and_missing_ones_are_told(tmp_path: Path) -> None:
    source = GitProject(tmp_path / "source")
    source.write("a/b.txt", b"x" * 3_000_000)
    sha = source.commit()
    with GitObjects(GitRepository.find(source.root)) as objects:
        tree = objects.commit(sha).tree
        entry = objects.at(tree, "a/b.txt")
        assert entry is not None
        assert sum(map(len, objects.stream(entry.sha))) == 3_000_000
        assert objects.read_at_most(entry.sha, 100) is None
        assert objects.at(tree, "a/none") is None
        assert objects.at(tree, "a/b.txt/none") is None
        with pytest.raises(IntegrityError):
            objects.read("0" * 40)
        assert objects.commit(sha).tree == tree


def test_a_repository_with_longer_ids_is_read(tmp_path: Path) -> None:
    source = GitProject(tmp_path / "source", "--object-format=sha256")
    source.write("a/b.txt", "x")
    sha = source.commit()
    git = GitRepository.find(source.root)
    assert git.history([sha]) == [(sha, ())]
    with GitObjects(git) as objects:
        assert objects.at(objects.commit(sha).tree, "a/b.txt") is not None
