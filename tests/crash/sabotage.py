"""Broken versions of modelhub, to show that the sweep notices: each takes away one thing that the safety rests on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from modelhub import files
from modelhub.repository.objects import Operation
from modelhub.repository.refs import Refs
from modelhub.repository.repository import Act, Repository, put
from modelhub.store.object_info import PublishResult
from modelhub.store.object_writer import ObjectWriter
from modelhub.store.pack.writer import PackWriter
from modelhub.store.packs import Packs


def pointer_before_objects() -> None:
    """Move the pointer first and publish what it names afterwards."""

    def record(
        self: Repository,
        act: Act,
        refs: Refs,
        *,
        writer=None,
        prepare=None,
        undoes: str | None = None,  # type: ignore[no-untyped-def]
    ) -> object:
        previous = self.pointer()
        operation = Operation(
            previous.operation, previous.sequence + 1, act.author, act.time, act.offset, act.command, refs.head,
            refs.table, undoes,
        )  # fmt: skip
        with self.store.writer() as own:
            chosen = writer or own
            oid = put(chosen, operation)
            if prepare is not None:
                prepare()
            self.point_at(oid, operation.sequence)
            return chosen.publish()

    Repository.record = record  # type: ignore[assignment, method-assign]


def pointer_written_in_place() -> None:
    """Write small files where they lie instead of beside."""

    def write_atomic(final: Path, data: files.Bytes, *, scratch: Path, mode: int = 0o644) -> None:
        descriptor = os.open(final, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        files.write_all(descriptor, data)
        os.fsync(descriptor)
        os.close(descriptor)

    files.write_atomic = write_atomic


def deletes_before_it_rewrites() -> None:
    """Let gc drop the packs that it gathers before the new one is there."""
    publish = PackWriter.publish

    def late(self: PackWriter, folder: Path) -> tuple[str, int]:
        for reader in Packs(folder):
            if all(self.entry(row.oid.hex()) for row in reader.index.rows()):
                os.unlink(reader.path)
        return publish(self, folder)

    PackWriter.publish = late  # type: ignore[method-assign]


def drops_before_it_replaces() -> None:
    """Let repack drop the copies that it replaces before the new ones are there."""
    publish_parts = ObjectWriter.publish_parts

    def late(self: ObjectWriter) -> Iterator[PublishResult]:
        self._store.delete(set(self._replacing))
        return publish_parts(self)

    ObjectWriter.publish_parts = late  # type: ignore[method-assign]


def publishes_all_phases_at_once() -> None:
    """Let repack put all its phases into one part."""
    ObjectWriter.begin_part = lambda self: None  # type: ignore[method-assign]


SABOTAGES: dict[str, Callable[[], None]] = {
    "pointer-first": pointer_before_objects,
    "in-place": pointer_written_in_place,
    "delete-first": deletes_before_it_rewrites,
    "drop-first": drops_before_it_replaces,
    "one-phase": publishes_all_phases_at_once,
}
