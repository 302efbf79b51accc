from __future__ import annotations

import math

import numpy as np
import pytest
from contracts.logged_run import begin
from contracts.project import ADA, Project, safetensors, weights

from modelhub.errors import InvalidInputError, PathNotFound, RefNotFound
from modelhub.oid import oid_of
from modelhub.porcelain.blame import blame
from modelhub.porcelain.query import query
from modelhub.repository.objects import Usage
from modelhub.runs.notes import End, Output


def two_versions(project: Project) -> tuple[str, str]:
    base = weights(1, 50, 50)
    first = project.save("m.safetensors", safetensors({"w": base, "same": base + 1}), "first")
    moved = safetensors({"w": base * np.float32(1.5), "same": base + 1, "new": base})
    return first, project.save("m.safetensors", moved, "second\n\nmore")


def test_a_line_says_who_when_and_why(project: Project) -> None:
    first, second = two_versions(project)
    result = blame(project.repo, path="m.safetensors")
    found = {line.tensor: line for line in result.lines}
    assert (result.path, result.commit) == ("m.safetensors", second)
    assert {name: line.commit for name, line in found.items()} == {"w": second, "same": first, "new": second}
    line = found["w"]
    assert (line.author, line.email, line.summary, line.change) == (ADA.name, ADA.email, "second", "changed")
    assert (line.time, line.offset) == (project.now, 60)
    assert [found[name].change for name in ("same", "new")] == ["added", "added"]


def test_the_run_that_wrote_the_file_is_named(project: Project) -> None:
    first = project.save("m.safetensors", safetensors({"a": weights(1, 20, 20), "same": weights(2, 20, 20)}))
    run = begin(project.repo.layout)
    content = safetensors({"a": weights(9, 20, 20), "same": weights(2, 20, 20)})
    project.write("m.safetensors", content)
    run.note(Output(Usage("m.safetensors", oid_of(content), len(content))))
    run.note(End(5000, "finished", 0))
    run.close()
    commit = project.commit().commit
    found = {line.tensor: (line.commit, line.run) for line in blame(project.repo, path="m.safetensors").lines}
    assert found == {"a": (commit, run.id), "same": (first, None)}


def test_movement_is_told_once_it_was_measured_and_never_measured_for_it(project: Project) -> None:
    two_versions(project)
    assert [line.relative for line in blame(project.repo, path="m.safetensors").lines] == [None] * 3
    query(project.repo, sql="select * from tensor_changes")
    found = {line.tensor: line.relative for line in blame(project.repo, path="m.safetensors").lines}
    assert math.isclose(found.pop("w") or 0, 0.5, rel_tol=1e-6)
    assert found == {"same": None, "new": None}


def test_one_tensor_of_an_older_version(project: Project) -> None:
    first, _ = two_versions(project)
    (line,) = blame(project.repo, path="m.safetensors", tensor="w", revision="HEAD~1").lines
    assert (line.tensor, line.commit) == ("w", first)


def test_a_version_no_ref_holds_can_be_asked_about(project: Project) -> None:
    project.save("kept", "1")
    project.switch("topic", create=True)
    tip = project.save("a", "1")
    from modelhub.porcelain.branch import delete_branch

    project.switch("main")
    delete_branch(project.repo, act=project.act(), name="topic", force=True)
    assert [line.commit for line in blame(project.repo, path="a", revision=tip).lines] == [tip]


def test_what_is_not_there_is_refused_with_a_hint(project: Project) -> None:
    two_versions(project)
    project.save("d/plain", "text")
    for path, tensor, kind, hint in (
        ("nowhere", None, PathNotFound, "'mh ls HEAD' lists its files"),
        ("d", None, InvalidInputError, "'mh ls' lists what is in it"),
        ("", None, InvalidInputError, "'mh ls' lists what is in it"),
        ("m.safetensors", "sam", PathNotFound, "did you mean 'same'?"),
        ("m.safetensors", "zzzz", PathNotFound, "'mh blame m.safetensors' lists its tensors"),
        ("d/plain", "w", PathNotFound, "no tensors are known of that file"),
    ):
        with pytest.raises(kind) as caught:
            blame(project.repo, path=path, tensor=tensor)
        assert caught.value.hint == hint
    with pytest.raises(RefNotFound):
        blame(project.repo, path="d/plain", revision="nope")
