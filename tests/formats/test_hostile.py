"""Every hostile archive and pickle is refused with words that say what is wrong, and never with another exception."""

from __future__ import annotations

import subprocess
import sys

import pytest
from contracts.model_file import check_sound, parse, refused
from formats.hostile.archives import ARCHIVES, MEMBERS, NUMBERS, archive, checkpoint, sound, wide
from formats.hostile.pickles import PICKLES, call, name, number, numbers, storage, tensor, text, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import UnsupportedModelFile


def test_the_archive_that_the_hostile_ones_start_from_is_read() -> None:
    model = parse("m.pt", sound())
    assert [(extent.name, extent.shape) for extent in model.extents] == [("a", (4,))]


def test_an_archive_with_64_bit_sizes_is_read() -> None:
    data = wide()
    (extent,) = parse("m.pt", data).extents
    assert data[extent.offset : extent.end] == NUMBERS
    for length in range(8, len(data)):
        with pytest.raises(UnsupportedModelFile):
            parse("m.pt", data[:length])


@pytest.mark.parametrize("kind", sorted(ARCHIVES))
def test_a_hostile_archive_is_refused(kind: str) -> None:
    make, words = ARCHIVES[kind]
    refused("m.pt", make(), words)


@pytest.mark.parametrize("kind", sorted(PICKLES))
def test_a_hostile_pickle_is_refused(kind: str) -> None:
    make, words = PICKLES[kind]
    refused("m.pt", checkpoint(make()), words)


def test_a_storage_of_two_kinds_must_fit_both() -> None:
    both = b"(" + tensor(0, [4], [1]) + tensor(0, [2], [1], storage(count=2, kind="DoubleStorage")) + b"t"
    model = parse("m.pt", checkpoint(whole(both)))
    assert [view.dtype for view in model.views] == ["float64"]
    lying = b"(" + tensor(0, [4], [1]) + tensor(0, [3], [1], storage(count=3, kind="DoubleStorage")) + b"t"
    refused("m.pt", checkpoint(whole(lying)), "should have 24 bytes")


def scripted(body: bytes) -> bytes:
    return archive(MEMBERS | {"m/data.pkl": whole(body), "m/constants.pkl": whole(b")")})


def test_classes_of_a_script_are_records_and_nothing_more() -> None:
    module = name("__torch__.net", "Net") + b")\x81}" + text("weight") + tensor(0, [4], [1]) + b"sb"
    model = parse("m.jit", scripted(module))
    assert [extent.name for extent in model.extents] == ["weight"]
    refused("m.jit", scripted(call("__torch__.net", "Net", "x")), "arguments it does not take")
    refused("m.jit", scripted(call("os", "system", "true")), "globals: os.system")


def test_a_view_that_repeats_its_numbers_endlessly_is_not_listed() -> None:
    model = parse("m.pt", checkpoint(whole(tensor(0, [1 << 40], [0]))))
    assert model.views == ()
    assert "repeats" in model.notes[0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"N0" * 2_000_000, "more than 3000000 operations"),
        (b"N" + b"\x94" * 2_500_000, "remembers more than"),
        (b"(" + b"}" * 600_000 + b"t", "more than 500000 containers"),
        (b"(" + b"cm\nf\n)R" * 600_000 + b"t", "code-capable"),
    ],
)
def test_a_small_pickle_cannot_ask_for_much(body: bytes, words: str) -> None:
    refused("m.pt", checkpoint(whole(body)), words)


OPCODES = st.sampled_from(
    [b"(", b"}", b"]", b")", b"N", b"t", b"u", b"s", b"a", b"e", b"R", b"b", b"Q", b"\x81", b"\x85", b"\x86", b"\x8f",
     b"\x90", b"\x94", b"h\x00", b"q\x00", b"0", b"1", text("a"), number(1), numbers([4]),
     storage(), tensor(0, [4], [1]),
     b"ccollections\nOrderedDict\n", b"ctorch\nFloatStorage\n", b"ctorch\nSize\n", b"cbuiltins\nset\n"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(OPCODES, max_size=30))
def test_no_order_of_opcodes_breaks_the_machine(parts: list[bytes]) -> None:
    data = checkpoint(whole(b"".join(parts)))
    try:
        model = parse("m.pt", data)
    except UnsupportedModelFile:
        return
    check_sound(model, len(data))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600), st.sampled_from(["safetensors", "npy", "npz", "onnx", "gguf", "pt"]))
def test_any_bytes_are_read_or_refused(data: bytes, suffix: str) -> None:
    heads = {
        "gguf": b"GGUF\3\0\0\0",
        "npy": b"\x93NUMPY\1\0",
        "pt": b"PK\3\4",
        "npz": b"PK\3\4",
        "onnx": b"\x08\x07\x12\x04test",
    }
    for content in (data, heads.get(suffix, b"") + data):
        try:
            model = parse(f"m.{suffix}", content)
        except UnsupportedModelFile:
            continue
        if model is not None:
            check_sound(model, len(content))


def test_reading_model_files_imports_no_pickle_and_no_framework() -> None:
    code = (
        "import sys\n"
        "from modelhub.formats import detect, extent, gguf, npy, onnx, safetensors, shard_index, torch_zip\n"
        "bad = {'pickle', '_pickle', 'pickletools', 'numpy', 'torch', 'onnx', 'zipfile'}\n"
        "print(sorted(bad & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
