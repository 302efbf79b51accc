from __future__ import annotations

import pytest
from contracts.project import Project, safetensors, weights

from modelhub.errors import PathNotFound
from modelhub.porcelain.usage_tree import UsageNode, usage_tree
from modelhub.repository.reachable import Needs, with_bases


def model(project: Project) -> str:
    tensors = {f"layer.{number}.{part}": weights(number, 20, 30) for number in range(3) for part in ("w", "b")}
    project.write("nets/m.safetensors", safetensors({**tensors, "head": weights(9, 40, 40)}))
    project.write("nets/copy.safetensors", project.read("nets/m.safetensors"))
    project.write("train.py", "train()")
    project.write("large.bin", weights(3, 400_000).tobytes())
    return project.commit().commit


def leaves(node: UsageNode) -> list[UsageNode]:
    return [leaf for child in node.children for leaf in leaves(child)] if node.children else [node]


def test_every_level_adds_up_to_the_version(project: Project) -> None:
    commit = model(project)
    found = usage_tree(project.repo, depth=20)
    store = project.repo.store
    trees = {oid for oid in Needs(project.repo).of_commit(commit) if store.info(oid).kind in ("blob", "manifest")}
    packages = project.repo.commit_tree(commit)
    in_files = trees & Needs(project.repo).of_tree(packages or "")
    assert found.root.stored_nbytes == sum(store.info(oid).stored_nbytes for oid in in_files)
    assert found.root.raw_nbytes == sum(len(content) for _, content in project.files_of(commit).values())
    assert sum(leaf.stored_nbytes for leaf in leaves(found.root)) == found.root.stored_nbytes
    assert sum(leaf.raw_nbytes for leaf in leaves(found.root)) == found.root.raw_nbytes


def test_dots_are_levels_and_what_is_there_twice_counts_once(project: Project) -> None:
    model(project)
    root = usage_tree(project.repo, depth=20).root
    nets = next(child for child in root.children if child.name == "nets")
    first, second = nets.children
    assert {first.name, second.name} == {"copy.safetensors", "m.safetensors"}
    assert (first.raw_nbytes, second.stored_nbytes) == (second.raw_nbytes, 0)
    assert {child.name for child in first.children} == {"layer", "head", "(rest)"}


def test_the_depth_bounds_what_is_shown_and_a_path_where_it_begins(project: Project) -> None:
    model(project)
    assert usage_tree(project.repo, depth=0).root.children == ()
    shallow = usage_tree(project.repo, depth=1).root
    assert next(child for child in shallow.children if child.name == "nets").hidden == 2
    below = usage_tree(project.repo, place="HEAD:nets/m.safetensors", depth=9).root
    assert below.raw_nbytes == len(project.read("nets/m.safetensors"))
    with pytest.raises(PathNotFound):
        usage_tree(project.repo, place="HEAD:none")


def test_bases_of_other_versions_are_counted_apart(project: Project) -> None:
    base = weights(1, 200, 200)
    first = project.save("m.safetensors", safetensors({"w": base}))
    project.save("m.safetensors", safetensors({"w": base + weights(2, 200, 200) * base.dtype.type(0.001)}))
    found = usage_tree(project.repo)
    own = Needs(project.repo).of_commit(project.repo.head_commit())
    extra = with_bases(project.repo, own) - own
    assert found.bases_nbytes == sum(project.repo.store.info(oid).stored_nbytes for oid in extra) > 0
    assert usage_tree(project.repo, place=first).bases_nbytes == 0
