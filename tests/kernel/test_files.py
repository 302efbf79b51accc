from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from modelhub import files
from modelhub.errors import AlreadyExistsError, LockHeld, UnsafePath


def test_an_unfinished_temporary_file_vanishes(tmp_path: Path) -> None:
    with files.TempFile(tmp_path) as temp:
        temp.write(b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_part_is_overwritten_in_place_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    files.overwrite_part(tmp_path / "file", 3, b"abc")
    assert (tmp_path / "file").read_bytes() == b"012abc6789"
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="link"):
        files.overwrite_part(tmp_path / "link", 0, b"x")
    with pytest.raises(FileNotFoundError):
        files.overwrite_part(tmp_path / "none", 0, b"x")


def test_publishing_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "final").write_bytes(b"old")
    with pytest.raises(AlreadyExistsError), files.TempFile(tmp_path) as temp:
        temp.write(b"new")
        temp.publish(tmp_path / "final")
    assert (tmp_path / "final").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_a_published_file_is_read_only(tmp_path: Path) -> None:
    with files.TempFile(tmp_path) as temp:
        temp.write(b"new")
        temp.publish(tmp_path / "final")
    assert stat.S_IMODE((tmp_path / "final").stat().st_mode) == 0o444


def test_replacing_leaves_old_or_new(tmp_path: Path) -> None:
    (tmp_path / "final").write_bytes(b"old")
    files.write_atomic(tmp_path / "final", b"new", scratch=tmp_path)
    assert (tmp_path / "final").read_bytes() == b"new"


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    with files.TempFile(tmp_path) as temp:
        temp.write(b"0123456789")
        assert temp.read_at(0, 100) == b"0123456789"


def test_a_failed_fsync_drops_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input"), files.TempFile(tmp_path) as temp:
        temp.write(b"x")
        temp.publish(tmp_path / "final")
    assert list(tmp_path.iterdir()) == []


def _work(tmp_path: Path) -> files.WorkFolder:
    (tmp_path / "root").mkdir()
    (tmp_path / "scratch").mkdir()
    return files.WorkFolder(tmp_path / "root", tmp_path / "scratch")


def test_work_files_are_written_with_their_mode(tmp_path: Path) -> None:
    work = _work(tmp_path)
    work.write("a/b.sh", iter([b"x", b"y"]), executable=True, check=lambda: None)
    assert (tmp_path / "root/a/b.sh").read_bytes() == b"xy"
    assert stat.S_IMODE((tmp_path / "root/a/b.sh").stat().st_mode) == 0o755


def test_nothing_is_written_where_the_check_fails(tmp_path: Path) -> None:
    work = _work(tmp_path)

    def check() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        work.write("a", iter([b"x"]), executable=False, check=check)
    assert list((tmp_path / "root").iterdir()) == []
    assert list((tmp_path / "scratch").iterdir()) == []


def test_writing_through_a_link_is_refused(tmp_path: Path) -> None:
    work = _work(tmp_path)
    (tmp_path / "outside").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path / "outside")
    with pytest.raises(UnsafePath):
        work.write("link/f", iter([b"x"]), executable=False, check=lambda: None)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    work = _work(tmp_path)
    (tmp_path / "outside").write_bytes(b"keep")
    (tmp_path / "root/f").symlink_to(tmp_path / "outside")
    work.write("f", iter([b"new"]), executable=False, check=lambda: None)
    assert (tmp_path / "outside").read_bytes() == b"keep"
    assert (tmp_path / "root/f").read_bytes() == b"new"
    assert not (tmp_path / "root/f").is_symlink()


def test_deleting_takes_empty_folders_along(tmp_path: Path) -> None:
    work = _work(tmp_path)
    work.write("a/b/c", iter([b""]), executable=False, check=lambda: None)
    work.write("a/d", iter([b""]), executable=False, check=lambda: None)
    work.delete("a/b/c")
    assert sorted(path.name for path in (tmp_path / "root/a").iterdir()) == ["d"]
    work.delete("a/b/c")


HOLDER = """
import sys, time
from pathlib import Path
from modelhub.files import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_is_held_against_others_and_freed_by_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockHeld), files.writer_lock(path, wait=False):
            pass
        holder.kill()
        holder.wait()
    with files.writer_lock(path, wait=False):
        pass


def test_what_is_appended_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    log = files.AppendFile(tmp_path / "log")
    log.append(b"first")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            log.append(b"second")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.append(b"third")
    log.close()
    log.close()
    assert (tmp_path / "log").read_bytes() == b"firstthird"


def test_a_file_to_append_to_is_new_or_goes_on(tmp_path: Path) -> None:
    files.AppendFile(tmp_path / "log").close()
    with pytest.raises(FileExistsError):
        files.AppendFile(tmp_path / "log")
    again = files.AppendFile(tmp_path / "log", new=False)
    assert not again.is_deleted
    files.remove(tmp_path / "log")
    assert again.is_deleted
    again.close()


def test_a_folder_is_removed_with_all_in_it_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    (tmp_path / "run" / "inner").mkdir(parents=True)
    (tmp_path / "run" / "link").symlink_to(tmp_path / "kept")
    files.remove_tree(tmp_path / "run")
    files.remove_tree(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "file").exists()
