from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import InvalidInputError, UnsafePath
from modelhub.repository.names import check_name, check_path, check_ref_name, check_siblings, folded

ESCAPES = [
    "..",
    ".",
    "",
    "a/..",
    "../a",
    "a//b",
    "/a",
    "a/",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\rb",
    ".git",
    ".GIT",
    ".mh",
    ".Mh",
    "x/.git/hooks",
    ".g\u200cit",
    "．git",
    "git~1",
    "MH~1",
    "con",
    "NUL.txt",
    "lpt1",
    "a:b",
    "trailing.",
    "trailing ",
    " leading",
    "\u202eevil",
    "a" * 256,
    "/".join("d" * 101),
    "\ud800",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_a_path_that_could_escape_or_mislead_is_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        check_path(path)


@pytest.mark.parametrize(
    "path", ["model.safetensors", "a/b/c.pt", "日本語/モデル.pt", "ü.txt", ".mhignore", ".gitignore", "a b", "con2"]
)
def test_an_ordinary_path_is_accepted(path: str) -> None:
    check_path(path)


def test_a_tree_entry_may_not_hold_a_slash() -> None:
    with pytest.raises(UnsafePath):
        check_name("a/b")


@given(st.text(min_size=1, max_size=20))
def test_checking_a_name_never_fails_otherwise(name: str) -> None:
    try:
        check_name(name)
    except UnsafePath:
        return
    assert "/" not in name
    assert name not in (".", "..", ".git", ".mh")


@pytest.mark.parametrize(
    "paths", [["A", "a"], ["Model.pt", "model.pt"], ["a", "a/b"], ["dir/x", "dir"], ["ﬁ", "fi"], ["é", "e\u0301"]]
)
def test_names_that_some_file_system_takes_for_one_are_refused(paths: list[str]) -> None:
    with pytest.raises(UnsafePath):
        check_siblings(paths)


def test_different_names_stand_side_by_side() -> None:
    check_siblings(["a", "b/c", "b/d", "bc"])


@pytest.mark.parametrize(
    "name", ["", "a b", "a..b", "-a", "a~1", "a^", "a:b", "a.lock", ".a", "a/", "HEAD", "@", "a@{1}", "x/.y", "a\x7f"]
)
def test_a_bad_ref_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        check_ref_name(name)


@pytest.mark.parametrize("name", ["main", "exp/lr-3", "v1.0", "größe"])
def test_a_good_ref_name_is_accepted(name: str) -> None:
    check_ref_name(name)


@given(st.text(st.characters(codec="ascii")))
def test_plain_names_are_folded_as_all_are(name: str) -> None:
    # An accent at the end takes the other way through the same rules.
    assert folded(name + "é") == folded(name) + "é"
