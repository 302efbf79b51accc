"""Turns a pending run into a run object with its points and output, and back into a pending one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelhub.errors import StateError
from modelhub.files import DOOMED, make_folders, remove_tree, write_atomic
from modelhub.oid import hasher
from modelhub.repository.layout import Layout
from modelhub.repository.objects import Run
from modelhub.repository.repository import Repository, put
from modelhub.runs.folder import OBJECT
from modelhub.runs.pending import PendingRun, fold_pending, read_sealed
from modelhub.store.item import BYTES

if TYPE_CHECKING:
    from modelhub.runs.points import Columns
    from modelhub.store.object_writer import ObjectWriter

READ_NBYTES = 1 << 22


def seal(repository: Repository, writer: ObjectWriter, pending: PendingRun) -> tuple[str, Run]:
    """Put a run that is over into a writer, with its points and what it printed; return its id and the run.

    The same log always gives the same objects. The folder stays until `discard`. Raises StateError for a run that is
    going on, FormatError where its log cannot be read.
    """
    if pending.sealed:
        return pending.sealed, read_sealed(repository, pending.sealed)
    folded = fold_pending(pending)
    if folded.run.status == "running":
        raise StateError(f"the run {pending.id} is still going on", hint="wait for it, or stop it")
    run = msgspec.structs.replace(
        folded.run,
        stdout=_put_file(writer, pending.folder / "stdout"),
        stderr=_put_file(writer, pending.folder / "stderr"),
    )
    return _put_run(writer, run, folded.series)


def seal_imported(writer: ObjectWriter, run: Run, series: Mapping[str, Columns]) -> str:
    """Put a run that another tool recorded into a writer, with its series; return its id."""
    return _put_run(writer, run, series)[0]


def discard(layout: Layout, pending: PendingRun) -> None:
    """Delete the folder of a run that a version has taken in, or that nobody wants; only for the lock's holder."""
    remove_tree(pending.folder)
    for left in layout.runs.glob(f"*{DOOMED}"):
        remove_tree(left)


def release(layout: Layout, run_id: str, oid: str) -> None:
    """Make a sealed run pending again, as its version was undone; only for the lock's holder."""
    folder = layout.runs / run_id
    make_folders(folder)
    write_atomic(folder / OBJECT, f"{oid}\n".encode(), scratch=layout.scratch)


def _put_run(writer: ObjectWriter, run: Run, series: Mapping[str, Columns]) -> tuple[str, Run]:
    if series:
        from modelhub.runs.points import encode_points

        blob, summaries = encode_points(series)
        if summaries:
            run = msgspec.structs.replace(run, series=summaries, points=writer.put(blob))
    return put(writer, run), run


def _put_file(writer: ObjectWriter, path: Path) -> str | None:
    """Put what a run printed into the writer; None where it printed nothing."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"'{path}' cannot be read: {error.strerror}") from None
    with file:
        digest, size = hasher(), 0
        while block := file.read(READ_NBYTES):
            digest.update(block)
            size += len(block)
        if not size:
            return None

        def read(offset: int, nbytes: int) -> bytes:
            file.seek(offset)
            return file.read(nbytes)

        oid = digest.hexdigest()
        writer.put_stream(oid, size, read, item=BYTES)
        return oid
