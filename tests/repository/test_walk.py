from __future__ import annotations

from contracts.project import Project

from modelhub.porcelain.merge import merge
from modelhub.repository.objects import Commit
from modelhub.repository.repository import put
from modelhub.repository.walk import ancestors, is_ancestor, merge_base


def test_ancestors_come_once_and_nearest_first(project: Project) -> None:
    first = project.save("a", "1")
    project.switch("topic", create=True)
    left = project.save("b", "1")
    project.switch("main")
    right = project.save("c", "1")
    merge(project.repo, act=project.act("merge"), revision="topic")
    found = [oid for oid, _ in ancestors(project.repo, project.repo.head_commit())]
    assert found[1:] == [right, left, first]
    assert is_ancestor(project.repo, first, found[0])
    assert not is_ancestor(project.repo, left, right)


def test_the_merge_base_is_where_the_lines_parted(project: Project) -> None:
    project.save("a", "0")
    fork = project.save("a", "1")
    project.switch("topic", create=True)
    left = project.save("b", "1")
    project.switch("main")
    project.save("c", "1")
    right = project.save("c", "2")
    assert merge_base(project.repo, left, right) == fork
    assert merge_base(project.repo, left, fork) == fork
    assert merge_base(project.repo, left, left) == left


def test_no_base_of_a_base_is_taken_even_where_clocks_lie(project: Project) -> None:
    """A commit made with a clock ahead must not win over its own descendant."""
    tree = project.save("a", "0")
    root = project.repo.get(tree, Commit)

    def made(message: str, time: int, *parents: str) -> str:
        with project.repo.store.writer() as writer:
            oid = put(writer, Commit(root.tree, parents, root.author, time, 0, message))
            writer.publish()
        return oid

    old = made("old", 9_000)
    middle = made("middle", 1, old)
    left = made("left", 2, middle, old)
    right = made("right", 3, old, middle)
    assert merge_base(project.repo, left, right) == middle


def test_strangers_have_no_base(project: Project) -> None:
    first = project.save("a", "0")
    root = project.repo.get(first, Commit)
    with project.repo.store.writer() as writer:
        other = put(writer, Commit(root.tree, (), root.author, 5, 0, "stranger"))
        writer.publish()
    assert merge_base(project.repo, first, other) is None


def test_several_lines_are_walked_at_once(project: Project) -> None:
    first = project.save("a", "1")
    project.switch("topic", create=True)
    left = project.save("b", "1")
    project.switch("main")
    right = project.save("c", "1")
    assert [oid for oid, _ in ancestors(project.repo, left, right)] == [left, right, first]
    assert is_ancestor(project.repo, left, right, left)
    assert not is_ancestor(project.repo, left)
