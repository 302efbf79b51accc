"""The worked examples of the format pages are what the code reads and writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from blake3 import blake3

from modelhub.oid import oid_of
from modelhub.store import index_upkeep, object_writer
from modelhub.store.chunker import chunk_spans
from modelhub.store.codecs.registry import CODEC_IDS, codec
from modelhub.store.item import BYTES, Item
from modelhub.store.object_store import ObjectStore
from modelhub.store.pack.multi_index import MultiIndex

VECTORS = Path(__file__).parent.parent / "vectors"
PAGES = Path(__file__).parent.parent.parent / "docs" / "reference" / "format"
EXAMPLE = re.compile(r"```hex vector=(\S+)\n(.*?)```", re.DOTALL)

FLOATS, INTEGERS = ("floats.bin", "floats-base.bin", "float32"), ("integers.bin", "integers-base.bin", "int32")
STEPS = ("steps.bin", "steps-base.bin steps-second.bin", "float32")
DECAYED = ("decayed.bin", *STEPS[1:])
ITEMS = ("items.bin", "items-base.bin", "bytes 18")
CASES = {
    0: ("text.bin", None, "bytes"),
    1: ("text.bin", None, "bytes"),
    2: FLOATS,
    3: FLOATS,
    4: ("floats.bin", "floats.bin", "float32"),
    5: INTEGERS,
    6: STEPS,
    7: STEPS,
    8: STEPS,
    9: STEPS,
    10: DECAYED,
    11: DECAYED,
    12: STEPS,
    13: STEPS,
    14: STEPS,
    15: DECAYED,
    16: DECAYED,
    17: ITEMS,
    18: ITEMS,
    19: ("few.bin", "steps-base.bin", "float32"),
    20: ("pruned.bin", None, "float32"),
}


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def hexdump(data: bytes) -> str:
    """Return 16 bytes a line, with offsets; `*` stands for lines equal to the one before."""
    lines: list[str] = []
    last, starred = b"", False
    for offset in range(0, len(data), 16):
        part = data[offset : offset + 16]
        if part == last and offset + 16 < len(data):
            lines += [] if starred else ["*"]
            starred = True
            continue
        last, starred = part, False
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{offset:08x}  {part.hex(' '):<47}  |{text}|")
    return "\n".join(lines) + "\n"


def examples() -> list[tuple[str, str, str]]:
    return [
        (page.name, *found) for page in sorted(PAGES.glob("*.md")) for found in EXAMPLE.findall(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize(("page", "name", "text"), [pytest.param(*one, id=f"{one[0]}-{one[1]}") for one in examples()])
def test_the_page_shows_the_bytes_of_the_vector(page: str, name: str, text: str) -> None:
    assert text == hexdump(vector(name))


def test_every_vector_with_bytes_is_on_a_page() -> None:
    shown = {name for _, name, _ in examples()}
    assert {path.name for path in VECTORS.iterdir() if path.stat().st_size} - shown <= {"text.bin"}


@pytest.mark.parametrize("codec_id", CODEC_IDS)
def test_every_codec_decodes_its_vector(codec_id: int) -> None:
    block, base, kind = CASES[codec_id]
    content, (name, *width) = vector(block), kind.split()
    item = Item(name, int(width[0])) if width else Item.of(name)
    got = codec(codec_id).decode(
        vector(f"codec-{codec_id}.bin"), len(content), item, [vector(name) for name in (base or "").split()]
    )
    assert bytes(got) == content


def test_the_loose_vector_is_read_and_written(store) -> None:
    with store.writer() as writer:
        oid = writer.put(b"hello")
        writer.publish()
    path = store.loose.path(oid)
    assert path.read_bytes() == vector("loose.bin")


def test_the_pack_vectors_are_read_and_written(store, monkeypatch) -> None:
    monkeypatch.setattr(object_writer, "LOOSE_OBJECTS", 0)
    with store.writer() as writer:
        writer.put(b"world", item=BYTES)
        writer.put(b"{}", "tree")
        name = writer.publish().pack
    assert (store.packs.folder / f"{name}.pack").read_bytes() == vector("pack.bin")
    assert (store.packs.folder / f"{name}.idx").read_bytes() == vector("pack-index.bin")
    fresh = ObjectStore(store.folder, store.scratch)
    assert fresh.read(oid_of(b"world")) == b"world"
    assert fresh.read(oid_of(b"{}", "tree"), "tree") == b"{}"


def test_the_multi_index_vector_is_read_and_written(store, monkeypatch) -> None:
    monkeypatch.setattr(object_writer, "LOOSE_OBJECTS", 0)
    monkeypatch.setattr(index_upkeep, "MOST_SINGLE", 1)
    for contents in ((b"world", b"{}"), (b"hello",)):
        with store.writer() as writer:
            for content in contents:
                writer.put(content, "tree" if content == b"{}" else "blob")
            writer.publish()
    data = vector("multi-index.bin")
    (path,) = store.packs.folder.glob("multi-*")
    assert path.read_bytes() == data
    assert path.name == f"multi-{blake3(data).hexdigest()[:40]}.idx"
    assert [row[1].hex() for row in MultiIndex(data, "x").rows()] == sorted(store.ids())


def test_the_chunking_page_tells_the_cuts() -> None:
    def lengths(size: int) -> list[int]:
        return [nbytes for _, nbytes in chunk_spans(lambda _, nbytes: bytes(nbytes), size)]

    assert lengths(12_582_912) == [4_194_304] * 3
    assert lengths(100) == [100]
