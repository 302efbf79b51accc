"""Every place of a member's checksum is found, in zips of all writers."""

import io
import zipfile
import zlib

import pytest
import torch

from modelhub.errors import UnsupportedModelFile
from modelhub.formats.extent import BytesSource
from modelhub.formats.zip_walk import checked_members, walk_zip


class Unseekable(io.RawIOBase):
    """A pipe: a zip written into it has its checksums behind the content."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def by_zipfile(sink):
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.npy", b"content")
        archive.writestr("empty", b"")
        archive.writestr("packed", b"x" * 1000, zipfile.ZIP_DEFLATED)
    return bytes(sink.data if isinstance(sink, Unseekable) else sink.getvalue())


def by_torch():
    sink = io.BytesIO()
    torch.save({"w": torch.arange(100.0)}, sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "data", [by_zipfile(io.BytesIO()), by_zipfile(Unseekable()), by_torch()], ids=["file", "pipe", "torch"]
)
def test_each_place_has_the_checksum_of_the_content(data):
    source = BytesSource(data)
    members = checked_members(source, "zip")
    stored = [entry for entry in walk_zip(source, "zip").values() if entry.is_stored]
    assert sorted((item.offset, item.nbytes) for item in members) == sorted(
        (item.offset, item.nbytes) for item in stored
    )
    for item in members:
        crc = zlib.crc32(data[item.offset : item.offset + item.nbytes]).to_bytes(4, "little")
        assert len(item.places) >= 2
        assert {data[place : place + 4] for place in item.places} == {crc}


def test_what_is_no_zip_is_refused():
    with pytest.raises(UnsupportedModelFile):
        checked_members(BytesSource(b"PK nothing of the kind, though long enough for an end"), "zip")
