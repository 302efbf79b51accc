"""What was logged is in the log, whatever becomes of the process, its children, its threads and the disk."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from contracts.logged_run import FIRST, begin, finished, log_of, pending
from contracts.project import START_MS
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import AlreadyExistsError, InvalidInputError, NotFoundError, StateError
from modelhub.repository.layout import Layout
from modelhub.repository.objects import Usage
from modelhub.runs import live
from modelhub.runs.folder import LOG
from modelhub.runs.live import LiveRun
from modelhub.runs.log import read_log
from modelhub.runs.notes import End, Output, Params, Tags
from modelhub.runs.pending import PendingRun, fold_pending, list_pending
from modelhub.runs.seal import discard

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def values_of(run: PendingRun, name: str) -> list[float]:
    return fold_pending(run).series[name][2].tolist()


def in_child(work) -> int:
    """Run something in a forked process and return its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def no_room_beyond(nbytes: int) -> Iterator[None]:
    """No file can grow beyond this size, as on a full disk: the write that comes there is cut short."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_logged_is_read_while_the_run_goes_on(repo) -> None:
    run = begin(repo.layout, params={"lr": 0.1})
    run.points(1, START_MS, {"loss": 2.0})
    run.note(Params({"lr": 0.2, "seed": 7}))
    run.note(Tags({"team": "vision"}))
    run.points(2, START_MS + 5, {"loss": 1.0, "acc": 0.5})
    found = fold_pending(pending(repo.layout)).run
    assert found.status == "running"
    assert found.params == {"lr": 0.2, "seed": 7}
    assert found.tags == {"team": "vision"}
    assert [(one.name, one.points, one.last) for one in found.series] == [("acc", 1, 0.5), ("loss", 2, 1.0)]
    run.close()


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.integers(-(2**63), 2**63 - 1),
            st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.floats(), min_size=1),
        ),
        max_size=20,
    )
)
def test_whatever_is_logged_comes_back(calls: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        run = begin(layout)
        wanted: dict[str, list[tuple[int, int, str]]] = {}
        for step, time, values in calls:
            run.points(step, time, values)
            for name, value in values.items():
                wanted.setdefault(name, []).append((step, time, repr(value)))
        run.close()
        found = fold_pending(pending(layout)).series
    assert wanted == {
        name: list(zip(steps.tolist(), times.tolist(), map(repr, values.tolist()), strict=True))
        for name, (steps, times, values) in found.items()
    }


def test_numbers_of_every_kind_are_logged_as_floats(repo) -> None:
    run = begin(repo.layout)
    run.points(np.int32(3), START_MS, {"a": np.float32(0.5), "b": 2, "c": True, "d": np.float64(0.1), "e": np.int8(4)})
    run.close()
    series = fold_pending(pending(repo.layout)).series
    assert [series[name][2][0] for name in "abcde"] == [0.5, 2.0, 1.0, 0.1, 4.0]


@pytest.mark.parametrize(
    ("step", "values", "message"),
    [
        (2**63, {"loss": 1.0}, "the step"),
        (1.5, {"loss": 1.0}, "the step"),
        (1, {"loss": "1.0"}, "'loss'"),
        (1, {"ok": 1.0, "loss": None}, "'loss'"),
        (1, {"loss": np.ones(2)}, "'loss'"),
        (1, {"loss": 10**400}, "'loss'"),
        (1, {3: 1.0}, "3 cannot be the name"),
        (1, {"": 1.0}, "cannot be the name"),
        (1, {"\ud800": 1.0}, "UTF-8"),
    ],
)
def test_what_is_no_point_is_refused_and_leaves_nothing(repo, step, values, message: str) -> None:
    run = begin(repo.layout)
    with pytest.raises(InvalidInputError, match=message):
        run.points(step, START_MS, values)
    run.points(1, START_MS, {"loss": 1.0})
    run.close()
    assert values_of(pending(repo.layout), "loss") == [1.0]


def test_thousands_of_metrics_are_one_call(repo) -> None:
    names = [f"layer.{number}/norm" for number in range(5000)]
    run = begin(repo.layout)
    for step in range(3):
        run.points(step, START_MS + step, {name: step + number for number, name in enumerate(names)})
    run.close()
    series = fold_pending(pending(repo.layout)).series
    assert set(series) == set(names)
    assert series[names[4999]][2].tolist() == [4999.0, 5000.0, 5001.0]


def test_ever_new_sets_of_metrics_do_not_fill_the_memory(repo) -> None:
    run = begin(repo.layout)
    for number in range(2 * live.MOST_PLANS + 5):
        run.points(number, START_MS, {"loss": 1.0, f"x{number}": 2.0})
    assert len(run._plans) <= live.MOST_PLANS
    run.close()
    assert len(values_of(pending(repo.layout), "loss")) == 2 * live.MOST_PLANS + 5


def test_threads_log_side_by_side(repo) -> None:
    run = begin(repo.layout)

    def work(number: int) -> None:
        for step in range(500):
            run.points(step, START_MS, {"shared": step, f"own.{number}.{step % 7}": number})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.close()
    series = fold_pending(pending(repo.layout)).series
    assert len(series["shared"][0]) == 3000
    assert all(set(series[f"own.{number}.3"][2]) == {number} for number in range(6))


def test_the_disk_is_asked_to_keep_the_points_now_and_then(repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SYNC_SECONDS", -1.0)
    run = begin(repo.layout)
    for step in range(100):
        run.points(step, START_MS, {"loss": step})
    run.close()
    assert values_of(pending(repo.layout), "loss") == list(range(100))


def test_a_run_that_was_taken_away_says_so(repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SYNC_SECONDS", -1.0)
    run = begin(repo.layout)
    discard(repo.layout, pending(repo.layout))
    with pytest.raises(StateError, match="while it went on"):
        run.points(1, START_MS, {"loss": 1.0})
    run.close()


def test_an_id_in_use_is_refused(repo) -> None:
    begin(repo.layout).close()
    with pytest.raises(AlreadyExistsError):
        begin(repo.layout)
    with pytest.raises(InvalidInputError, match="cannot be the id"):
        begin(repo.layout, "../../etc")


def test_a_run_closed_takes_nothing_more_and_may_be_closed_again(repo) -> None:
    run = begin(repo.layout)
    run.points(1, START_MS, {"loss": 1.0})
    run.close()
    run.close()
    for act in (lambda: run.points(2, START_MS, {"loss": 1.0}), lambda: run.note(Tags({"a": "b"}))):
        with pytest.raises(StateError, match="was closed"):
            act()


def test_a_place_that_cannot_be_written_is_told(repo) -> None:
    repo.layout.runs.write_text("in the way")
    with pytest.raises(StateError, match="cannot be recorded"):
        begin(repo.layout)


# several processes


def test_a_process_that_joins_writes_beside_and_does_not_end_the_run(repo) -> None:
    run = begin(repo.layout)
    run.points(1, START_MS, {"loss": 2.0})

    def work() -> None:
        joined = LiveRun.join(repo.layout, FIRST)
        assert not joined.is_main
        joined.points(1, START_MS + 1, {"loss": 1.5, "rank1/loss": 3.0})
        joined.note(Output(Usage("model.bin", "0" * 64, 5)))
        joined.note(End(START_MS, "failed", 1))
        joined.close()

    assert in_child(work) == 0
    run.points(2, START_MS + 2, {"loss": 1.0})
    run.note(End(START_MS + 3, "finished", 0))
    run.close()
    found = fold_pending(pending(repo.layout))
    assert found.series["loss"][2].tolist() == [2.0, 1.5, 1.0]
    assert found.series["rank1/loss"][2].tolist() == [3.0]
    assert found.run.status == "finished"
    assert [usage.path for usage in found.run.outputs] == ["model.bin"]


def test_several_processes_log_at_once(repo) -> None:
    run = begin(repo.layout)
    children = []
    for rank in range(4):
        child = os.fork()
        if child == 0:
            try:
                joined = LiveRun.join(repo.layout, FIRST)
                for step in range(2000):
                    joined.points(step, START_MS + step, {"loss": rank, f"rank{rank}/loss": step})
                joined.close()
            finally:
                os._exit(0)
        children.append(child)
    for step in range(2000):
        run.points(step, START_MS + step, {"loss": 9})
    for child in children:
        os.waitpid(child, 0)
    run.close()
    series = fold_pending(pending(repo.layout)).series
    assert len(series["loss"][0]) == 10_000
    assert (np.diff(series["loss"][1]) >= 0).all()
    assert all(series[f"rank{rank}/loss"][2].tolist() == list(range(2000)) for rank in range(4))


def test_only_a_run_that_is_there_can_be_joined(repo) -> None:
    for name in ("00000000000000ff", "..", ""):
        with pytest.raises(NotFoundError):
            LiveRun.join(repo.layout, name)


def test_a_forked_process_leaves_the_parents_log_alone(repo) -> None:
    run = begin(repo.layout)
    run.points(1, START_MS, {"loss": 3.0, "lr": 0.1})
    before = log_of(repo.layout).read_bytes()

    def work() -> None:
        run.note(End(START_MS, "failed"))
        run.close()

    assert in_child(work) == 0
    assert log_of(repo.layout).read_bytes() == before
    assert os.listdir(repo.layout.runs / FIRST) == [LOG]
    run.points(2, START_MS + 1, {"loss": 2.0, "lr": 0.1})
    run.close()
    assert values_of(pending(repo.layout), "loss") == [3.0, 2.0]


def test_a_forked_process_that_logs_has_a_log_of_its_own(repo) -> None:
    run = begin(repo.layout)
    run.points(1, START_MS, {"loss": 3.0})

    def work() -> None:
        run.points(2, START_MS + 1, {"val": 7.0})
        run.points(3, START_MS + 2, {"loss": 2.0})
        assert in_child(lambda: run.points(4, START_MS + 3, {"loss": 1.0})) == 0
        run.close()

    assert in_child(work) == 0
    run.close()
    assert len(os.listdir(repo.layout.runs / FIRST)) == 3
    assert values_of(pending(repo.layout), "loss") == [3.0, 2.0, 1.0]
    assert values_of(pending(repo.layout), "val") == [7.0]


def test_a_process_forked_while_a_thread_logs_does_not_hang(repo) -> None:
    run = begin(repo.layout)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            run.points(1, START_MS, {"thread": 1.0})

    thread = threading.Thread(target=work)
    thread.start()
    try:
        codes = [in_child(lambda: run.points(2, START_MS, {"child": 1.0})) for _ in range(20)]
    finally:
        stop.set()
        thread.join()
    run.close()
    assert codes == [0] * 20
    assert values_of(pending(repo.layout), "child") == [1.0] * 20


# no room


def test_a_full_disk_is_told_and_leaves_no_torn_frame(repo) -> None:
    run = begin(repo.layout)
    run.points(0, START_MS, {"loss": 0.0})
    room = log_of(repo.layout).stat().st_size + 10
    with no_room_beyond(room):
        for _ in range(2):
            with pytest.raises(StateError, match="cannot be recorded"):
                run.points(1, START_MS, {"loss": 1.0})
        with pytest.raises(StateError, match="cannot be recorded"):
            run.points(1, START_MS, {"new": 1.0})
        with pytest.raises(StateError, match="cannot be recorded"):
            run.note(Tags({"a": "b"}))
    run.points(2, START_MS, {"loss": 2.0, "new": 3.0})
    run.close()
    content = read_log(log_of(repo.layout))
    assert content.sound_nbytes == content.nbytes
    assert values_of(pending(repo.layout), "loss") == [0.0, 2.0]
    assert values_of(pending(repo.layout), "new") == [3.0]


def test_a_run_that_finds_no_room_to_begin_is_not_there(repo) -> None:
    with no_room_beyond(40), pytest.raises(StateError, match="cannot be recorded"):
        begin(repo.layout)
    assert list_pending(repo.layout) == ()
    begin(repo.layout).close()
    assert len(list_pending(repo.layout)) == 1


def test_what_a_command_prints_is_kept_as_it_comes(repo) -> None:
    run = begin(repo.layout)
    stream = run.stream("stdout")
    stream.append(b"epoch 1\n")
    stream.append(b"\xff\x00")
    stream.close()
    assert (run.folder / "stdout").read_bytes() == b"epoch 1\n\xff\x00"
    run.close()


def test_an_ended_log_is_read_only(repo) -> None:
    finished(repo.layout)
    assert log_of(repo.layout).stat().st_mode & 0o222 == 0
