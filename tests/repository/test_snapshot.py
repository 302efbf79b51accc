from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

from modelhub.errors import StateError
from modelhub.porcelain.ls import list_tensors, ls
from modelhub.repository import read_ahead
from modelhub.repository.objects import ChunkSegment, Manifest
from modelhub.repository.segment_recorder import FileReader
from modelhub.repository.trees import find_entry


def manifest_of(project: Project, path: str) -> Manifest:
    entry = find_entry(project.repo, str(project.repo.commit_tree(project.repo.head_commit())), path)
    assert entry.manifest is not None
    return project.repo.get(entry.manifest, Manifest)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_a_plain_file_of_any_size_comes_back(project: Project, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    commit = project.save("data.bin", content)
    assert project.files_of(commit) == {"data.bin": ("file", content)}


def test_a_large_plain_file_shares_what_an_edit_left_alone(project: Project) -> None:
    content = np.random.default_rng(1).bytes(4_000_000)
    project.save("data.bin", content)
    before = manifest_of(project, "data.bin")
    edited = content[:2_000_000] + b"inserted" + content[2_000_000:]
    project.save("data.bin", edited)
    after = manifest_of(project, "data.bin")
    assert all(isinstance(segment, ChunkSegment) for segment in after.segments)
    assert len(set(after.segments) - set(before.segments)) <= 3
    assert project.files_of(project.repo.head_commit())["data.bin"][1] == edited


def test_equal_tensors_are_stored_once_whatever_the_file(project: Project) -> None:
    arrays = {"w": weights(1, 60, 60), "b": weights(2, 60)}
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    project.write("m.safetensors", safetensors(arrays))
    project.write("m.npz", packed.getvalue())
    project.write("resaved.safetensors", safetensors(dict(reversed(arrays.items())), {"note": "again"}))
    done = project.commit()
    assert (done.tensors_new, done.tensors_shared) == (2, 4)
    oids = [{item.oid for item in list_tensors(project.repo, place=f"HEAD:{file.path}")} for file in ls(project.repo)]
    assert oids[0] == oids[1] == oids[2]
    assert project.files_of(done.commit)["m.npz"][1] == packed.getvalue()


def test_a_torch_checkpoint_shares_its_tensors_with_safetensors(project: Project) -> None:
    torch = pytest.importorskip("torch")
    array = weights(1, 60, 60)
    packed = io.BytesIO()
    torch.save({"layer.weight": torch.from_numpy(array.copy()), "epoch": 3}, packed)
    project.write("m.pt", packed.getvalue())
    project.write("m.safetensors", safetensors({"layer.weight": array}))
    done = project.commit()
    assert (done.tensors_new, done.tensors_shared) == (1, 1)
    assert project.files_of(done.commit)["m.pt"][1] == packed.getvalue()


def test_empty_and_scalar_tensors_come_back(project: Project) -> None:
    arrays = {"scalar": weights(1), "empty": np.zeros((0, 5), "float32"), "w": weights(2, 3)}
    content = safetensors(arrays)
    commit = project.save("m.safetensors", content)
    assert project.files_of(commit)["m.safetensors"][1] == content
    assert {item.name: item.shape for item in list_tensors(project.repo, place="HEAD:m.safetensors")} == {
        "scalar": (), "empty": (0, 5), "w": (3,)
    }  # fmt: skip


def _rewritten(place: Path, position: int) -> None:
    with open(place, "r+b") as file:
        file.seek(position)
        file.write(b"\x01\x02\x03")


def _grown(place: Path, position: int) -> None:
    with open(place, "ab") as file:
        file.write(b"more")


def _shrunk(place: Path, position: int) -> None:
    os.truncate(place, position)


@pytest.mark.parametrize("change", [_rewritten, _grown, _shrunk])
@pytest.mark.parametrize("kind", ["model", "plain", "small"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, kind: str, change: Callable[[Path, int], None]
) -> None:
    contents = {"model": safetensors({"w": weights(1, 40, 300)}), "plain": bytes(2_000_000), "small": bytes(3000)}
    place = project.write(kind, contents[kind])
    os.utime(place, ns=(0, 10**18))
    _at_the_last_read(monkeypatch, len(contents[kind]), lambda: change(place, len(contents[kind]) - 8))
    with pytest.raises(StateError, match="changed while it was being read"):
        project.commit()
    assert project.repo.refs.head_commit is None
    assert not [oid for oid in project.again().store.ids() if project.repo.store.info(oid).kind == "blob"]


def _changes_after_reading(project: Project, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Write a model that changes, and keeps its time, once its end was read; return what was read."""
    content = safetensors({"w": weights(1, 1200, 1000)})
    place = project.write("m.safetensors", content)
    os.utime(place, ns=(0, 10**18))

    def change() -> None:
        _rewritten(place, 5000)
        os.utime(place, ns=(0, 10**18))

    _at_the_last_read(monkeypatch, len(content), change)
    return content


def test_a_tensor_too_large_to_hold_that_changes_between_two_readings_is_refused_whatever_its_time(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead, "HELD_NBYTES", 1 << 20)
    _changes_after_reading(project, monkeypatch)
    with pytest.raises(StateError, match="changed while it was being read"):
        project.commit()


def test_a_tensor_that_is_held_is_stored_as_it_was_read_whatever_becomes_of_the_file(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = _changes_after_reading(project, monkeypatch)
    commit = project.commit().commit
    assert project.files_of(commit)["m.safetensors"][1] == content


def _at_the_last_read(monkeypatch: pytest.MonkeyPatch, size: int, act: Callable[[], object]) -> None:
    """Act once, when the end of the file has been read for the first time."""
    read = FileReader.read
    done = []

    def reading(self: FileReader, offset: int, nbytes: int) -> bytes:
        data = read(self, offset, nbytes)
        if offset + nbytes == size and not done:
            done.append(act())
        return data

    monkeypatch.setattr(FileReader, "read", reading)
