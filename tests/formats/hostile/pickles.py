"""Make hostile pickles, as bytes: each names code, breaks the machine's rules, or lies about a tensor's place."""

from __future__ import annotations

import struct
from collections.abc import Callable


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def name(module: str, word: str) -> bytes:
    return f"c{module}\n{word}\n".encode()


def numbers(values: list[int]) -> bytes:
    return b"(" + b"".join(number(value) for value in values) + b"t"


def storage(key: str = "0", count: int = 4, kind: str = "FloatStorage") -> bytes:
    return b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(offset: int, shape: list[int], strides: list[int], held: bytes | None = None) -> bytes:
    head = name("torch._utils", "_rebuild_tensor_v2") + b"(" + (held or storage())
    return (
        head
        + number(offset)
        + numbers(shape)
        + numbers(strides)
        + b"\x89"
        + name("collections", "OrderedDict")
        + b")RtR"
    )


def whole(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


def call(module: str, word: str, argument: str) -> bytes:
    return name(module, word) + text(argument) + b"\x85R"


CODE = "code-capable pickle, globals: "

PICKLES: dict[str, tuple[Callable[[], bytes], str]] = {
    "os.system": (lambda: whole(call("os", "system", "true")), CODE + "os.system"),
    "posix.system": (lambda: whole(call("posix", "system", "true")), CODE + "posix.system"),
    "eval": (lambda: whole(call("builtins", "eval", "1")), CODE + "builtins.eval"),
    "getattr": (
        lambda: whole(name("builtins", "getattr") + b"(" + name("os", "x") + text("y") + b"tR"),
        CODE + "builtins.getattr, os.x",
    ),
    "by stack": (lambda: whole(b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R"), CODE + "os.system"),
    "dotted name": (
        lambda: whole(name("collections", "OrderedDict.fromkeys") + b")R"),
        CODE + "collections.OrderedDict.fromkeys",
    ),
    "torch gadget": (lambda: whole(call("torch.hub", "load_state_dict_from_url", "http://x")), CODE + "torch.hub.load"),
    "torch.load": (lambda: whole(call("torch.serialization", "load", "x")), CODE + "torch.serialization.load"),
    "numpy gadget": (lambda: whole(call("numpy.testing._private.utils", "runstring", "x")), CODE + "numpy.testing"),
    "named but not called": (lambda: whole(name("subprocess", "Popen")), CODE + "subprocess.Popen"),
    "behind a tensor": (
        lambda: whole(b"(" + tensor(0, [4], [1]) + call("os", "system", "true") + b"t"),
        CODE + "os.system",
    ),
    "code then rubbish": (lambda: b"\x80\x02" + name("os", "system") + b"\xff", CODE + "os.system"),
    "script class outside a script": (lambda: whole(name("__torch__", "M") + b")\x81}b"), CODE + "__torch__.M"),
    "many names": (lambda: whole(b"(" + b"".join(name("m", f"f{i}") for i in range(50)) + b"t"), "and 42 more"),
    "nested call": (lambda: whole(name("collections", "OrderedDict") + b")R)R"), "calls something that is not a name"),
    "wrong arguments": (lambda: whole(call("torch._utils", "_rebuild_tensor_v2", "x")), "arguments it does not take"),
    "call without a tuple": (
        lambda: whole(name("collections", "OrderedDict") + b"]R"),
        "calls something that is not a name",
    ),
    "setitem on a list": (lambda: whole(b"]K\x00K\x01s"), "no dict"),
    "append to a dict": (lambda: whole(b"}K\x00a"), "no list"),
    "add to a list": (lambda: whole(b"](K\x00\x90"), "no set"),
    "state of a number": (lambda: whole(b"K\x01}b"), "has none"),
    "empty stack": (lambda: whole(b"R"), "not there"),
    "mark as a value": (lambda: whole(b"(\x85"), "not there"),
    "no mark": (lambda: whole(b"K\x01t"), "never started"),
    "odd dict": (lambda: whole(b"}(K\x01u"), "without a value"),
    "two values": (lambda: whole(b"NN"), "more than one value"),
    "unknown memo": (lambda: whole(b"h\x07"), "never remembered"),
    "no end": (lambda: b"\x80\x02N", "no end"),
    "bytes after the end": (lambda: whole(b"N") + b"N.", "follow the end"),
    "protocol 9": (lambda: b"\x80\x09N.", "protocol 9"),
    "text opcodes": (lambda: b"I1\n.", "opcode 0x49"),
    "instance opcode": (lambda: whole(b"(ios\nsystem\n"), "opcode 0x69"),
    "extension opcode": (lambda: whole(b"\x82\x01"), "opcode 0x82"),
    "long text": (lambda: b"\x80\x02X\xff\xff\xff\x7fabc.", "truncated"),
    "very long text": (lambda: b"\x80\x04\x8d" + b"\xff" * 8 + b"abc.", "truncated"),
    "huge integer": (lambda: whole(b"\x8a\xff" + b"\x01" * 255), "integer of 255 bytes"),
    "endless name": (lambda: whole(b"c" + b"a" * 2000), "name without end"),
    "text that is not UTF-8": (lambda: whole(b"X\x01\x00\x00\x00\xff"), "not UTF-8"),
    "other persistent id": (lambda: whole(text("path/to/file") + b"Q"), "no storage"),
    "storage of code": (lambda: whole(tensor(0, [4], [1], storage(kind="load"))), CODE + "torch.load"),
    "tensor outside": (lambda: whole(tensor(1, [4], [1])), "ends at byte 20 of a storage of 16"),
    "stride outside": (lambda: whole(tensor(0, [2, 2], [1 << 40, 1])), "of a storage of 16"),
    "huge shape": (lambda: whole(tensor(0, [1 << 61, 1 << 61], [1, 1])), "of a storage of 16"),
    "negative size": (lambda: whole(tensor(0, [-4], [1])), "does not take"),
    "negative stride": (lambda: whole(tensor(3, [4], [-1])), "does not take"),
    "negative offset": (lambda: whole(tensor(-1, [4], [1])), "does not take"),
    "strides missing": (lambda: whole(tensor(0, [4], [])), "does not take"),
    "many axes": (lambda: whole(tensor(0, [1] * 65, [1] * 65)), "does not take"),
    "storage missing": (lambda: whole(tensor(0, [4], [1], storage("1"))), "missing"),
    "storage escapes": (lambda: whole(tensor(0, [4], [1], storage("../data.pkl"))), "missing"),
    "storage too small": (lambda: whole(tensor(0, [4], [1], storage(count=5))), "should have 20 bytes but has 16"),
    "storage negative": (lambda: whole(tensor(0, [4], [1], storage(count=-4))), "unknown kind"),
    "deep": (lambda: whole(b"]" * 200 + b"N" + b"a" * 200), "nested more than"),
    "deep tensor": (lambda: whole(b"]" * 200 + tensor(0, [4], [1]) + b"a" * 200), "nested more than"),
    "deep tuple": (lambda: whole(tensor(0, [4], [1]) + b"\x85" * 100_000), "nested more than"),
    "long key": (
        lambda: whole(
            b"}" + text("k" * 4000) + b"}" + text("k" * 4000) + b"}" + text("a") + tensor(0, [4], [1]) + b"sss"
        ),
        "longer than allowed",
    ),
}
