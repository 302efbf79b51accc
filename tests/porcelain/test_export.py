"""A lossy copy can be read by others, says what it came from, and never goes where it should not."""

import io
import os

import ml_dtypes
import numpy as np
import pytest
import torch
from contracts.project import Project, safetensors, weights
from contracts.trained import arrays, trained
from safetensors import safe_open
from safetensors.numpy import load_file, save
from safetensors.torch import load_file as load_torch

import modelhub
from modelhub.errors import AlreadyExistsError, InvalidInputError, PathNotFound, UnsafePath
from modelhub.porcelain.commit import commit
from modelhub.porcelain.commit_facts import CommitFacts, DeriveSpec
from modelhub.porcelain.export import export
from modelhub.porcelain.verify import verify
from modelhub.repository.objects import Commit
from modelhub.weights.quantized import unpack_codes

MODEL = arrays(trained(0))
MATRICES = [name for name, values in MODEL.items() if values.ndim == 2]
CODED = ["fixed16", "fixed8", "quantized-1", "quantized-3", "quantized-4", "quantized-8"]


@pytest.fixture
def recorded(project):
    project.first = project.save("model.safetensors", save(MODEL, metadata={"format": "pt", "base_model": "org/base"}))
    return project


def written(project, scheme, place="HEAD:model.safetensors", **options):
    return export(project.repo, place=place, scheme=scheme, **options)


def metadata_of(path):
    with safe_open(path, "np") as file:
        return file.metadata()


def edges(project, version):
    found = project.repo.get(version, Commit).derivations
    return [(item.path, item.relation, item.source_commit, item.source_path) for item in found]


def decoded(file, name, bits):
    """A tensor read from its codes as the documentation says."""
    if f"{name}.scale" in file:
        return file[f"{name}.codes"].astype(np.float32) * file[f"{name}.scale"]
    shape = tuple(file[f"{name}.shape"])
    codes = unpack_codes(file[f"{name}.codes"], bits, int(np.prod(shape)))
    return file[f"{name}.table"][codes].reshape(shape)


@pytest.mark.parametrize(("scheme", "dtype"), [("float16", torch.float16), ("bfloat16", torch.bfloat16)])
def test_a_half_float_copy_is_what_torch_makes_of_the_model(recorded, scheme, dtype):
    result = written(recorded, scheme)
    copy = load_torch(result.path)
    for name, values in MODEL.items():
        assert torch.equal(copy[name], torch.tensor(values).to(dtype))
    assert result.path == str(recorded.root / f"model.{scheme}.safetensors")
    assert metadata_of(result.path) == {
        "format": "pt",
        "base_model": "org/base",
        "modelhub.as": scheme,
        "modelhub.from": f"{recorded.first}:model.safetensors",
        "modelhub.relation": "convert",
    }


@pytest.mark.parametrize("scheme", CODED)
def test_codes_stand_beside_vectors_that_stay(recorded, scheme):
    result = written(recorded, scheme)
    copy = load_file(result.path)
    bits = int(scheme.removeprefix("fixed").removeprefix("quantized-"))
    plain = load_file(written(recorded, scheme, dequantized=True).path)
    assert set(plain) == set(MODEL)
    for name, values in MODEL.items():
        if name in MATRICES and f"{name}.codes" in copy:
            assert name not in copy
            np.testing.assert_array_equal(decoded(copy, name, bits), plain[name])
            distinct = np.unique(plain[name]).size
            assert distinct <= 2**bits
        else:
            np.testing.assert_array_equal(copy[name], values)
        assert plain[name].dtype == values.dtype


def test_a_matrix_is_left_where_a_table_would_make_it_larger(recorded):
    copy = load_file(written(recorded, "quantized-8").path)
    assert "5.weight" in copy
    assert "3.weight" not in copy


def test_the_result_counts_what_was_lost(project):
    values = np.array([[1e5, -1e6, 1.0], [1e-9, 0.0, 2.0]], dtype=np.float32)
    project.save("m.safetensors", safetensors({"w": values, "n": np.arange(4, dtype=np.int64)}))
    result = written(project, "float16", "HEAD:m.safetensors")
    (tensor,) = result.tensors
    assert (result.overflowed, result.zeroed, result.kept) == (2, 1, 1)
    assert (tensor.name, tensor.relative, tensor.largest) == ("w", pytest.approx(1e-9 / 5**0.5), pytest.approx(1e-9))
    assert result.nbytes_before == os.stat(project.root / "m.safetensors").st_size
    assert result.nbytes_after == os.stat(result.path).st_size


def test_the_next_commit_has_the_derivation(recorded):
    written(recorded, "float16")
    written(recorded, "fixed8")
    written(recorded, "quantized-4", dequantized=True)
    made = recorded.commit("copies").commit
    assert edges(recorded, made) == [
        ("model.fixed8.safetensors", "quantize", recorded.first, "model.safetensors"),
        ("model.float16.safetensors", "convert", recorded.first, "model.safetensors"),
        ("model.quantized-4.dequantized.safetensors", "quantize", recorded.first, "model.safetensors"),
    ]
    recorded.write("notes.txt", "text")
    assert edges(recorded, recorded.commit("notes").commit) == []


def test_the_derivation_is_recorded_though_the_search_for_parents_is_off(recorded):
    written(recorded, "float16")
    made = commit(recorded.repo, act=recorded.act(), message="copy", find_parents=False)
    assert [item.relation for item in made.derivations] == ["convert"]


def test_a_derivation_that_a_person_declares_too_is_there_once(recorded):
    written(recorded, "float16")
    said = CommitFacts(derive=(DeriveSpec(f"{recorded.first}:model.safetensors", "convert"),))
    made = commit(recorded.repo, act=recorded.act(), message="copy", facts=said)
    assert [(item.declared, item.source_path) for item in made.derivations] == [(True, "model.safetensors")]


def test_a_copy_of_another_repository_has_no_parent_here(recorded, tmp_path):
    result = written(recorded, "fixed8")
    other = Project(tmp_path / "other")
    other.save("copy.safetensors", (recorded.root / result.path).read_bytes())
    found = other.repo.get(other.repo.refs.head_commit, Commit).derivations
    assert [item.source_name for item in found] == ["org/base"]


@pytest.mark.parametrize(
    "stated",
    [
        {"modelhub.from": "HEAD:model.safetensors", "modelhub.relation": "convert"},
        {"modelhub.from": "{id}:../model.safetensors", "modelhub.relation": "convert"},
        {"modelhub.from": "{id}:nope.safetensors", "modelhub.relation": "convert"},
        {"modelhub.from": "{id}:model.safetensors", "modelhub.relation": "own"},
        {"modelhub.from": "{id}:model.safetensors"},
        {"modelhub.from": "{id}:", "modelhub.relation": "convert"},
        {"modelhub.from": "0" * 64 + ":model.safetensors", "modelhub.relation": "convert"},
    ],
)
def test_a_source_that_is_not_there_is_not_believed(recorded, stated):
    said = {key: text.replace("{id}", recorded.first) for key, text in stated.items()}
    made = recorded.save("other.safetensors", safetensors({"w": weights(1, 9, 9)}, said))
    assert edges(recorded, made) == []


@pytest.mark.parametrize("scheme", ["float16", "fixed8"])
def test_a_dequantised_or_half_copy_is_confirmed_and_codes_are_not_judged(recorded, scheme):
    written(recorded, scheme)
    written(recorded, "quantized-4", dequantized=True)
    recorded.commit("copies")
    verdicts = {file.path: file.parents[0].verdict for file in verify(recorded.repo).files}
    assert verdicts["model.quantized-4.dequantized.safetensors"] == "confirmed"
    assert verdicts[f"model.{scheme}.safetensors"] == ("confirmed" if scheme == "float16" else "unchecked")


@pytest.mark.parametrize("scheme", CODED)
def test_nothing_is_written_where_a_tensor_has_nan(project, scheme):
    bad = weights(1, 64, 64)
    bad[3, 4] = np.nan
    project.save("m.safetensors", safetensors({"fine": weights(2, 64, 64), "broken": bad}))
    with pytest.raises(InvalidInputError, match="'broken' has 1 values that are NaN"):
        written(project, scheme, "HEAD:m.safetensors")
    assert sorted(os.listdir(project.root)) == [".mh", "m.safetensors"]


def test_no_file_is_overwritten_unless_told(recorded):
    result = written(recorded, "float16")
    before = (recorded.root / result.path).read_bytes()
    with pytest.raises(AlreadyExistsError, match="is there already"):
        written(recorded, "float16")
    with pytest.raises(AlreadyExistsError):
        written(recorded, "fixed8", output=recorded.root / "model.safetensors")
    assert (recorded.root / result.path).read_bytes() == before
    again = written(recorded, "float16", force=True)
    assert (recorded.root / again.path).read_bytes() == before


def test_it_goes_where_it_may(recorded, tmp_path):
    with pytest.raises(UnsafePath):
        written(recorded, "float16", output=recorded.root / ".mh" / "x.safetensors")
    with pytest.raises(InvalidInputError, match="no name of a safetensors file"):
        written(recorded, "float16", output=tmp_path / "x.pt")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(InvalidInputError, match="is a folder"):
        written(recorded, "float16", output=tmp_path / "folder.safetensors", force=True)
    result = written(recorded, "float16", output=tmp_path / "new" / "x.safetensors")
    assert not result.inside
    assert set(load_file(result.path)) == set(MODEL)


def test_what_cannot_be_exported(recorded):
    recorded.save("notes.txt", "text")
    for place, error in [
        ("HEAD:nope.pt", PathNotFound),
        ("HEAD:notes.txt", InvalidInputError),
        ("HEAD", InvalidInputError),
    ]:
        with pytest.raises(error):
            written(recorded, "float16", place)
    with pytest.raises(InvalidInputError, match="has no codes"):
        written(recorded, "float16", dequantized=True)


def test_two_tensors_never_get_one_name(project):
    project.save("m.safetensors", safetensors({"w": weights(1, 64, 64), "w.codes": weights(2, 8)}))
    with pytest.raises(InvalidInputError, match=r"'w\.codes'"):
        written(project, "fixed8", "HEAD:m.safetensors")


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def test_a_torch_checkpoint_becomes_safetensors_with_every_name(project):
    tied = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    storage = torch.arange(60.0)
    state = {
        "embed": tied,
        "head": tied,
        "turned": tied.t(),
        "part": storage[5:25].reshape(4, 5),
        "rest": storage[20:].reshape(8, 5),
        "half": torch.ones(3, 4, dtype=torch.bfloat16).t(),
        "steps": torch.tensor(7),
    }
    project.save("model.pt", saved(state))
    copy = load_torch(written(project, "float16", "HEAD:model.pt").path)
    assert set(copy) == set(state)
    for name, values in state.items():
        assert torch.equal(copy[name], values.to(torch.float16) if values.is_floating_point() else values)
    assert torch.equal(load_torch(written(project, "quantized-8", "HEAD:model.pt").path)["half"], state["half"])
    kept = load_torch(written(project, "fixed8", "HEAD:model.pt").path)
    codes = kept["turned.codes"].float() * kept["turned.scale"]
    assert codes.shape == (30, 40)
    assert (codes - state["turned"]).abs().max() <= kept["turned.scale"] / 2
    assert metadata_of(project.root / "model.float16.safetensors")["format"] == "pt"


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_other_floats_are_dequantised_in_their_own_dtype(project, dtype):
    values = weights(1, 64, 64).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    project.save("m.safetensors", save({"w": values}))
    result = written(project, "fixed8", "HEAD:m.safetensors", dequantized=True)
    back = load_file(result.path)["w"]
    assert back.dtype == values.dtype
    wide = np.float64 if dtype == "float64" else np.float32
    relative = np.linalg.norm(back.astype(wide) - values.astype(wide)) / np.linalg.norm(values.astype(wide))
    assert result.tensors[0].relative == pytest.approx(relative, rel=1e-4)
    assert 0 < relative < 0.02


def test_arrays_of_numpy_in_column_order_come_in_row_order(project):
    buffer = io.BytesIO()
    values = np.asfortranarray(weights(1, 60, 50))
    np.savez(buffer, w=values, few=np.asfortranarray(weights(2, 3, 4, dtype="float16")))
    project.save("m.npz", buffer.getvalue())
    copy = load_file(written(project, "quantized-4", "HEAD:m.npz").path)
    np.testing.assert_array_equal(copy["few"], weights(2, 3, 4, dtype="float16"))
    assert np.linalg.norm(decoded(copy, "w", 4) - values) < 0.12 * np.linalg.norm(values)


def test_shards_become_one_file(project):
    for number in (1, 2):
        project.write(f"m-0000{number}-of-00002.safetensors", safetensors({f"w{number}": weights(number, 20, 20)}))
    version = project.commit("shards").commit
    result = written(project, "float16", "HEAD:m-00002-of-00002.safetensors")
    assert result.path == str(project.root / "m.float16.safetensors")
    assert set(load_file(result.path)) == {"w1", "w2"}
    assert result.source == f"{version}:m-00002-of-00002.safetensors"


def test_the_same_export_gives_the_same_bytes(recorded, tmp_path):
    one, two = (written(recorded, "quantized-4", output=tmp_path / f"{name}.safetensors").path for name in "ab")
    assert (tmp_path / one).read_bytes() == (tmp_path / two).read_bytes()


def test_an_export_of_an_export_names_its_own_source(recorded):
    written(recorded, "bfloat16")
    second = recorded.commit("copy").commit
    result = written(recorded, "float16", "HEAD:model.bfloat16.safetensors")
    assert metadata_of(result.path)["modelhub.from"] == f"{second}:model.bfloat16.safetensors"
    assert edges(recorded, recorded.commit("again").commit) == [
        ("model.bfloat16.float16.safetensors", "convert", second, "model.bfloat16.safetensors")
    ]


def test_python_has_the_same(recorded):
    target = recorded.root / "q.safetensors"
    result = modelhub.open(recorded.root).export("HEAD:model.safetensors", "quantized-4", target)
    assert result.worst is not None
    assert result.worst.relative == max(item.relative for item in result.tensors)
    assert result.path == str(target)
