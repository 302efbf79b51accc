"""A torch module starts from recorded weights: what fits is copied exactly, the rest is named with its reason."""

import numpy as np
import pytest
import torch
from contracts.project import safetensors, weights
from contracts.trained import arrays, network, trained

from modelhub.errors import InvalidInputError
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.porcelain.warm_start import warm_start
from modelhub.repository.objects import Commit
from modelhub.tracking.torch_weights import target_of

BASE = arrays(trained(0))


@pytest.fixture
def base(project):
    project.save("base.safetensors", safetensors(BASE))
    return project


def fill(project, module, place="HEAD:base.safetensors", **options):
    return warm_start(project.repo, target=target_of(module), place=place, **options)


def test_an_equal_module_is_filled_bit_for_bit(base):
    module = network(5)
    found = fill(base, module, strict=True)
    assert found.complete
    assert found.reused == tuple(BASE)
    assert found.elements == found.of_elements == sum(value.size for value in BASE.values())
    for name, value in module.state_dict().items():
        assert value.numpy().tobytes() == BASE[name].tobytes()


def test_the_filled_module_answers_as_the_recorded_one(base):
    module = network(5)
    fill(base, module)
    inputs = torch.randn(7, 20)
    assert torch.equal(module(inputs), trained(0)(inputs))


def test_a_head_of_another_shape_is_left_and_named(base):
    module = network(5, outputs=9)
    before = module[5].weight.detach().clone()
    found = fill(base, module)
    assert set(found.reshaped) == {"5.weight", "5.bias"}
    assert found.reshaped["5.weight"] == "[4, 48] in the file, [9, 48] here"
    assert torch.equal(module[5].weight, before)
    assert "0.weight" in found.reused


def test_strict_changes_nothing_unless_all_fits(base):
    module = network(5, outputs=9)
    before = arrays(module)
    with pytest.raises(InvalidInputError, match="2 of another shape"):
        fill(base, module, strict=True)
    assert all(np.array_equal(before[name], value) for name, value in arrays(module).items())


def test_missing_and_unexpected_tensors_are_named(project):
    part = {name: value for name, value in BASE.items() if not name.startswith("3.")} | {"extra": weights(1, 3)}
    project.save("part.safetensors", safetensors(part))
    found = fill(project, network(5), "HEAD")
    assert found.missing == ("3.weight", "3.bias")
    assert found.unexpected == ("extra",)


def test_wrappers_are_seen_through_and_named(base):
    wrapped = torch.nn.Module()
    wrapped.module = network(5)
    found = fill(base, wrapped, strict=True)
    assert found.prefixes == ("module.",)
    assert np.array_equal(arrays(wrapped)["module.0.weight"], BASE["0.weight"])


def test_a_cast_that_rounds_is_said(base):
    found = fill(base, network(5).to(torch.bfloat16))
    assert "0.weight" in found.lossy
    exact = {name: np.float32(np.float16(value)) for name, value in BASE.items()}
    base.save("exact.safetensors", safetensors(exact))
    module = network(5).half()
    found = fill(base, module, "HEAD:exact.safetensors")
    assert found.lossy == ()
    assert np.array_equal(module[0].weight.detach().float().numpy(), exact["0.weight"])


def test_a_wider_dtype_is_filled_exactly(base):
    module = network(5).double()
    assert fill(base, module).lossy == ()
    assert np.array_equal(module[0].weight.detach().numpy(), BASE["0.weight"].astype("float64"))


def test_kinds_of_numbers_are_not_mixed(project):
    project.save("model.safetensors", safetensors({"a": np.arange(6, dtype="int64"), "b": weights(1, 3)}))
    found = fill(project, {"a": torch.zeros(6), "b": torch.zeros(3)}, "HEAD")
    assert found.skipped == {"a": "int64 in the file, float32 here"}
    assert found.reused == ("b",)


def test_counters_and_buffers_are_filled_too(project):
    first, second = torch.nn.BatchNorm1d(4), torch.nn.BatchNorm1d(4)
    first(torch.randn(8, 4))
    project.save("norm.safetensors", safetensors(arrays(first)))
    assert fill(project, second, "HEAD", strict=True).complete
    assert second.num_batches_tracked == 1
    assert torch.equal(second.running_mean, first.running_mean)


def test_tied_weights_are_filled_by_one_of_their_names(project):
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(10, 4)
            self.head = torch.nn.Linear(4, 10, bias=False)
            self.head.weight = self.embedding.weight

    project.save("tied.safetensors", safetensors({"embedding.weight": weights(1, 10, 4)}))
    found = fill(project, Tied(), "HEAD", strict=True)
    assert found.reused == ("embedding.weight", "head.weight")
    assert found.elements == found.of_elements == 40


def test_not_a_number_is_a_value_like_others(project):
    values = np.array([np.nan, np.inf, -0.0, 1.0], "float32")
    project.save("odd.safetensors", safetensors({"a": values}))
    tensors = {"a": torch.zeros(4)}
    assert fill(project, tensors, "HEAD").lossy == ()
    assert tensors["a"].numpy().tobytes() == values.tobytes()


def test_a_dict_of_arrays_is_filled_in_place(base):
    target = {name: np.zeros_like(value) for name, value in BASE.items()}
    assert fill(base, target, strict=True).complete
    assert all(np.array_equal(target[name], BASE[name]) for name in BASE)
    rounded = {"0.weight": np.zeros((48, 20), "float16")}
    assert fill(base, rounded).lossy == ("0.weight",)


def test_what_cannot_be_filled_is_refused(base):
    with pytest.raises(InvalidInputError, match="no tensors to fill"):
        fill(base, object())
    frozen = np.zeros((48, 20), "float32")
    frozen.flags.writeable = False
    with pytest.raises(InvalidInputError, match="written"):
        fill(base, {"0.weight": frozen})
    with pytest.raises(InvalidInputError, match="written"):
        fill(base, {"a": 1})


def test_a_version_with_several_models_needs_a_path(base):
    base.save("other.safetensors", safetensors(BASE))
    with pytest.raises(InvalidInputError, match="2 models"):
        fill(base, network(5), "HEAD")


def test_shards_fill_one_module(project):
    items = list(BASE.items())
    for number, part in enumerate((dict(items[:3]), dict(items[3:])), 1):
        project.write(f"base-0000{number}-of-00002.safetensors", safetensors(part))
    project.commit("base")
    assert fill(project, network(5), "HEAD", strict=True).complete


def test_a_checkpoint_of_torch_fills_a_module(project):
    torch.save({"model_state_dict": trained(0).state_dict(), "epoch": 3}, project.root / "last.pt")
    project.commit("checkpoint")
    module = network(5)
    found = fill(project, module, "HEAD:last.pt")
    assert found.missing == ()
    assert np.array_equal(arrays(module)["0.weight"], BASE["0.weight"])


def test_the_edge_is_recorded_by_who_commits(base):
    found = fill(base, network(5))
    assert found.from_ == {found.source: "warm-start"}
    base.write("next.safetensors", safetensors(BASE | {"0.bias": weights(1, 48)}))
    done = base.commit("next", derive=(found.derive,))
    (edge,) = base.repo.get(done.commit, Commit).derivations
    assert (edge.relation, edge.source_path, edge.declared) == ("warm-start", "base.safetensors", True)
    assert isinstance(found.derive, DeriveSpec)


def test_a_run_notes_where_it_started_from(base, monkeypatch):
    import modelhub as mh

    monkeypatch.chdir(base.root)
    with mh.run("warm") as run:
        found = mh.load_into(network(5), "HEAD:base.safetensors", run=run)
        run.log_model("next.safetensors", BASE | {"0.bias": weights(1, 48)})
        done = run.commit("next")
    edges = base.again().get(done.commit, Commit).derivations
    assert [(edge.relation, edge.source_commit, edge.source_path) for edge in edges] == [
        ("warm-start", found.commit, "base.safetensors")
    ]
