"""What every parser of a model file promises; each format's test subclasses this and says how to make a file."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelhub.errors import UnsupportedModelFile
from modelhub.formats import dtypes
from modelhub.formats.detect import read_model
from modelhub.formats.extent import BytesSource, FileSource, ModelFile


@dataclass(frozen=True)
class Made:
    """A file as a framework wrote it, and the bytes of each tensor in it, C order, little-endian."""

    name: str
    data: bytes
    tensors: dict[str, bytes] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)


def parse(name: str, data: bytes) -> ModelFile | None:
    return read_model(name, BytesSource(data))


def content(model: ModelFile, data: bytes) -> dict[str, bytes]:
    """The bytes of each extent, by name."""
    return {extent.name: data[extent.offset : extent.end] for extent in model.extents}


def check_sound(model: ModelFile, size: int) -> None:
    """Extents sorted, apart, inside the file, and as large as dtype and shape say; views inside their extent."""
    position = 0
    for extent in model.extents:
        assert position <= extent.offset <= extent.end <= size
        position = extent.end
        assert extent.nbytes == dtypes.nbytes(extent.dtype, dtypes.element_count(extent.shape))
        assert extent.strides is None or len(extent.strides) == len(extent.shape)
        extent.name.encode("utf-8")
    for view in model.views:
        extent = model.extents[view.extent]
        count = dtypes.element_count(view.shape)
        if view.strides is not None:
            count = 1 + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True))
        assert view.start >= 0
        assert dtypes.nbytes(view.dtype, view.start + count) <= extent.nbytes


class ModelFileContract:
    """Subclass it and give `make`; the file must be small, since it is cut at every length."""

    def make(self) -> Made:
        raise NotImplementedError

    def test_extents_are_sorted_apart_and_inside_the_file(self) -> None:
        made = self.make()
        model = parse(made.name, made.data)
        assert model is not None
        assert model.extents
        check_sound(model, len(made.data))

    def test_each_extent_holds_the_bytes_that_were_saved(self) -> None:
        made = self.make()
        model = parse(made.name, made.data)
        assert model is not None
        assert content(model, made.data) == made.tensors
        for extent in model.extents:
            assert extent.shape == made.shapes.get(extent.name, extent.shape)

    def test_a_file_on_disk_reads_like_one_in_memory(self, tmp_path) -> None:
        made = self.make()
        path = tmp_path / made.name
        path.write_bytes(made.data)
        with FileSource(path) as source:
            assert read_model(made.name, source) == parse(made.name, made.data)

    def test_a_cut_file_is_refused_or_has_lost_no_tensor(self) -> None:
        made = self.make()
        whole = parse(made.name, made.data)
        assert whole is not None
        for length in range(len(made.data)):
            try:
                cut = parse(made.name, made.data[:length])
            except UnsupportedModelFile:
                continue
            assert cut is None or cut.extents == whole.extents

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(data=st.data())
    def test_damage_raises_nothing_but_unsupported_model_file(self, data) -> None:
        made = self.make()
        damaged = bytearray(made.data)
        at = st.integers(0, len(damaged) - 1)
        for _ in range(data.draw(st.integers(1, 6))):
            damaged[data.draw(at) % len(damaged)] = data.draw(
                st.sampled_from([0, 1, 0x28, 0x52, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)
            )
        if data.draw(st.booleans()):
            start = data.draw(at)
            damaged[start : start + data.draw(st.integers(0, 16))] = data.draw(st.binary(max_size=16))
        try:
            model = parse(made.name, bytes(damaged))
        except UnsupportedModelFile:
            return
        if model is not None:
            check_sound(model, len(damaged))


def refused(name: str, data: bytes, words: str) -> None:
    """Assert that a file is refused with these words."""
    with pytest.raises(UnsupportedModelFile) as caught:
        parse(name, data)
    assert words in caught.value.message
    assert caught.value.message.encode("utf-8")
    assert caught.value.hint
