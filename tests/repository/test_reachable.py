from __future__ import annotations

import pytest
from contracts.project import Project, safetensors, weights

from modelhub.errors import FormatError
from modelhub.repository.reachable import Needs, all_commits, current_commits, with_bases


def test_a_version_needs_its_commit_trees_manifests_and_contents(project: Project) -> None:
    project.write("d/m.safetensors", safetensors({"w": weights(1, 30, 30)}))
    project.write("plain", "1")
    commit = project.commit().commit
    operations = {oid for oid, _ in project.repo.operations()}
    assert Needs(project.repo).of_commit(commit) | operations == set(project.repo.store.ids())


def test_bases_of_deltas_are_needed_too(project: Project) -> None:
    base = weights(1, 120, 120)
    project.save("m.safetensors", safetensors({"w": base}))
    commit = project.save("m.safetensors", safetensors({"w": base + base * base.dtype.type(0.001)}))
    own = Needs(project.repo).of_commit(commit)
    extra = with_bases(project.repo, own) - own
    assert [project.repo.store.info(oid).size for oid in extra] == [base.nbytes]


def test_what_is_broken_is_collected_not_raised(project: Project) -> None:
    commit = project.save("d/a", "1")
    tree = str(project.repo.commit_tree(commit))
    project.repo.store.loose.path(tree).unlink()
    needs = Needs(project.again())
    needs.of_commit(commit)
    assert needs.broken.keys() == {tree}


def test_an_object_whose_base_cannot_be_told_is_raised_unless_collected(project: Project) -> None:
    commit = project.save("a", "1" * 100)
    place = project.repo.store.loose.path(commit)
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-20])
    repo = project.again()
    broken: dict[str, str] = {}
    assert with_bases(repo, [commit], broken) == {commit}
    assert broken.keys() == {commit}
    with pytest.raises(FormatError):
        with_bases(repo, [commit])


def test_commits_of_all_refs_and_of_a_detached_head_are_current(project: Project) -> None:
    first = project.save("a", "1")
    project.switch("topic", create=True)
    second = project.save("a", "2")
    project.checkout(first)
    third = project.commit(allow_empty=True).commit
    assert current_commits(project.repo).keys() == {first, second, third}
    assert all_commits(project.repo, [second]).keys() == {first, second}


def test_marking_finds_what_the_versions_need(project: Project) -> None:
    project.save("d/e/m.safetensors", safetensors({"w": weights(1, 30, 30)}))
    project.save("d/plain", "1")
    needs, found = Needs(project.repo), set[str]()
    for oid in current_commits(project.repo):
        needs.mark(oid, found)
    assert found == frozenset().union(*map(needs.of_commit, current_commits(project.repo)))
