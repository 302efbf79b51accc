"""What waits for the next version is listed, whatever else lies in the folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from contracts.logged_run import FIRST, GONE, begin, finished, log_of, pending, start
from contracts.project import START_MS

from modelhub.errors import FormatError, InvalidInputError, NotFoundError, StateError
from modelhub.oid import oid_of
from modelhub.repository.layout import Layout
from modelhub.repository.objects import Usage
from modelhub.runs.frames import NOTE, frame, log_head
from modelhub.runs.live import LiveRun
from modelhub.runs.notes import Output, Tags, encode_note
from modelhub.runs.pending import (
    damaged_runs,
    find_run,
    fold_pending,
    is_going,
    list_pending,
    pending_points,
    points_of,
    read_pending,
    signature,
    torn_runs,
)
from modelhub.runs.seal import release, seal

SECOND = "00000000000000b2"


@contextmanager
def as_somebody() -> Iterator[None]:
    """Act without the rights of root, where the tests have them."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_without_runs_nothing_is_pending(repo) -> None:
    assert list_pending(repo.layout) == ()
    assert signature(repo.layout) == ""
    assert damaged_runs(repo.layout) == {}
    repo.layout.runs.mkdir()
    assert signature(repo.layout) == ""


def test_runs_are_listed_in_the_order_they_began(repo) -> None:
    finished(repo.layout, FIRST, time=START_MS + 5000)
    finished(repo.layout, SECOND, time=START_MS)
    assert [run.id for run in list_pending(repo.layout)] == [SECOND, FIRST]


def test_what_is_no_run_is_passed_by(repo) -> None:
    finished(repo.layout)
    runs = repo.layout.runs
    (runs / "notes.txt").write_text("x")
    (runs / "00000000000000c3").write_text("a file with a run's name")
    (runs / "backup").mkdir()
    (runs / "00000000000000d4").mkdir()
    (runs / "00000000000000e5").symlink_to(runs / FIRST)
    (runs / FIRST / "log-of-mine").write_text("x")
    (runs / FIRST / "plots").mkdir()
    assert [run.id for run in list_pending(repo.layout)] == [FIRST]
    assert damaged_runs(repo.layout) == {}
    assert read_pending(repo, pending(repo.layout)).status == "finished"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        log_head(),
        b"something else altogether",
        log_head() + b"\x05\0\0\0garbage",
        log_head() + frame(NOTE, encode_note(Tags({}))),
        log_head() + frame(NOTE, encode_note(start(SECOND))),
        log_head() + frame(NOTE, encode_note(start(FIRST)))[:-1],
        log_head()[:8] + b"\x09" + log_head()[9:],
    ],
)
def test_a_log_without_a_readable_start_is_left_to_fsck(repo, content: bytes) -> None:
    finished(repo.layout, SECOND)
    (repo.layout.runs / FIRST).mkdir()
    log_of(repo.layout).write_bytes(content)
    assert [run.id for run in list_pending(repo.layout)] == [SECOND]
    assert set(damaged_runs(repo.layout)) == {FIRST}


def test_a_further_log_of_another_kind_is_left_to_fsck(repo) -> None:
    run = begin(repo.layout)
    (run.folder / "log-12-abcdef").write_text("something else altogether")
    assert list_pending(repo.layout) == ()
    assert "not the log" in damaged_runs(repo.layout)[FIRST]
    run.close()


def test_a_further_log_cut_short_costs_only_itself(repo) -> None:
    run = begin(repo.layout)
    (run.folder / "log-12-abcdef").write_bytes(log_head()[:5])
    (run.folder / "log-13-abcdef").write_bytes(b"")
    run.points(1, START_MS, {"loss": 1.0})
    assert [one.last for one in read_pending(repo, pending(repo.layout)).series] == [1.0]
    run.close()


def test_a_log_that_breaks_off_is_told_once_the_run_is_over(repo) -> None:
    finished(repo.layout, SECOND)
    run = begin(repo.layout, owner=GONE)
    run.points(1, START_MS, {"loss": 1.0})
    run.close()
    with log_of(repo.layout).open("ab") as log:
        log.write(b"torn")
    assert torn_runs(repo.layout) == {}, "it may be going on, on the other machine"
    hour_ago = START_MS / 1000
    os.utime(log_of(repo.layout), (hour_ago, hour_ago))
    assert set(torn_runs(repo.layout)) == {FIRST}
    assert "last 4 bytes" in torn_runs(repo.layout)[FIRST]
    assert read_pending(repo, pending(repo.layout)).status == "interrupted"


def test_a_run_is_found_by_the_beginning_of_its_id(repo) -> None:
    finished(repo.layout, FIRST)
    finished(repo.layout, SECOND)
    assert find_run(repo, FIRST[:15]).id == FIRST
    with pytest.raises(InvalidInputError, match="2 runs"):
        find_run(repo, "0000")
    for prefix in ("ff", ""):
        with pytest.raises(NotFoundError):
            find_run(repo, prefix)


def test_the_signature_changes_with_every_event(repo) -> None:
    seen = [signature(repo.layout)]

    def changed() -> None:
        seen.append(signature(repo.layout))
        assert seen[-1] not in seen[:-1]
        assert signature(repo.layout) == seen[-1]

    run = begin(repo.layout)
    changed()
    run.points(1, START_MS, {"loss": 1.0})
    changed()
    joined = LiveRun.join(repo.layout, FIRST)
    changed()
    joined.points(1, START_MS, {"loss": 1.0})
    changed()
    joined.close()
    run.close()
    finished(repo.layout, SECOND)
    changed()
    with repo.store.writer() as writer:
        oid, _ = seal(repo, writer, pending(repo.layout, SECOND))
        writer.publish()
    release(repo.layout, SECOND, oid)
    changed()


def test_points_of_a_sealed_run_are_those_of_its_log(repo) -> None:
    logged = finished(repo.layout, points=100)
    before = pending_points(repo, FIRST)
    with repo.store.writer() as writer:
        oid, run = seal(repo, writer, logged)
        writer.publish()
    release(repo.layout, FIRST, oid)
    assert pending(repo.layout).sealed == oid
    for found in (pending_points(repo, FIRST), points_of(repo, run)):
        assert found.keys() == before.keys()
        for name, columns in found.items():
            assert all((got == wanted).all() for got, wanted in zip(columns, before[name], strict=True))
    assert not is_going(pending(repo.layout))
    assert read_pending(repo, pending(repo.layout)) == run


@pytest.mark.parametrize("text", [b"", b"not an id\n", b"\xff" * 100])
def test_a_released_run_that_names_no_object_is_damaged(repo, text: bytes) -> None:
    (repo.layout.runs / FIRST).mkdir(parents=True)
    (repo.layout.runs / FIRST / "object").write_bytes(text)
    assert list_pending(repo.layout) == ()
    assert "names no object" in damaged_runs(repo.layout)[FIRST]


def test_a_log_that_vanished_since_it_was_listed_is_told(repo) -> None:
    found = finished(repo.layout)
    shutil.rmtree(found.folder)
    with pytest.raises((StateError, FormatError)):
        fold_pending(found)


def test_folders_that_may_not_be_read_are_told(open_folder: Path) -> None:
    layout = Layout(open_folder)
    begin(layout).close()
    folder = layout.runs / FIRST
    folder.chmod(0)
    with as_somebody():
        assert list_pending(layout) == ()
        assert "cannot be read" in damaged_runs(layout)[FIRST]
    folder.chmod(0o755)
    log_of(layout).chmod(0)
    with as_somebody():
        assert list_pending(layout) == ()
        assert "cannot be read" in damaged_runs(layout)[FIRST]
    layout.runs.chmod(0)
    with as_somebody(), pytest.raises(StateError, match="the runs cannot be read"):
        list_pending(layout)
    layout.runs.chmod(0o755)


def test_in_a_repository_that_may_not_be_written_a_run_cannot_begin(open_folder: Path) -> None:
    layout = Layout(open_folder)
    finished(layout)
    layout.runs.chmod(0o555)
    with as_somebody():
        with pytest.raises(StateError, match="cannot be recorded"):
            begin(layout, SECOND)
        (layout.runs / FIRST).chmod(0o555) if os.geteuid() == layout.runs.stat().st_uid else None
        with pytest.raises(StateError, match="cannot be recorded"):
            LiveRun.join(layout, FIRST)
        assert [run.id for run in list_pending(layout)] == [FIRST]
    layout.runs.chmod(0o755)
    (layout.runs / FIRST).chmod(0o755)


def test_the_output_noted_last_is_the_last_and_the_main_log_has_the_last_word(repo) -> None:
    def usage(text: str) -> Usage:
        return Usage("model.pt", oid_of(text.encode()), len(text))

    run = begin(repo.layout)
    worker = LiveRun.join(repo.layout, FIRST)
    for text in ("a", "b", "a"):
        run.note(Output(usage(text)))
    worker.note(Output(usage("c")))
    found = read_pending(repo, pending(repo.layout))
    assert found.outputs == (usage("c"), usage("b"), usage("a"))
    worker.note(Output(usage("a")))
    assert read_pending(repo, pending(repo.layout)).outputs == (usage("c"), usage("b"), usage("a"))
    run.close()
    worker.close()
