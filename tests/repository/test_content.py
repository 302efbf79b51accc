from __future__ import annotations

import pytest
from contracts.project import Project, safetensors, weights

from modelhub.errors import IntegrityError, PathNotFound
from modelhub.porcelain.cat import cat, tensor_array
from modelhub.repository.content import FileStream, chunk_oids, find_tensor, read_file, read_manifest
from modelhub.repository.objects import Entry, LiteralSegment, Manifest
from modelhub.repository.repository import put
from modelhub.repository.trees import find_entry


def entry_of(project: Project, path: str) -> Entry:
    return find_entry(project.repo, str(project.repo.commit_tree(project.repo.head_commit())), path)


@pytest.fixture
def model(project: Project) -> bytes:
    content = safetensors({"w": weights(1, 30, 30), "b": weights(2, 30)})
    project.save("m.safetensors", content)
    return content


def test_a_file_is_put_together_from_its_runs(project: Project, model: bytes) -> None:
    assert read_file(project.repo, entry_of(project, "m.safetensors")) == model
    assert b"".join(cat(project.repo, place="HEAD:m.safetensors")) == model


def test_one_tensor_is_read_without_the_rest(project: Project, model: bytes) -> None:
    manifest = read_manifest(project.repo, entry_of(project, "m.safetensors"))
    other = find_tensor(manifest, "b")[0]
    for oid in list(project.repo.store.ids()):
        if oid == other.oid:
            project.repo.store.loose.path(oid).unlink(missing_ok=True)
    assert (tensor_array(project.again(), place="HEAD:m.safetensors", tensor="w") == weights(1, 30, 30)).all()
    assert b"".join(cat(project.again(), place="HEAD:m.safetensors", tensor="w")) == weights(1, 30, 30).tobytes()


def test_an_unknown_tensor_names_those_there_are(project: Project, model: bytes) -> None:
    with pytest.raises(PathNotFound) as caught:
        find_tensor(read_manifest(project.repo, entry_of(project, "m.safetensors")), "x")
    assert caught.value.hint == "its tensors: w, b"
    with pytest.raises(PathNotFound):
        find_tensor(None, "x")


def test_a_manifest_that_makes_another_file_is_noticed(project: Project, model: bytes) -> None:
    """Every object is sound, but put together they are not the file that the tree names."""
    entry = entry_of(project, "m.safetensors")
    manifest = project.repo.get(str(entry.manifest), Manifest)
    with project.repo.store.writer() as writer:
        wrong = put(
            writer, Manifest(manifest.format, manifest.size, manifest.file, manifest.segments[::-1], manifest.literals)
        )
        writer.publish()
    stream = FileStream(project.repo, Entry(entry.mode, entry.oid, entry.size, wrong))
    for _ in stream:
        pass
    with pytest.raises(IntegrityError, match="damaged"):
        stream.check()


@pytest.mark.parametrize("nbytes", [-4, 0, 5])
def test_a_manifest_with_lengths_that_lie_is_refused(project: Project, model: bytes, nbytes: int) -> None:
    entry = entry_of(project, "m.safetensors")
    manifest = project.repo.get(str(entry.manifest), Manifest)
    with project.repo.store.writer() as writer:
        segments = (LiteralSegment(nbytes), *manifest.segments[1:])
        wrong = put(writer, Manifest(manifest.format, manifest.size, manifest.file, segments, manifest.literals))
        writer.publish()
    with pytest.raises(IntegrityError):
        read_file(project.repo, Entry(entry.mode, entry.oid, entry.size, wrong))


def test_what_a_manifest_needs_is_its_tensors_and_its_literals(project: Project, model: bytes) -> None:
    manifest = project.repo.get(str(entry_of(project, "m.safetensors").manifest), Manifest)
    assert set(chunk_oids(manifest)) == {segment.oid for segment in manifest.tensors()} | {manifest.literals}
