"""The worked examples of the pages on logs and points are what the code reads and writes.

Their bytes on the pages are compared in tests/store/test_format_vectors.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from contracts.project import ADA

from modelhub.runs.live import LiveRun
from modelhub.runs.log import parse_log
from modelhub.runs.notes import End, Owner, Start
from modelhub.runs.points import Columns, PointsReader, encode_points, series_columns

VECTORS = Path(__file__).parent.parent / "vectors"
BEGAN_MS = 1_700_000_000_000

START = Start(
    id="00000000000000a1",
    name="first",
    author=ADA,
    time=BEGAN_MS,
    offset=60,
    owner=Owner(pid=4711, host="box"),
    command=("python", "train.py"),
    params={"lr": 0.1},
)
END = End(BEGAN_MS + 3000, "finished", 0)


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def read_points(name: str, series: dict[str, Columns]) -> None:
    """Compare a vector with what it should hold; the summaries come from writing the same series."""
    blob = vector(name)
    reader = PointsReader(lambda offset, nbytes: blob[offset : offset + nbytes])
    for summary in encode_points(series)[1]:
        found = series_columns(reader, summary)
        for got, wanted in zip(found, series[summary.name], strict=True):
            np.testing.assert_array_equal(got, wanted)


def few_points() -> dict[str, Columns]:
    steps, times = np.array([1, 2]), np.array([BEGAN_MS + 1000, BEGAN_MS + 2000])
    return {
        "acc": (steps[1:], times[1:], np.array([0.1])),
        "loss": (steps, times, np.array([0.75, np.nan])),
        "seen": (steps, times, np.array([64.0, 128.0])),
    }


def many_points() -> dict[str, Columns]:
    steps = np.arange(1000)
    return {"loss": (steps, BEGAN_MS + steps, np.where(steps < 500, 0.7, 0.1))}


def test_the_log_is_written_and_read(repo) -> None:
    run = LiveRun.begin(repo.layout, START)
    run.points(1, BEGAN_MS + 1000, {"loss": 0.75})
    run.points(2, BEGAN_MS + 2000, {"loss": 0.5, "acc": 0.25})
    run.note(END)
    run.close()
    assert (run.folder / "log").read_bytes() == vector("run-log.bin")
    content = parse_log(vector("run-log.bin"))
    assert content.notes == (START, END)
    assert content.series["loss"][2].tolist() == [0.75, 0.5]
    assert content.series["acc"][0].tolist() == [2]
    assert content.sound_nbytes == content.nbytes


def test_few_points_are_written_and_read() -> None:
    assert encode_points(few_points())[0] == vector("points.bin")
    read_points("points.bin", few_points())


def test_packed_points_are_read() -> None:
    assert len(vector("points-packed.bin")) < 1000
    read_points("points-packed.bin", many_points())
