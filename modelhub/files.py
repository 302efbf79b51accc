"""The only module that touches the disk for writing: atomic files, fsync in the right order, deletion, the lock.

The order that makes a new file survive power loss: write to a temporary file, fsync it, give it its final name,
fsync the folder; for a folder just made, fsync its parent too, up to the first that was there before.
A failed fsync is final: the temporary file is dropped and the error goes up, since the kernel may have marked the
pages clean.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from modelhub.errors import AlreadyExistsError, LockHeld, UnsafePath

Bytes = bytes | bytearray | memoryview

WRITEBACK_NBYTES = 1 << 23
DOOMED = ".gone"
"""The suffix of a folder on its way out."""


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Make a folder and its missing parents, each durable before this returns."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder)
    sync_folder(folder.parent)


def write_all(descriptor: int, data: Bytes) -> None:
    """Write all of the data, however short the single writes are."""
    view = memoryview(data).cast("B") if not isinstance(data, bytes) else memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class TempFile:
    """A file under construction in `folder`; it vanishes unless it is published or put in another's place.

    Use as a context manager. `publish` and `replace` make it durable under its final name. With `ahead` a large file
    goes to the disk while it is being written.
    """

    def __init__(self, folder: Path, *, mode: int = 0o444, ahead: bool = False) -> None:
        self.path = folder / f"{os.getpid()}-{os.urandom(8).hex()}.tmp"
        self.size = 0
        self._mode = mode
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._finished = False
        self._writeback = _Writeback(self._descriptor) if ahead else None

    def write(self, data: Bytes) -> None:
        """Append bytes."""
        write_all(self._descriptor, data)
        self.size += len(data)
        if self._writeback is not None:
            self._writeback.follow(self.size)

    def read_at(self, offset: int, nbytes: int) -> bytes:
        """Read back what was written."""
        return os.pread(self._descriptor, nbytes, offset)

    def settle_mode(self) -> None:
        """Give the file its final mode."""
        os.fchmod(self._descriptor, self._mode)

    def sync(self) -> None:
        """Make the content durable, with its final mode."""
        self.settle_mode()
        if self._writeback is not None:
            self._writeback.finish()
        os.fsync(self._descriptor)

    def publish(self, final: Path) -> None:
        """Give the file its final name, never overwriting: raises AlreadyExistsError where something is there."""
        self.sync()
        link_new(self.path, final)
        os.unlink(self.path)
        self._finished = True
        sync_folder(final.parent)

    def replace(self, final: Path) -> None:
        """Put the file in the place of `final` in one step, whether it exists or not."""
        self.sync()
        os.replace(self.path, final)
        self._finished = True
        sync_folder(final.parent)

    def __enter__(self) -> TempFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writeback is not None:
            with contextlib.suppress(OSError):
                self._writeback.finish()
        os.close(self._descriptor)
        if not self._finished:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)


class _Writeback:
    """Brings a growing file to the disk while it is still being written, so that the last fsync finds little to do."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._started_at = 0
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def follow(self, size: int) -> None:
        """Start the next stretch where enough was written and none is on its way."""
        if size - self._started_at >= WRITEBACK_NBYTES and (self._thread is None or not self._thread.is_alive()):
            self._started_at = size
            self._thread = threading.Thread(target=self._sync, daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait for what was started. Raises the error of any of it: a failed sync is final."""
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _sync(self) -> None:
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._error = error


class AppendFile:
    """A file that only grows: what one `append` writes is there as a whole or not at all. Any thread may append.

    What was appended outlives the process at once, and a loss of power after `sync`.
    """

    def __init__(self, path: Path, *, new: bool = True) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_CREAT | (os.O_EXCL if new else 0)
        self._descriptor = os.open(path, flags, 0o644)
        self._size = os.fstat(self._descriptor).st_size
        self._lock = threading.RLock()
        self._torn = False
        self._syncing: threading.Thread | None = None

    @property
    def is_deleted(self) -> bool:
        """Tell whether the file has no name any more, so that nobody will ever read it."""
        return os.fstat(self._descriptor).st_nlink == 0

    def append(self, data: bytes) -> None:
        """Write at the end. Raises OSError, and then nothing of the data is there."""
        with self._lock:
            if self._torn:
                self._cut()
            try:
                written = os.write(self._descriptor, data)
                if written < len(data):
                    write_all(self._descriptor, memoryview(data)[written:])
                self._size += len(data)
            except BaseException:
                self._torn = True
                with contextlib.suppress(OSError):
                    self._cut()
                raise

    def sync(self) -> None:
        """Make durable what was appended."""
        os.fsync(self._descriptor)

    def sync_behind(self) -> None:
        """Start to make durable what was appended, and do not wait for it."""
        if self._syncing is None or not self._syncing.is_alive():
            self._syncing = threading.Thread(target=self._sync_quietly, daemon=True)
            self._syncing.start()

    def end(self) -> None:
        """Make the file durable and read-only: the sign that nothing more will come."""
        os.fchmod(self._descriptor, 0o444)
        self.sync()

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        if self._syncing is not None:
            self._syncing.join()
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def leave_to_parent(self) -> None:
        """Let go of the file in a process just forked, where other threads' locks are held for ever."""
        self._lock = threading.RLock()
        self._syncing = None
        self.close()

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self._size)
        self._torn = False

    def _sync_quietly(self) -> None:
        with contextlib.suppress(OSError):
            os.fdatasync(self._descriptor)


def link_new(source: Path, final: Path) -> None:
    """Give `source` a second name that must not exist yet; where hard links are refused, move it by the same rule."""
    try:
        os.link(source, final)
    except FileExistsError:
        raise AlreadyExistsError(f"{final.name} is there already") from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        if final.exists():
            raise AlreadyExistsError(f"{final.name} is there already") from None
        os.rename(source, final)
        os.close(os.open(source, os.O_CREAT | os.O_CLOEXEC, 0o600))


def write_atomic(final: Path, data: Bytes, *, scratch: Path, mode: int = 0o644) -> None:
    """Replace a file's content in one durable step. `scratch` is a folder on the same file system."""
    with TempFile(scratch, mode=mode) as temp:
        temp.write(data)
        temp.replace(final)


def overwrite_part(path: Path, offset: int, data: Bytes) -> None:
    """Write over bytes of a file that is nobody else's, as one in a temporary folder; it is not made durable."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def make_private_file(path: Path) -> None:
    """Make an empty file that only its owner may read, and the folders it is in; one that is there stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def remove(path: Path) -> None:
    """Delete a file; one that is gone already is no error."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_folder_if_empty(folder: Path) -> bool:
    """Delete a folder that has nothing in it; tell whether it went."""
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


def remove_tree(folder: Path) -> None:
    """Delete a folder with all that is in it, in one step for whoever looks at its name. Follows no link."""
    import shutil

    doomed = folder if folder.suffix == DOOMED else folder.with_name(f"{folder.name}-{os.urandom(4).hex()}{DOOMED}")
    with contextlib.suppress(FileNotFoundError):
        if doomed != folder:
            os.rename(folder, doomed)
            sync_folder(folder.parent)
        shutil.rmtree(doomed)


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make an empty folder where the system keeps temporary files, and delete it with all that is in it at the end."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_scratch(folder: Path) -> None:
    """Delete what killed processes left in a scratch folder. Only for the holder of the writer lock."""
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if entry.is_file(follow_symlinks=False):
                remove(Path(entry.path))


class WorkFolder:
    """Writes into a person's folder without ever following a link out of it.

    Every step down is opened relative to the step above with O_NOFOLLOW; files are written beside their final place
    or in `scratch` and renamed over it, so a reader sees the old file or the new one.
    """

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        self.scratch = scratch

    def write(
        self, path: str, blocks: Iterator[Bytes], *, executable: bool, check: Callable[[], None]
    ) -> os.stat_result:
        """Write a file from blocks; `check` runs after the last block and before the file gets its name.

        Returns the stat of the file in its place. Raises UnsafePath where a parent is a link.
        """
        with (
            self._parent(path, create=True) as folder,
            TempFile(self.scratch, mode=0o755 if executable else 0o644, ahead=True) as temp,
        ):
            for block in blocks:
                temp.write(block)
            check()
            temp.settle_mode()
            name = path.rsplit("/", 1)[-1]
            self._rename_in(temp, name, folder)
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def write_link(self, path: str, target: str) -> None:
        """Make a symbolic link, in the place of whatever file is there."""
        with self._parent(path, create=True) as folder:
            name = path.rsplit("/", 1)[-1]
            temporary = f".mh-{os.urandom(8).hex()}.tmp"
            os.symlink(target, temporary, dir_fd=folder)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)

    def delete(self, path: str) -> None:
        """Delete a file and the folders that are empty without it. Where there is no such file, nothing happens."""
        name = path.rsplit("/", 1)[-1]
        try:
            with self._parent(path, create=False) as folder:
                if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    return
                os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            pass
        except UnsafePath:
            return
        parent = (self.root / path).parent
        while parent != self.root and remove_folder_if_empty(parent):
            parent = parent.parent

    def sync(self, folders: set[str]) -> None:
        """Make the names in these folders (relative to the root) durable."""
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):
                sync_folder(self.root / folder)

    @staticmethod
    def _rename_in(temp: TempFile, name: str, folder: int) -> None:
        try:
            os.rename(temp.path, name, dst_dir_fd=folder)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            beside = f".mh-{os.urandom(8).hex()}.tmp"
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
            try:
                for offset in range(0, temp.size, 1 << 22):
                    write_all(descriptor, temp.read_at(offset, 1 << 22))
                os.fchmod(descriptor, stat.S_IMODE(os.stat(temp.path).st_mode))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)

    @contextlib.contextmanager
    def _parent(self, path: str, *, create: bool) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in path.split("/")[:-1]:
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=descriptor)
                try:
                    below = os.open(part, flags, dir_fd=descriptor)
                except OSError as error:
                    if error.errno in (errno.ELOOP, errno.ENOTDIR):
                        raise UnsafePath(
                            f"'{path}' cannot be written: '{part}' is not a folder",
                            hint="move that file or link away, then try again",
                        ) from None
                    raise
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def writer_lock(path: Path, *, wait: bool = True, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the one writer lock; the kernel frees it when the process dies.

    `waiting` is called once when another process holds it. With `wait=False` that raises LockHeld instead.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise LockHeld("another mh is writing to this repository", hint="try again when it has finished") from None
        if waiting is not None:
            waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
