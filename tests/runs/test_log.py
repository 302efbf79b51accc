"""A log is read up to the first frame that is not whole, and every whole frame before it counts."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from contracts.logged_run import begin, finished, log_of, pending, start
from contracts.project import START_MS
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import FormatError
from modelhub.runs.frames import HEAD, NAMES, NOTE, POINTS, frame, log_head, pack_numbers, points_packer
from modelhub.runs.log import BATCH_FRAMES, LogContent, interleaved, parse_log
from modelhub.runs.notes import Params, encode_note
from modelhub.runs.pending import fold_pending

INT64 = st.integers(-(2**63), 2**63 - 1)


def points(step: int, time: int, numbers: list[int], values: list[float]) -> bytes:
    return frame(POINTS, points_packer(len(numbers))(POINTS, step, time, pack_numbers(numbers), *values)[1:])


def as_lists(content: LogContent) -> dict[str, list[tuple[int, int, str]]]:
    return {
        name: list(zip(steps.tolist(), times.tolist(), map(repr, values.tolist()), strict=True))
        for name, (steps, times, values) in content.series.items()
    }


@given(
    st.lists(
        st.tuples(INT64, INT64, st.dictionaries(st.text(min_size=1, max_size=3), st.floats(), max_size=5)), max_size=30
    )
)
def test_points_come_back_by_series_in_the_order_of_the_log(calls: list) -> None:
    data, numbers = log_head(), {}
    wanted: dict[str, list[tuple[int, int, str]]] = {}
    for step, time, values in calls:
        new = [name for name in values if name not in numbers]
        if new:
            data += frame(NAMES, msgspec.json.encode(new))
            numbers |= {name: len(numbers) + index for index, name in enumerate(new)}
        data += points(step, time, [numbers[name] for name in values], list(values.values()))
        for name, value in values.items():
            wanted.setdefault(name, []).append((step, time, repr(float(value))))
    content = parse_log(data)
    assert as_lists(content) == wanted
    assert content.sound_nbytes == content.nbytes


def test_a_log_longer_than_one_batch_keeps_its_order() -> None:
    count = BATCH_FRAMES + 1000
    data = bytearray(log_head() + frame(NAMES, b'["loss","val"]'))
    for step in range(count):
        data += points(step, step, [0], [step]) if step % 3 else points(step, step, [1, 0], [-step, step])
    content = parse_log(bytes(data))
    assert np.array_equal(content.series["loss"][2], np.arange(count))
    assert np.array_equal(content.series["val"][0], np.arange(0, count, 3))


@pytest.fixture
def small_log(repo) -> bytes:
    finished(repo.layout, params={"lr": 0.1})
    return log_of(repo.layout).read_bytes()


def frame_ends(data: bytes) -> list[int]:
    ends = [HEAD.size]
    while ends[-1] < len(data):
        ends.append(ends[-1] + 8 + struct.unpack_from("<I", data, ends[-1])[0])
    return ends


def test_a_log_torn_at_any_byte_gives_every_whole_frame(small_log: bytes) -> None:
    ends = frame_ends(small_log)
    for size in range(len(small_log) + 1):
        content = parse_log(small_log[:size])
        whole = [end for end in ends if end <= size]
        assert content.sound_nbytes == (whole[-1] if whole else 0)
        frames = max(len(whole) - 1, 0)
        assert len(content.notes) == (frames >= 1) + (frames >= 6)
        assert len(content.series.get("loss", ((),))[0]) == min(max(frames - 2, 0), 3)


def test_a_changed_byte_costs_its_frame_and_what_follows(small_log: bytes) -> None:
    ends = frame_ends(small_log)
    for at in range(HEAD.size, len(small_log)):
        content = parse_log(small_log[:at] + bytes([small_log[at] ^ 0x10]) + small_log[at + 1 :])
        assert content.sound_nbytes == max(end for end in ends if end <= at)


def test_a_tail_of_zeros_is_no_frame(small_log: bytes) -> None:
    content = parse_log(small_log + bytes(4096))
    assert content.sound_nbytes == len(small_log)
    assert len(content.series["loss"][0]) == 3


def test_garbage_in_the_middle_ends_the_log_there(small_log: bytes) -> None:
    chance = random.Random(1)
    ends = frame_ends(small_log)
    content = parse_log(small_log[: ends[4]] + chance.randbytes(50) + small_log[ends[4] :])
    assert content.sound_nbytes == ends[4]
    assert content.series["loss"][0].tolist() == [0, 1]


@given(st.binary(max_size=300))
def test_no_bytes_after_the_head_do_harm(noise: bytes) -> None:
    assert parse_log(log_head() + noise).nbytes == HEAD.size + len(noise)


@given(st.integers(0, 255), st.binary(max_size=80))
def test_no_frame_with_a_right_check_does_harm(kind: int, body: bytes) -> None:
    content = parse_log(log_head() + frame(NAMES, b'["loss"]') + frame(kind, body) + points(1, 2, [0], [3.0]))
    assert content.sound_nbytes <= content.nbytes


def test_kinds_of_frame_and_note_of_a_later_version_are_passed_by() -> None:
    data = log_head() + frame(NOTE, encode_note(start())) + frame(9, b"?") + frame(NOTE, b'{"type":"later"}')
    content = parse_log(data + frame(NOTE, b"[" * 100_000) + frame(NOTE, encode_note(Params({"a": 1}))))
    assert content.sound_nbytes == content.nbytes
    assert content.notes[1:] == (Params({"a": 1}),)


def test_points_of_a_series_that_no_frame_names_are_left_out() -> None:
    data = log_head() + frame(NAMES, b'["loss"]') + points(1, 2, [7, 0], [1.0, 2.0])
    assert as_lists(parse_log(data)) == {"loss": [(1, 2, "2.0")]}


def test_a_name_given_twice_is_one_series() -> None:
    data = log_head() + frame(NAMES, b'["loss","loss"]') + points(1, 1, [0], [1.0]) + points(2, 2, [1], [2.0])
    assert as_lists(parse_log(data)) == {"loss": [(1, 1, "1.0"), (2, 2, "2.0")]}


def test_points_without_a_metric_are_no_points() -> None:
    assert parse_log(log_head() + points(1, 2, [], [])).series == {}


def test_another_file_and_a_later_version_are_refused() -> None:
    with pytest.raises(FormatError, match="not the log of a run"):
        parse_log(b"loss,1.0\n" * 9)
    with pytest.raises(FormatError, match="version 2"):
        parse_log(log_head()[:8] + struct.pack("<II", 2, 0))


def test_a_length_that_no_file_has_is_a_torn_frame() -> None:
    payload = b"\x02"
    data = log_head() + struct.pack("<II", 2**32 - 1, zlib.crc32(payload)) + payload
    assert parse_log(data).sound_nbytes == HEAD.size


def test_logs_of_several_processes_are_one_series_by_time() -> None:
    def column(*numbers: float) -> np.ndarray:
        return np.array(numbers)

    one = (column(1, 2, 3), column(10, 30, 20), column(1.0, 2.0, 3.0))
    other = (column(1, 2), column(20, 40), column(-1.0, -2.0))
    steps, times, values = interleaved([one, other])
    assert values.tolist() == [1.0, -1.0, 2.0, 3.0, -2.0], "the order within a log stays, also where a clock went back"
    assert times.tolist() == [10, 20, 30, 20, 40]
    assert steps.tolist() == [1, 1, 2, 3, 2]


def test_steps_and_times_may_be_anything_that_fits(repo) -> None:
    calls = [(-5, START_MS), (2**63 - 1, START_MS - 1), (-(2**63), -(2**63)), (3, 2**63 - 1)]
    run = begin(repo.layout)
    for step, time in calls:
        run.points(step, time, {"x": float("nan"), "y": float("inf")})
    run.close()
    steps, times, values = fold_pending(pending(repo.layout)).series["x"]
    assert list(zip(steps.tolist(), times.tolist(), strict=True)) == calls
    assert np.isnan(values).all()


def test_a_run_that_only_began_has_no_series(repo, tmp_path: Path) -> None:
    begin(repo.layout).close()
    run = fold_pending(pending(repo.layout)).run
    assert (run.series, run.status, run.ended) == ((), "running", None)
