"""Parts of a model are read: some tensors, some rows, and no more than the blocks they lie in."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights
from contracts.store_reads import StoreReads, hurt_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.api import Repo
from modelhub.errors import IntegrityError, InvalidInputError, PathNotFound
from modelhub.porcelain.load import as_slice
from modelhub.porcelain.places import find_file
from modelhub.repository.content import find_tensor, read_manifest
from modelhub.store.item import BLOCK_ELEMENTS
from modelhub.store.prune import settle

ROWS, COLUMNS = 3000, 1024
"""Three blocks of float32: rows 0 to 1023, 1024 to 2047, and the rest."""


@pytest.fixture(scope="module")
def large_project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, np.ndarray]:
    """A tensor of three blocks, in its second version a delta of the first."""
    project = Project(tmp_path_factory.mktemp("large") / "project")
    first = weights(1, ROWS, COLUMNS)
    second = first + weights(2, ROWS, COLUMNS) * np.float32(1e-3)
    project.save("m.safetensors", safetensors({"w": first, "b": first[0].copy()}))
    project.save("m.safetensors", safetensors({"w": second, "b": second[0].copy()}))
    second.flags.writeable = False
    return project, second


@pytest.fixture
def large(large_project: tuple[Project, np.ndarray], tmp_path: Path) -> tuple[Repo, np.ndarray]:
    project, second = large_project
    return Repo(project.copy(tmp_path / "large").repo), second


def stored(repo: Repo, place: str, name: str):
    opened = repo._repository
    segment, _ = find_tensor(read_manifest(opened, find_file(opened, place)), name)
    return opened.store.open(segment.oid)


def test_only_the_tensors_asked_for_are_there(large) -> None:
    repo, second = large
    loaded = repo.load("HEAD:m.safetensors", tensors=["b", "b"])
    assert list(loaded) == ["b"]
    assert np.array_equal(loaded["b"], second[0])
    assert "w" not in loaded
    with pytest.raises(KeyError, match="none of the tensors that were asked for"):
        loaded["w"]


def test_an_unknown_tensor_is_refused_at_once_with_the_names_near_it(project: Project) -> None:
    project.save("m.safetensors", safetensors({"encoder.weight": weights(1, 4, 4), "encoder.bias": weights(2, 4)}))
    with pytest.raises(PathNotFound) as caught:
        Repo(project.repo).load("HEAD:m.safetensors", tensors=["encoder.wieght"])
    assert caught.value.hint == "did you mean 'encoder.weight' or 'encoder.bias'?"


@pytest.mark.parametrize("tensors", ["w", [1], [None, "w"]])
def test_what_is_no_list_of_names_is_refused(project: Project, tensors: object) -> None:
    project.save("m.safetensors", safetensors({"w": weights(1, 4)}))
    with pytest.raises(InvalidInputError, match="no list of names"):
        Repo(project.repo).load("HEAD:m.safetensors", tensors=tensors)  # type: ignore[arg-type]


@settings(max_examples=60)
@given(rows=st.slices(7))
def test_rows_are_what_python_would_cut(tmp_path_factory, rows: slice) -> None:
    project = Project(tmp_path_factory.mktemp("rows"))
    tensors = {"w": weights(1, 7, 3, 2), "n": np.arange(7), "e": weights(1, 7, 0)}
    project.save("m.safetensors", safetensors(tensors))
    loaded = Repo(project.repo).load("HEAD:m.safetensors", rows=rows)
    for name, array in tensors.items():
        assert np.array_equal(loaded[name], array[rows])
        assert loaded[name].dtype == array.dtype


def test_ranges_are_rows_too() -> None:
    numbers = list(range(10))
    for rows in (range(3), range(2, 8, 3), range(5, -1, -1), range(4, 4), range(3, 99)):
        assert numbers[as_slice(rows)] == [number for number in rows if number < 10]


@pytest.mark.parametrize("rows", [5, "1:3", slice("a", None), slice(0, 4, 0), range(-3, 0), (1, 2), slice(0.5, 2)])
def test_what_is_no_choice_of_rows_is_refused(rows: object) -> None:
    with pytest.raises(InvalidInputError, match="no choice of rows"):
        as_slice(rows)  # type: ignore[arg-type]


def test_a_single_number_has_no_rows(project: Project) -> None:
    project.save("m.safetensors", safetensors({"s": np.array(1.5, np.float32)}))
    loaded = Repo(project.repo).load("HEAD:m.safetensors", rows=slice(1))
    with pytest.raises(InvalidInputError, match="no rows"):
        loaded["s"]


def test_rows_are_read_without_the_blocks_of_others(large, monkeypatch) -> None:
    repo, second = large
    one = stored(repo, "HEAD:m.safetensors", "w")
    assert one.info.depth == 1
    (base,) = one.foundation
    with StoreReads(monkeypatch) as reads:
        got = repo.load("HEAD:m.safetensors", rows=slice(2048, 2050))["w"]
    assert np.array_equal(got, second[2048:2050])
    third = [handle.entry.record.frames[2].nbytes for handle in (one, base.handle)]
    overhead = reads.nbytes - sum(third)
    assert 0 < overhead < 1 << 16
    assert reads.nbytes < one.entry.stored_nbytes


def test_rows_that_cross_blocks_read_both(large) -> None:
    repo, second = large
    got = repo.load("HEAD:m.safetensors", rows=slice(1000, 2100, 7))["w"]
    assert np.array_equal(got, second[1000:2100:7])


@pytest.mark.parametrize("of_base", [False, True])
def test_damage_matters_only_where_a_block_is_needed(large, of_base: bool) -> None:
    repo, second = large
    handle = stored(repo, "HEAD~1:m.safetensors" if of_base else "HEAD:m.safetensors", "w")
    hurt_frame(repo._repository.store, handle.entry, 1)
    again = Repo(type(repo._repository).find(repo.root))
    assert np.array_equal(again.load("HEAD:m.safetensors", rows=slice(2048, None))["w"], second[2048:])
    assert np.array_equal(again.load("HEAD:m.safetensors", rows=slice(0, 1024))["w"], second[:1024])
    for rows in (slice(1023, 1025), slice(2047, 2048)):
        with pytest.raises(IntegrityError):
            again.load("HEAD:m.safetensors", rows=rows)["w"]


def test_a_row_longer_than_a_block_is_read_from_its_blocks(project: Project) -> None:
    wide = weights(3, 2, BLOCK_ELEMENTS + 5)
    project.save("m.safetensors", safetensors({"w": wide}))
    loaded = Repo(project.repo).load("HEAD:m.safetensors", rows=slice(1, 2))
    assert np.array_equal(loaded["w"], wide[1:])


def put_separate(repo: Repo, place: str, name: str) -> None:
    """Store a tensor anew, with its planes apart."""
    one = stored(repo, place, name)
    store = repo._repository.store
    with store.writer(replacing={one.oid}, effort="separate") as writer:
        writer.put_stream(one.oid, one.size, one.read, item=one.entry.record.item)
        pack = writer.publish(as_pack=True).pack
    settle(store, prefer=pack)


@pytest.mark.parametrize("separate", [False, True])
def test_bounds_hold_however_a_tensor_is_stored(large, separate: bool) -> None:
    repo, second = large
    if separate:
        put_separate(repo, "HEAD:m.safetensors", "w")
    for precision in (1, 2, 3):
        loaded = repo.load("HEAD:m.safetensors", precision=precision, rows=slice(1000, 1100))
        found, values = loaded["w"], second[1000:1100]
        assert (found.lower <= values).all()
        assert (values <= found.upper).all()
        assert (found.lower < found.upper).all()
        assert np.array_equal(found.lower.view(np.uint32) >> 32 - 8 * precision,
                              values.view(np.uint32) >> 32 - 8 * precision)  # fmt: skip
    exact = repo.load("HEAD:m.safetensors", precision=4)["w"]
    assert exact.lower is exact.upper
    assert np.array_equal(exact.lower, second)


def test_the_first_bytes_alone_are_read_where_planes_are_separate(large, monkeypatch) -> None:
    repo, second = large
    put_separate(repo, "HEAD:m.safetensors", "w")
    again = Repo(type(repo._repository).find(repo.root))
    read = {}
    for precision in (1, 2, 3, 4):
        loaded = again.load("HEAD:m.safetensors", precision=precision, tensors=["w"])
        with StoreReads(monkeypatch) as reads:
            loaded["w"]
        read[precision] = reads.nbytes / second.nbytes
    assert read[1] < 0.12
    assert read[1] < read[2] < read[3] < read[4]
    assert read[2] - read[1] <= 0.2501


@pytest.mark.parametrize("precision", [0, -1, 1.5, "2", True])
def test_a_precision_that_is_none_is_refused(large, precision: object) -> None:
    with pytest.raises(InvalidInputError, match="precision"):
        large[0].load("HEAD:m.safetensors", precision=precision)  # type: ignore[call-overload]
    with pytest.raises(InvalidInputError, match="precision"):
        large[0].load("HEAD:m.safetensors").bounds("w", precision)  # type: ignore[arg-type]


def test_bounds_are_a_mapping_of_the_same_names(large) -> None:
    loaded = large[0].load("HEAD:m.safetensors", precision=1, tensors=["b"])
    assert list(loaded) == ["b"]
    assert len(loaded) == 1
    with pytest.raises(KeyError):
        loaded["w"]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "complex64", "int32", "bool"])
def test_bounds_hold_for_every_dtype_with_separate_planes_and_without(project: Project, dtype: str) -> None:
    array = weights(1, 500, 40).astype(dtype) if dtype != "complex64" else weights(1, 500, 40) * (1 + 2j)
    if dtype == "int32":
        array = (weights(1, 500, 40) * 1e6).astype(dtype)
    project.write("a.npy", npy(np.asfortranarray(array.astype(dtype))))
    project.commit()
    repo = Repo(project.repo)
    (name,) = repo.load("HEAD:a.npy")
    answers = []
    for separate in (False, True):
        if separate:
            put_separate(repo, "HEAD:a.npy", name)
        for precision in (1, 2, 3):
            found = repo.load("HEAD:a.npy", precision=precision, rows=slice(7, 400, 3))[name]
            for part in ("real", "imag") if dtype == "complex64" else (None,):
                low, true, high = (one if part is None else getattr(one, part) for one in
                                   (found.lower, array.astype(dtype)[7:400:3], found.upper))  # fmt: skip
                assert ((low <= true) & (true <= high)).all()
            answers.append((found.lower.tobytes(), found.upper.tobytes()))
    assert answers[:3] == answers[3:]


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_rows_and_bounds_of_views_into_shared_storage(project: Project) -> None:
    torch = pytest.importorskip("torch")
    whole = torch.from_numpy(weights(1, 60, 50))
    torch.save({"w": whole, "part": whole[10:20], "side": whole.T}, project.root / "m.pt")
    project.commit()
    for precision in (1, 2, 4):
        for rows in (slice(None), slice(2, 7), slice(None, None, -3)):
            loaded = Repo(project.repo).load("HEAD:m.pt", rows=rows)
            bounds = Repo(project.repo).load("HEAD:m.pt", rows=rows, precision=precision)
            expected = {"w": whole.numpy(), "part": whole[10:20].numpy(), "side": whole.T.numpy()}
            assert set(expected) <= set(loaded)
            for name, array in expected.items():
                assert np.array_equal(loaded[name], array[rows])
                assert (bounds[name].lower <= array[rows]).all()
                assert (array[rows] <= bounds[name].upper).all()
