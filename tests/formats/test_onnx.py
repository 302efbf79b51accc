from __future__ import annotations

import functools

import numpy as np
import pytest
from contracts.model_file import Made, ModelFileContract, content, parse, refused

onnx = pytest.importorskip("onnx", exc_type=ImportError)
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def saved(graph: onnx.GraphProto, **options: object) -> bytes:
    model = helper.make_model(graph, producer_name="tests", **options)
    return model.SerializeToString()


def graph_of(nodes: list, initializers: list, name: str = "g", **options: object) -> onnx.GraphProto:
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_graph(nodes, name, [], [output], initializers, **options)


def constant(name: str, array: np.ndarray) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, ""))


@functools.cache
def nested() -> Made:
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    inner = np.full((2, 2), 7, np.float64)
    deep = np.arange(40, dtype=np.int64)
    typed = helper.make_tensor("typed", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    doubles = helper.make_tensor("doubles", TensorProto.DOUBLE, [2], [1.0, 2.0])
    deepest = graph_of([constant("deep", deep)], [])
    branch = graph_of(
        [helper.make_node("If", ["c"], ["z"], name="second", then_branch=deepest, else_branch=deepest)],
        [numpy_helper.from_array(inner, "inner")],
    )
    nodes = [
        constant("weights", weight),
        constant("axis", np.array(1, np.int64)),
        helper.make_node("If", ["c"], ["y"], name="first", then_branch=branch, else_branch=graph_of([], [])),
    ]
    initializers = [
        numpy_helper.from_array(weight.astype(np.float16), "half"),
        numpy_helper.from_array(np.zeros((0, 2), np.float32), "empty"),
        numpy_helper.from_array(np.array(3, np.int8), "scalar"),
        typed,
        doubles,
        helper.make_tensor("text", TensorProto.STRING, [1], [b"x"]),
        helper.make_tensor("varints", TensorProto.INT64, [2], [1, 2]),
    ]
    tensors = {
        "weights": weight.tobytes(),
        "half": weight.astype(np.float16).tobytes(),
        "empty": b"",
        "scalar": b"\3",
        "typed": np.array([1, 2, 3], np.float32).tobytes(),
        "doubles": np.array([1, 2], np.float64).tobytes(),
        "first.then_branch.inner": inner.tobytes(),
        "first.then_branch.second.then_branch.deep": deep.tobytes(),
        "first.then_branch.second.else_branch.deep": deep.tobytes(),
    }
    return Made("m.onnx", saved(graph_of(nodes, initializers)), tensors, {"weights": (2, 3), "scalar": ()})


class TestOnnx(ModelFileContract):
    def make(self) -> Made:
        return nested()


@pytest.mark.parametrize("name", sorted(set(TensorProto.DataType.keys()) - {"UNDEFINED", "STRING"}))
def test_every_type_of_onnx_has_its_name(name: str) -> None:
    code = TensorProto.DataType.Value(name)
    width = {"INT4": 1, "UINT4": 1, "FLOAT4E2M1": 1, "INT2": 1, "UINT2": 1, "FLOAT6E2M3": 2, "FLOAT6E3M2": 2}.get(name)
    if width is None:
        width = 2 * helper.tensor_dtype_to_np_dtype(code).itemsize
    tensor = TensorProto(name="w", data_type=code, dims=[2], raw_data=b"\1" * width)
    (extent,) = parse("m.onnx", saved(graph_of([], [tensor]))).extents
    assert extent.dtype != "bytes"
    assert extent.nbytes == width


def test_facts_about_the_model_are_kept() -> None:
    metadata = parse("m.onnx", nested().data).metadata
    assert metadata["producer"] == "tests"
    assert metadata["opset.ai.onnx"].isdigit()


def test_a_model_is_known_by_its_content() -> None:
    model = helper.make_model(
        graph_of([], [numpy_helper.from_array(np.ones(2), "w")]), producer_name="pytorch", producer_version="2"
    )
    assert parse("network", model.SerializeToString()).format == "onnx"


def test_external_data_is_named_and_never_opened() -> None:
    tensor = TensorProto(name="w", data_type=1, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../etc/passwd")
    tensor.external_data.add(key="offset", value="0")
    model = parse("m.onnx", saved(graph_of([], [tensor, numpy_helper.from_array(np.ones(2), "v")])))
    assert [extent.name for extent in model.extents] == ["v"]
    assert model.notes == ("onnx: 1 tensor lies in another file, not opened here: '../../etc/passwd'",)


def test_sparse_initializers_stay_literal() -> None:
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(2), "v"), numpy_helper.from_array(np.array([0, 1]), "i"), [4]
    )
    model = parse("m.onnx", saved(graph_of([], [], sparse_initializer=[sparse])))
    assert model.extents == ()
    assert "sparse" in model.notes[0]


def test_functions_are_searched_too() -> None:
    function = helper.make_function(
        "d", "f", [], ["c"], [constant("c", np.ones(4, np.float32))], [helper.make_opsetid("", 20)]
    )
    data = saved(graph_of([], []), functions=[function])
    assert content(parse("m.onnx", data), data) == {"c": np.ones(4, np.float32).tobytes()}


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def run(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def model_of(graph: bytes) -> bytes:
    return b"\x08\x08" + run(7, graph) + run(8, b"\x10\x14")


def tensor_of(*fields: bytes) -> bytes:
    return model_of(run(5, b"".join(fields)))


def nested_graphs(depth: int) -> bytes:
    graph = b""
    for _ in range(depth):
        graph = run(1, run(5, run(6, graph)))
    return model_of(graph)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a model"),
        (b"\x08\x08", "truncated"),
        (b"\x08" + b"\xff" * 20, "longer than 64 bits"),
        (b"\x08\x08" + varint(7 << 3 | 2) + varint(1 << 62), "truncated"),
        (b"\x08\x08\x3b\x3c", "no model uses"),
        (b"\x08\x08\x02\x00", "impossible"),
        (model_of(b"") + run(7, b""), "two graphs"),
        (b"\x08\x08\x38\x01", "where a message belongs"),
        (nested_graphs(40), "nested more than"),
        (nested_graphs(3000), "nested more than"),
        (tensor_of(b"\x10\x01", run(9, b"1234"), run(9, b"5678")), "twice"),
        (tensor_of(b"\x08\x05\x10\x01", run(9, b"1234")), "needs 20 bytes but has 4"),
        (tensor_of(b"\x08" + varint(1 << 63) + b"\x10\x01", run(9, b"1234")), "impossible shape"),
        (tensor_of(run(1, b"\x01" * 100_000), b"\x10\x01", run(9, b"1234")), "impossible shape"),
        (tensor_of(b"\x10\x01\x48\x05"), "single number"),
    ],
)
def test_a_malformed_model_is_refused(data: bytes, words: str) -> None:
    refused("m.onnx", data, words)


def test_an_unknown_type_is_carried_as_bytes() -> None:
    (extent,) = parse("m.onnx", tensor_of(b"\x10\x63", run(9, b"12345"))).extents
    assert (extent.dtype, extent.shape) == ("bytes", (5,))
