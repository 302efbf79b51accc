"""One repository: its store, its operations, and the one way its refs change."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from modelhub import files
from modelhub.errors import IntegrityError, ObjectNotFound, RefNotFound, StateError
from modelhub.oid import oid_of
from modelhub.repository.layout import FORMAT, FormatFile, Layout, check_format, find_layout
from modelhub.repository.objects import KIND_OF, Commit, Operation, Person, Run, T, Tree, decode, encode
from modelhub.repository.refs import BRANCHES, Refs

if TYPE_CHECKING:
    from modelhub.repository.forgotten import ForgottenObjects
    from modelhub.store.object_info import PublishResult
    from modelhub.store.object_store import ObjectStore
    from modelhub.store.object_writer import ObjectWriter

FIRST_BRANCH = "main"


class Pointer(msgspec.Struct, frozen=True):
    """What `.mh/head` holds: the newest operation, and a check against damage of this small file."""

    operation: str
    sequence: int
    check: str


class Act(Struct, frozen=True):
    """Who does something, when (unix milliseconds UTC, minutes east), by which command."""

    author: Person
    time: int
    offset: int
    command: str


class Repository:
    """A repository on disk. Reading takes no lock; every change happens inside `writing()`."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._forgotten_objects: ForgottenObjects | None = None

    @classmethod
    def find(cls, start: Path) -> Repository:
        """Return the repository at `start` or above. Raises RepositoryNotFound or FormatError."""
        return cls(find_layout(start))

    @classmethod
    def create(cls, root: Path, act: Act, *, branch: str = FIRST_BRANCH) -> Repository:
        """Make an empty repository in a folder, durable before this returns; completes one that was cut short."""
        from modelhub.store.object_store import ObjectStore

        layout = Layout(root)
        files.make_folders(layout.scratch)
        with files.writer_lock(layout.lock):
            ObjectStore.create(layout.objects)
            repository = cls(layout)
            if not layout.head.exists():
                repository.record(act, Refs(BRANCHES + branch, {}))
            repository.write_format()
        return repository

    @cached_property
    def store(self) -> ObjectStore:
        """The object store."""
        from modelhub.store.object_store import ObjectStore

        return ObjectStore(self.layout.objects, self.layout.scratch, absent=self._absent)

    @contextlib.contextmanager
    def writing(self, *, wait: bool = True, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the writer lock. `waiting` is called once where another process has it.

        Raises StateError where the repository cannot be written, LockHeld with `wait=False`.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(files.writer_lock(self.layout.lock, wait=wait, waiting=waiting))
                files.clear_scratch(self.layout.scratch)
            except OSError as error:
                raise StateError(
                    f"the repository cannot be written: {error.strerror}",
                    hint=f"check the rights on '{self.layout.folder}'",
                ) from None
            yield

    def pointer(self) -> Pointer:
        """Return the pointer to the newest operation. Raises IntegrityError where the file is damaged."""
        try:
            pointer = msgspec.json.decode(self.layout.head.read_bytes(), type=Pointer)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            pointer = None
        if pointer is None or pointer.check != _check(pointer.operation, pointer.sequence):
            raise IntegrityError(
                f"'{self.layout.head}' is damaged: the newest operation is not known",
                hint="'mh fsck --repair' finds it among the stored operations",
            )
        return pointer

    def operation(self) -> Operation:
        """Return the newest operation."""
        return self.get(self.pointer().operation, Operation)

    def operations(self) -> Iterator[tuple[str, Operation]]:
        """Yield every operation with its id, newest first."""
        oid: str | None = self.pointer().operation
        while oid is not None:
            operation = self.get(oid, Operation)
            yield oid, operation
            oid = operation.previous

    @property
    def refs(self) -> Refs:
        """The refs as they are now."""
        operation = self.operation()
        return Refs(operation.head, operation.refs, operation.forgotten)

    def get(self, oid: str, kind: type[T]) -> T:
        """Return a structured object. Raises ObjectNotFound or IntegrityError."""
        return decode(self.store.read(oid, KIND_OF[kind]), kind, oid)

    def head_commit(self) -> str:
        """Return HEAD's commit. Raises RefNotFound before the first commit."""
        commit = self.refs.head_commit
        if commit is None:
            raise RefNotFound("there is no commit yet", hint="'mh commit -m MESSAGE' makes the first")
        return commit

    def commit_tree(self, commit: str | None) -> str | None:
        """Return the tree of a commit; None for no commit."""
        return None if commit is None else self.get(commit, Commit).tree

    def record(
        self,
        act: Act,
        refs: Refs,
        *,
        writer: ObjectWriter | None = None,
        prepare: Callable[[], object] | None = None,
        undoes: str | None = None,
    ) -> PublishResult:
        """Make a change of refs happen: write the operation, publish the writer's objects, `prepare`, move the pointer.

        Only for the holder of the writer lock. All is durable when this returns what was published. `prepare` is for
        what must hold once the refs have moved and may hold before, such as the index of a new commit.
        """
        if self.layout.format.exists() and check_format(self.layout) < FORMAT:
            self.write_format()
        previous = self.pointer() if self.layout.head.exists() else None
        operation = Operation(
            previous=previous.operation if previous else None,
            sequence=previous.sequence + 1 if previous else 0,
            author=act.author,
            time=act.time,
            offset=act.offset,
            command=act.command,
            head=refs.head,
            refs=refs.table,
            undoes=undoes,
            forgotten=refs.forgotten,
        )
        with contextlib.ExitStack() as stack:
            if writer is None:
                writer = stack.enter_context(self.store.writer())
            oid = put(writer, operation)
            published = writer.publish()
        if prepare is not None:
            prepare()
        self.point_at(oid, operation.sequence)
        return published

    def point_at(self, operation: str, sequence: int) -> None:
        """Make an operation the newest one. Only for the holder of the writer lock."""
        pointer = Pointer(operation, sequence, _check(operation, sequence))
        content = msgspec.json.encode(pointer, order="sorted")
        files.write_atomic(self.layout.head, content, scratch=self.layout.scratch)

    def write_format(self) -> None:
        """Note the present format, which keeps older programs out. Only for the holder of the writer lock."""
        content = msgspec.json.encode(FormatFile(format=FORMAT), order="sorted")
        files.write_atomic(self.layout.format, content, scratch=self.layout.scratch)

    def kind_of(self, oid: str) -> str | None:
        """Return the kind of a stored object, None where there is none."""
        try:
            return self.store.info(oid).kind
        except ObjectNotFound:
            return None

    def _absent(self, oid: str) -> ObjectNotFound | None:
        from modelhub.repository.forgotten import ForgottenObjects

        if self._forgotten_objects is None:
            self._forgotten_objects = ForgottenObjects(self)
        return self._forgotten_objects.error(oid)


def put(writer: ObjectWriter, record: Commit | Operation | Run | Tree) -> str:
    """Add a structured object to a writer and return its id."""
    return writer.put(encode(record), KIND_OF[type(record)])


def _check(operation: str, sequence: int) -> str:
    return oid_of(f"{sequence} {operation}".encode())[:16]
