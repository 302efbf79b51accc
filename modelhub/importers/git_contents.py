"""Store the contents of a git history: each once, streamed, in batches that become durable one after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from types import TracebackType

from modelhub import files
from modelhub.catalog.facts import remember_facts
from modelhub.errors import StateError
from modelhub.importers import import_notes
from modelhub.importers.git_objects import GitObjects
from modelhub.importers.import_notes import ImportNotes
from modelhub.importers.kept_files import POINTER_NBYTES, KeepingTool, KeptFile
from modelhub.porcelain.nearest import NearestTensors
from modelhub.progress import Progress
from modelhub.repository.names import stays_inside
from modelhub.repository.objects import Commit, Entry, Manifest, Mode, Tree, decode
from modelhub.repository.recent import Recent
from modelhub.repository.repository import Repository, put
from modelhub.repository.snapshot import Snapshotter
from modelhub.repository.tensor_keeper import KnownTensors, TensorFact, TensorKeeper
from modelhub.repository.worktree import open_for_reading

BATCH_NBYTES = 1 << 30
BATCH_OBJECTS = 20_000
MOST_LINK_NBYTES = 4096
MOST_ENTRIES = 500_000


@dataclass(slots=True)
class Tally:
    """What was read and stored; `kept` counts what git did not have itself."""

    files: int = 0
    models: int = 0
    kept: int = 0
    read_nbytes: int = 0
    stored_nbytes: int = 0


class GitContents:
    """Records file contents and structured objects. A context manager; `flush` makes durable what was recorded.

    `bases` are the trees of the versions before the one that is being recorded: their tensors are what deltas build on.
    """

    def __init__(
        self, repo: Repository, objects: GitObjects, tool: KeepingTool, notes: ImportNotes, *,
        strict: bool, progress: Progress,
    ) -> None:  # fmt: skip
        self._repo = repo
        self._objects = objects
        self._tool = tool
        self._notes = notes
        self._strict = strict
        self._progress = progress
        self._nearest = NearestTensors(repo)
        self._known: dict[tuple[str, str], Entry | None] = {}
        self._trees = Recent(self._read_tree, MOST_ENTRIES)
        self._batch = contextlib.ExitStack()
        self._facts: list[TensorFact] = []
        self._pending_nbytes, self._pending_objects = 0, 0
        self.bases: Sequence[str] = ()
        self.tally = Tally()

    def __enter__(self) -> GitContents:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._batch.close()
        self._nearest.close()

    def flush(self) -> None:
        """Make everything durable that was recorded so far."""
        self.tally.stored_nbytes += self._writer.publish().stored_nbytes
        self._batch.close()
        remember_facts(self._repo, self._facts)
        self._begin()

    def flush_if_large(self) -> None:
        """Make a batch durable once there is enough of it."""
        if self._pending_nbytes >= BATCH_NBYTES or self._pending_objects >= BATCH_OBJECTS:
            self.flush()

    def learn(self, key: str, path: str, entry: Entry) -> None:
        """Take over how something was recorded by an earlier import."""
        self._known.setdefault(_key(key, path, entry.mode), entry)

    def put(self, record: Tree | Commit) -> str:
        """Store a tree or a commit."""
        self._pending_objects += 1
        return put(self._writer, record)

    def entries(self, tree: str) -> dict[str, Entry]:
        """Return the entries of a tree that was recorded, now or before; not to be changed."""
        return self._trees(tree)

    def files_below(self, tree: str, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """Yield every file below a tree with its path."""
        for name, entry in self.entries(tree).items():
            if entry.mode == "tree":
                yield from self.files_below(entry.oid, f"{prefix}{name}/")
            else:
                yield prefix + name, entry

    def at(self, tree: str, path: str) -> Entry | None:
        """Return what is at a path of a tree, None where nothing is."""
        entry: Entry | None = Entry("tree", tree, 0)
        for part in path.split("/"):
            entry = self.entries(entry.oid).get(part) if entry is not None and entry.mode == "tree" else None
        return entry

    def blob(self, sha: str, path: str, mode: Mode) -> Entry | None:
        """Record a file of git, or what it stands for; None where it cannot be recorded."""
        key = _key(sha, path, mode)
        if key not in self._known:
            self._known[key] = self._link(sha, path) if mode == "link" else self._file(sha, path)
        return _with_mode(self._known[key], mode)

    def kept(self, file: KeptFile, path: str) -> Entry | None:
        """Record a file that the tool keeps; None where it is missing or damaged.

        Raises StateError then where the import is strict, or where the file changes meanwhile.
        """
        key = _key(file.key, path, "file")
        if key not in self._known:
            self._known[key] = self._read_kept(file, path)
        return _with_mode(self._known[key], file.mode)

    def _read_tree(self, oid: str) -> dict[str, Entry]:
        return decode(self._writer.read(oid, "tree"), Tree, oid).entries

    def _begin(self) -> None:
        self._batch = contextlib.ExitStack()
        self._writer = self._batch.enter_context(self._repo.store.writer())
        self._facts, self._pending_nbytes, self._pending_objects = [], 0, 0

    def _link(self, sha: str, path: str) -> Entry | None:
        target = b"".join(self._objects.stream(sha))
        if not 0 < len(target) <= MOST_LINK_NBYTES or b"\0" in target:
            self._notes.add(import_notes.LINK, path)
            return None
        if not stays_inside(path, target.decode("utf-8", "surrogateescape")):
            self._notes.add(import_notes.OUTSIDE, path)
        self.tally.files += 1
        return Entry("link", self._writer.put(target), len(target))

    def _file(self, sha: str, path: str) -> Entry:
        """Spool a file of git, unless it is a stand-in for one that lies on the disk."""
        with files.TempFile(self._repo.layout.scratch) as temp:
            for block in self._objects.stream(sha):
                temp.write(block)
            if temp.size < POINTER_NBYTES:
                kept = self._tool.stand_in(temp.read_at(0, temp.size))
                found = None if kept is None else self.kept(kept, path)
                if found is not None:
                    return found
            with open_for_reading(temp.path) as handle:
                return self._record(path, handle)

    def _read_kept(self, file: KeptFile, path: str) -> Entry | None:
        handle = file.open()
        if handle is None:
            reason = import_notes.MISSING if file.place is None else import_notes.DAMAGED
            if self._strict:
                raise StateError(f"the content of '{path}' is {reason}: {file.key}", hint=self._tool.advice)
            self._notes.add(reason, path, file.key)
            return None
        with handle:
            self.tally.kept += 1
            return self._record(path, handle)

    def _record(self, path: str, handle: FileIO) -> Entry:
        keeper = TensorKeeper(self._writer, KnownTensors(self._manifest_before), self._nearest)
        snapshot = Snapshotter(self._repo.layout.root, self._writer, keeper, self._progress).record_open(path, handle)
        self._facts += keeper.facts
        if snapshot.problem is not None:
            self._notes.add(import_notes.PLAIN, path)
        entry = snapshot.entry.entry()
        self.tally.files += 1
        self.tally.models += snapshot.manifest is not None and bool(snapshot.manifest.tensors())
        self.tally.read_nbytes += entry.size
        self._pending_objects += 1
        self._pending_nbytes += entry.size
        return Entry("file", entry.oid, entry.size, entry.manifest)

    def _manifest_before(self, path: str) -> Manifest | None:
        for tree in self.bases:
            entry = self.at(tree, path)
            if entry is not None and entry.manifest is not None:
                return decode(self._writer.read(entry.manifest, "manifest"), Manifest, entry.manifest)
        return None


def _with_mode(entry: Entry | None, mode: Mode) -> Entry | None:
    return None if entry is None else Entry(mode, entry.oid, entry.size, entry.manifest)


def _key(content: str, path: str, mode: Mode) -> tuple[str, str]:
    """A content and the part of its name that a file's format may depend on."""
    name = path.rpartition("/")[2].lower()
    suffix = name[name.rfind(".") :] if "." in name else ""
    return content, "link" if mode == "link" else suffix
