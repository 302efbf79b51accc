"""Points are kept exactly, small, and read from bytes that may be anything."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelhub.errors import FormatError, InvalidInputError
from modelhub.runs.points import CHUNK_POINTS, MOST_POINTS, PointsReader, encode_points, series_columns

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = st.one_of(
    st.floats(), st.floats(width=32), st.integers(-(2**53), 2**53).map(float), st.sampled_from([0.0, -0.0, 2.0**63])
)


@st.composite
def columns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    length = draw(st.integers(0, 40))
    return (
        draw(arrays(np.int64, length, elements=INT64)),
        draw(arrays(np.int64, length, elements=INT64)),
        draw(arrays(np.float64, length, elements=VALUES)),
    )


def reader(blob: bytes) -> PointsReader:
    return PointsReader(lambda offset, nbytes: blob[offset : offset + nbytes])


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    other = np.where(np.isnan(other), np.nan, other) if other.dtype == np.float64 else other
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


def curve(points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A loss as training has it: float32, noisy, a tenth of a second a step."""
    chance = np.random.default_rng(1)
    steps = np.arange(points)
    times = 1_700_000_000_000 + np.cumsum(100 + chance.integers(-8, 9, points))
    loss = 4 * np.exp(-steps / 8000) + 1.5 + 0.05 * chance.standard_normal(points)
    return steps, times, loss.astype(np.float32).astype(np.float64)


@given(st.dictionaries(st.text(max_size=8), columns(), max_size=4))
@example({"nan": (np.array([1]), np.array([2]), np.array([np.nan]))})
def test_what_is_read_is_what_was_written_to_the_bit(series: dict) -> None:
    blob, summaries = encode_points(series)
    assert [one.name for one in summaries] == sorted(name for name in series if series[name][0].size)
    found = reader(blob)
    for one in summaries:
        for got, wanted in zip(series_columns(found, one), series[one.name], strict=True):
            assert same_bits(got, wanted)


@pytest.mark.parametrize("points", [1, CHUNK_POINTS - 1, CHUNK_POINTS, CHUNK_POINTS + 1, 2 * CHUNK_POINTS, 200_001])
def test_series_of_any_length_are_read_back(points: int) -> None:
    series = curve(points)
    blob, (summary,) = encode_points({"loss": series})
    for got, wanted in zip(series_columns(reader(blob), summary), series, strict=True):
        assert same_bits(got, wanted)


@given(st.dictionaries(st.text(max_size=4), columns(), max_size=4), st.randoms())
def test_the_same_points_give_the_same_bytes_in_any_order(series: dict, chance) -> None:
    names = list(series)
    chance.shuffle(names)
    assert encode_points({name: series[name] for name in names}) == encode_points(series)


def test_every_nan_becomes_the_one_nan() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    zeros = np.zeros(2, np.int64)
    assert encode_points({"x": (zeros, zeros, odd)}) == encode_points({"x": (zeros, zeros, np.full(2, np.nan))})


def test_metrics_logged_together_share_steps_and_times() -> None:
    steps, times, loss = curve(1000)
    _, summaries = encode_points({"loss": (steps, times, loss), "lr": (steps.copy(), times.copy(), loss * 2)})
    (loss_columns, lr_columns) = (one.columns for one in summaries)
    assert loss_columns == (0, 1, 2)
    assert lr_columns == (0, 1, 3)


def test_a_noisy_loss_takes_less_than_six_bytes_a_point() -> None:
    blob, _ = encode_points({"loss": curve(100_000)})
    assert len(blob) < 6 * 100_000


def test_a_column_is_read_without_the_chunks_of_the_others() -> None:
    asked: list[tuple[int, int]] = []
    chance = np.random.default_rng(2)
    zeros = np.zeros(1_000_000, np.int64)
    blob, summaries = encode_points({name: (zeros, zeros, chance.random(1_000_000)) for name in "abc"})

    def read(offset: int, nbytes: int) -> bytes:
        asked.append((offset, nbytes))
        return blob[offset : offset + nbytes]

    found = PointsReader(read)
    asked.clear()
    found.column(summaries[2].columns[2])
    assert sum(nbytes for _, nbytes in asked) < len(blob) / 2


def test_the_summary_leaves_nan_out() -> None:
    steps, times = np.array([5, 6, 7, 8]), np.zeros(4, np.int64)
    _, (one,) = encode_points({"x": (steps, times, np.array([np.nan, 2.0, -1.0, -1.0]))})
    assert (one.minimum, one.minimum_step, one.maximum, one.maximum_step, one.nans) == (-1.0, 7, 2.0, 6, 1)
    _, (one,) = encode_points({"x": (steps, times, np.array([np.inf, np.nan, np.nan, -np.inf]))})
    assert (one.minimum, one.maximum, one.last, one.minimum_step) == ("-inf", "inf", "-inf", 8)
    _, (one,) = encode_points({"x": (steps, times, np.array([np.nan, np.inf, np.nan, np.inf]))})
    assert (one.minimum, one.minimum_step) == ("inf", 6)
    _, (one,) = encode_points({"x": (steps, times, np.full(4, np.nan))})
    assert (one.minimum, one.maximum, one.last, one.nans) == (None, None, "nan", 4)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="'x'"):
        encode_points({"x": (np.zeros(2, np.int64), np.zeros(1, np.int64), np.zeros(2))})


# bytes that may be anything


@pytest.fixture(scope="module")
def small() -> bytes:
    steps, times, loss = curve(60)
    return encode_points({"loss": (steps, times, loss), "ok": (steps[:3], times[:3], np.array([1.0, np.nan, 0.1]))})[0]


def read_all(blob: bytes) -> None:
    """Read every column, or fail as damage must."""
    try:
        found = reader(blob)
        for number in range(found.columns):
            found.column(number)
    except FormatError:
        pass


def test_a_blob_cut_short_anywhere_is_refused(small: bytes) -> None:
    for end in range(len(small)):
        with pytest.raises(FormatError):
            columns_of(small[:end])


def columns_of(blob: bytes) -> list[np.ndarray]:
    found = reader(blob)
    return [found.column(number) for number in range(found.columns)]


def test_no_changed_byte_does_harm(small: bytes) -> None:
    for at in range(len(small)):
        for change in (0x01, 0x80, 0xFF):
            read_all(small[:at] + bytes([small[at] ^ change]) + small[at + 1 :])


@given(st.data())
def test_no_change_at_all_does_harm(small: bytes, data: st.DataObject) -> None:
    blob = bytearray(small)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(blob) - 1))
        blob[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=6))
        if not blob:
            return
    read_all(bytes(blob))


@given(st.binary(max_size=200))
def test_bytes_without_meaning_are_refused(noise: bytes) -> None:
    with pytest.raises(FormatError):
        reader(noise)


@pytest.mark.parametrize(
    ("columns", "chunks"), [(2**32 - 1, 0), (0, 2**32 - 1), (1 << 28, 1 << 28)], ids=["columns", "chunks", "both"]
)
def test_a_header_that_promises_too_much_costs_no_memory(columns: int, chunks: int) -> None:
    blob = struct.pack("<8sIIII", b"\x89MHS\r\n\x1a\n", 1, 0, columns, chunks) + bytes(1000)
    tracemalloc.start()
    with pytest.raises(FormatError):
        reader(blob)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_column_that_promises_too_many_points_is_refused() -> None:
    chunks = -(-MOST_POINTS // CHUNK_POINTS) + 1
    head = struct.pack("<8sIIII", b"\x89MHS\r\n\x1a\n", 1, 0, 1, chunks)
    rows = struct.pack("<IBxxx", MOST_POINTS + 1, 0) + struct.pack("<IBxxx", 20, 1) * chunks
    with pytest.raises(FormatError, match="do not fit"):
        reader(head + rows + bytes(20 * chunks))


def test_a_newer_version_is_told_from_damage(small: bytes) -> None:
    with pytest.raises(FormatError, match="version 2"):
        reader(small[:8] + b"\x02" + small[9:])


def test_a_column_that_is_not_there_is_refused(small: bytes) -> None:
    with pytest.raises(FormatError, match="no column 99"):
        reader(small).column(99)
