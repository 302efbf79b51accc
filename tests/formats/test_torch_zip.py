from __future__ import annotations

import argparse
import collections
import functools
import io
import pickle
import struct
import sys

import pytest
from contracts.model_file import Made, ModelFileContract, check_sound, content, parse, refused

from modelhub.formats.dtypes import ORDINARY

torch = pytest.importorskip("torch")


def saved(value: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def raw(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@functools.cache
def state_dict() -> Made:
    tensors = {
        "layer.weight": torch.arange(6.0).reshape(2, 3),
        "layer.bias": torch.tensor([1, 2], dtype=torch.int64),
        "half": torch.ones(5, dtype=torch.bfloat16),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    return Made("model.pt", saved(tensors), {name: raw(tensor) for name, tensor in tensors.items()}, shapes)


class Scaled(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(4.0))
        self.sizes = [1, 2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight + torch.tensor(self.sizes).sum()


class Nested(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Scaled()
        self.register_buffer("shift", torch.ones(2, 2, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


@functools.cache
def scripted() -> Made:
    # Not torch.jit.script, which warns that it is deprecated.
    module = torch.jit._recursive.create_script_module(Nested(), torch.jit._recursive.infer_methods_to_compile)
    tensors = {name: raw(tensor) for name, tensor in Nested().state_dict().items()}
    return Made("model.jit", module.save_to_buffer(), tensors)


class TestStateDict(ModelFileContract):
    def make(self) -> Made:
        return state_dict()


class TestTorchScript(ModelFileContract):
    def make(self) -> Made:
        return scripted()

    def test_the_container_is_named(self) -> None:
        made = self.make()
        assert parse(made.name, made.data).metadata == {"container": "torchscript"}


def only(value: object, **options: object):
    data = saved(value, **options)
    model = parse("x.pt", data)
    check_sound(model, len(data))
    return model, data


def test_tensors_in_training_state_are_named_by_their_path() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    value = {
        "model": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "extra": [1, {"kept": torch.ones(2)}],
        "options": argparse.Namespace(lr=0.1, device=torch.device("cpu"), dtype=torch.float16, size=torch.Size([1])),
        "counts": collections.Counter("aab"),
        "names": {"x", "y"},
    }
    model, data = only(value)
    found = content(model, data)
    assert {
        "model.0.weight",
        "model.1.num_batches_tracked",
        "optimizer.state.0.exp_avg",
        "extra.1.kept",
    } <= found.keys()
    assert found["optimizer.state.3.exp_avg_sq"] == raw(optimizer.state_dict()["state"][3]["exp_avg_sq"])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_binary_protocol_is_read(protocol: int) -> None:
    model, data = only(
        {"a": torch.ones(3), "b": {1, 2}, "c": b"xyz", "d": (1 << 70, 1.5, None, True)}, pickle_protocol=protocol
    )
    assert content(model, data) == {"a": raw(torch.ones(3))}


@pytest.mark.parametrize("name", sorted(name for name in ORDINARY if hasattr(torch, name)))
def test_every_dtype_of_torch_has_its_name(name: str) -> None:
    width = ORDINARY[name]
    tensor = (
        torch.arange(width * 3, dtype=torch.uint8).view(getattr(torch, name))
        if name != "bool"
        else torch.ones(3, dtype=torch.bool)
    )
    model, data = only([tensor])
    assert (model.extents[0].name, model.extents[0].dtype, model.extents[0].shape) == ("0", name, (3,))
    assert content(model, data)["0"] == raw(tensor)


def test_tied_tensors_share_one_extent() -> None:
    weight = torch.arange(12.0).reshape(3, 4)
    model, _ = only({"a": weight, "b": weight, "c": weight.view(4, 3), "d": weight.t()})
    assert [extent.name for extent in model.extents] == ["a"]
    assert [(view.name, view.shape, view.strides, view.extent, view.start) for view in model.views] == [
        ("b", (3, 4), None, 0, 0),
        ("c", (4, 3), None, 0, 0),
        ("d", (4, 3), (1, 4), 0, 0),
    ]


def test_pieces_of_one_storage_that_lie_apart_are_extents_of_their_own() -> None:
    weight = torch.arange(12.0)
    model, data = only({"tail": weight[8:], "head": weight[:4]})
    assert [extent.name for extent in model.extents] == ["head", "tail"]
    assert content(model, data) == {"head": raw(weight[:4]), "tail": raw(weight[8:])}


def test_overlapping_pieces_become_views_of_the_whole_storage() -> None:
    weight = torch.arange(12.0).reshape(3, 4)
    model, data = only({"all": weight, "column": weight[:, 1:3], "last": weight[2]})
    (extent,) = model.extents
    assert (extent.name, extent.shape) == ("data/0", (12,))
    assert content(model, data)["data/0"] == raw(weight)
    numbers = torch.frombuffer(bytearray(content(model, data)["data/0"]), dtype=torch.float32)
    views = {view.name: view for view in model.views}
    column = numbers.as_strided(views["column"].shape, views["column"].strides, views["column"].start)
    assert torch.equal(column, weight[:, 1:3])
    assert (views["last"].start, views["last"].strides) == (8, None)


def test_a_transposed_tensor_says_its_strides() -> None:
    weight = torch.arange(48.0).reshape(2, 2, 3, 4).to(memory_format=torch.channels_last)
    model, data = only({"w": weight})
    numbers = torch.frombuffer(bytearray(content(model, data)["w"]), dtype=torch.float32)
    assert torch.equal(numbers.as_strided(model.extents[0].shape, model.extents[0].strides), weight)


def test_a_tensor_that_repeats_its_numbers_is_noted_not_listed() -> None:
    model, _ = only({"a": torch.ones(1, 4).expand(1000, 4)})
    assert [extent.nbytes for extent in model.extents] == [16]
    assert model.views == ()
    assert "'a' repeats" in model.notes[0]


def test_parameters_and_buffers_are_tensors() -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    parameter.tag = "x"
    model, _ = only(
        {"plain": torch.nn.Parameter(torch.ones(2)), "tagged": parameter, "buffer": torch.nn.Buffer(torch.ones(4))}
    )
    assert sorted(extent.name for extent in model.extents) == ["buffer", "plain", "tagged"]


def test_sparse_tensors_are_listed_by_their_parts() -> None:
    model, _ = only({"s": torch.eye(3).to_sparse()})
    assert [extent.name for extent in model.extents] == ["s.indices", "s.values"]


def test_numpy_values_stay_literal() -> None:
    numpy = pytest.importorskip("numpy")
    model, _ = only({"a": torch.ones(1), "b": numpy.ones(3), "c": numpy.float64(2)})
    assert [extent.name for extent in model.extents] == ["a"]


def test_equal_paths_get_different_names() -> None:
    model, _ = only({"a.b": torch.ones(1), "a": {"b": torch.zeros(1)}})
    assert sorted(extent.name for extent in model.extents) == ["a.b", "a.b#2"]


def test_a_value_that_contains_itself_ends() -> None:
    loop: list[object] = [torch.ones(1)]
    loop.append(loop)
    assert len(only(loop)[0].extents) == 1


def test_shared_containers_are_entered_once() -> None:
    value: object = [torch.ones(1)]
    for _ in range(50):
        value = [value, value]
    assert len(only(value)[0].extents) == 1


def test_a_whole_module_is_code_capable() -> None:
    refused("m.pt", saved(torch.nn.Linear(2, 2)), "code-capable pickle, globals: torch.nn.modules.linear.Linear")


def test_a_checkpoint_from_before_torch_1_6_is_refused() -> None:
    refused("m.pt", saved({"a": torch.ones(1)}, _use_new_zipfile_serialization=False), "before torch 1.6")
    refused("m.bin", pickle.dumps({"a": 1}, protocol=4), "plain pickle")


def test_a_big_endian_checkpoint_is_refused() -> None:
    data = saved({"a": torch.ones(1)})
    marker = data.index(b"little")
    assert sys.byteorder == "little"
    entry = data.rindex(b"byteorder", 0, marker)
    assert struct.unpack_from("<H", data, entry - 4)[0] > 0
    refused("m.pt", data[:marker] + b"bigger" + data[marker + 6 :], "big-endian")


@pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.ckpt", "pytorch_model.bin", "model", "weights.zip"])
def test_a_torch_zip_is_known_by_its_content(name: str) -> None:
    assert parse(name, state_dict().data).format == "torch"


@pytest.mark.parametrize("name", ["readme.pt", "notes.bin", "data.ckpt", "a.jit"])
def test_a_text_file_is_no_checkpoint(name: str) -> None:
    assert parse(name, "Olá, mundo\n".encode() * 100) is None


def test_an_empty_checkpoint_is_a_truncated_one() -> None:
    refused("m.pt", b"", "truncated")
