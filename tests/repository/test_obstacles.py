from __future__ import annotations

from modelhub.repository.obstacles import PathsBelow, displaced


def test_paths_below_are_the_path_itself_and_what_lies_in_it() -> None:
    paths = PathsBelow(["a", "a/b", "a/c/d", "a-b", "a0", "b/a"])
    assert paths.of("a") == ["a", "a/b", "a/c/d"]
    assert paths.of("a/c") == ["a/c/d"]
    assert paths.of("x") == []
    assert paths.of("") == sorted(["a", "a/b", "a/c/d", "a-b", "a0", "b/a"])


def test_a_path_displaces_what_clashes_and_what_differs_in_capitals() -> None:
    assert displaced(["a/b", "M"], ["a", "a/b", "a/b/c", "m", "n"]) == {"a", "a/b/c", "m"}
