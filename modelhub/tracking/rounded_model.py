"""A model file with other numbers in it: the same bytes but for its tensors, so that whatever loads it still does.

Numbers that a scheme has are written where the tensor's own lie, in its dtype. In a zip (torch, npz) the checksums of
the members that changed are set right.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelhub.files import overwrite_part
from modelhub.formats.extent import FileSource
from modelhub.formats.zip_walk import CheckedMember, checked_members
from modelhub.repository.content import read_manifest
from modelhub.repository.objects import TensorSegment
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import item_of
from modelhub.repository.trees import Files
from modelhub.store.block_encoder import encode_block
from modelhub.weights.schemes import WIDE_FLOATS, Scheme, fit
from modelhub.weights.written_tensor import WrittenTensor

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array
    from modelhub.weights.loss import Loss

ZIPS = ("torch", "npz")
PIECE_NBYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class PlacedTensor:
    """A tensor of the model, the file it is in and where it lies there."""

    path: str
    offset: int
    segment: TensorSegment

    @property
    def is_float(self) -> bool:
        """Whether it counts as weights here: float64, float32, float16 or bfloat16."""
        return self.segment.dtype in WIDE_FLOATS

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        from modelhub.formats.dtypes import element_count

        return element_count(self.segment.shape)


@dataclass(frozen=True, slots=True)
class Rounded:
    """What one tensor became: its own bytes with other numbers, and the bytes that modelhub would store for it."""

    data: bytes
    stored_nbytes: int
    loss: Loss


class ModelOnDisk:
    """A model of a version. `tensors` are in the order of their files."""

    def __init__(self, repository: Repository, files: Files, paths: tuple[str, ...]) -> None:
        self.tensors = [item for path in paths for item in _placed(repository, files, path)]
        self._repository = repository
        self._zips = [path for path in paths if _format(repository, files, path) in ZIPS]
        self._stored: dict[str, int] = {}

    @property
    def raw_nbytes(self) -> int:
        """The bytes of its weights at 32 bits each."""
        return 4 * sum(item.elements for item in self.tensors if item.is_float)

    def stored_nbytes(self, item: PlacedTensor) -> int:
        """The bytes that the store takes for a tensor as it is, not as a delta."""
        segment = item.segment
        if segment.oid not in self._stored:
            self._stored[segment.oid] = stored_nbytes(self._repository.store.read(segment.oid), segment.dtype)
        return self._stored[segment.oid]

    def round(self, item: PlacedTensor, scheme: Scheme) -> Rounded:
        """Return what a tensor becomes. Raises InvalidInputError for numbers that the scheme cannot have."""
        from modelhub.weights.loss import Loss, measure

        segment = item.segment
        values = _numbers(self._repository.store.read(segment.oid), segment.dtype)
        coder = fit(scheme, segment.name, values)
        rounded, codes, loss = bytearray(), bytearray(), Loss()
        plain = WrittenTensor(segment.name, segment.dtype, segment.shape, scheme, dequantized=True)
        written = WrittenTensor(segment.name, segment.dtype, segment.shape, scheme)
        for data, before, after in plain.encoded(values, coder):
            rounded += data
            loss += measure(before, after)
        for data, _, _ in written.encoded(values, coder):
            codes += data
        stored = stored_nbytes(codes, written.main.dtype)
        for companion, data in zip(written.companions, written.companion_bytes(coder), strict=True):
            stored += stored_nbytes(data, companion.dtype)
        return Rounded(bytes(rounded), stored, loss)

    def mend(self, folder: Path) -> None:
        """Set the checksums of the zips in a folder right after tensors in them were overwritten."""
        for path in self._zips:
            with FileSource(folder / path) as source:
                members = checked_members(source, "zip")
                sums = [_crc(source, member) for member in members]
            for member, crc in zip(members, sums, strict=True):
                for place in member.places:
                    overwrite_part(folder / path, place, crc.to_bytes(4, "little"))


def stored_nbytes(data: bytes | bytearray, dtype: str) -> int:
    """Return the bytes of a tensor's encoded blocks, each for itself and without what names them in a pack."""
    item = item_of(dtype)
    starts = range(0, len(data), item.block_nbytes)
    return sum(len(encode_block(bytes(data[at : at + item.block_nbytes]), item).data) for at in starts)


def _placed(repository: Repository, files: Files, path: str) -> Iterator[PlacedTensor]:
    manifest = read_manifest(repository, files[path])
    offset = 0
    for segment in () if manifest is None else manifest.segments:
        if isinstance(segment, TensorSegment):
            yield PlacedTensor(path, offset, segment)
        offset += segment.nbytes


def _format(repository: Repository, files: Files, path: str) -> str:
    manifest = read_manifest(repository, files[path])
    return "" if manifest is None else manifest.format


def _numbers(data: bytes, dtype: str) -> Array:
    from modelhub.weights.arrays import to_numbers

    numbers = to_numbers(data, dtype)
    if numbers is None:
        raise TypeError(f"{dtype} has no numbers")
    return numbers


def _crc(source: FileSource, member: CheckedMember) -> int:
    crc = 0
    for start in range(0, member.nbytes, PIECE_NBYTES):
        piece = source.read(member.offset + start, min(PIECE_NBYTES, member.nbytes - start))
        crc = zlib.crc32(piece, crc)
    return crc
