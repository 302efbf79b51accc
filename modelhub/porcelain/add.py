"""Stage changes: put their content into the store and name it in the index."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from modelhub.catalog.facts import remember_facts
from modelhub.catalog.ingest import catch_up
from modelhub.porcelain.recording import Recorder
from modelhub.progress import SILENT, Progress
from modelhub.repository.index import write_index
from modelhub.repository.repository import Repository
from modelhub.repository.status import FileChange


class AddResult(Struct, frozen=True):
    """What was staged. Sizes in bytes: of the files, and of what the store grew by."""

    added: tuple[FileChange, ...]
    unchanged: int
    new_nbytes: int
    stored_nbytes: int
    tensors_new: int
    tensors_shared: int
    warnings: tuple[str, ...]


def add(
    repo: Repository,
    *,
    paths: Sequence[str],
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> AddResult:
    """Stage every change below the paths ('' is the whole folder); durable when it returns."""
    with repo.writing(waiting=waiting), repo.store.writer() as writer:
        recorded = Recorder(repo, writer, progress).record(paths)
        published = writer.publish()
        write_index(repo.layout, recorded.entries)
        if recorded.facts:
            catch_up(repo)
            remember_facts(repo, recorded.facts)
    return AddResult(
        added=recorded.changes,
        unchanged=recorded.unchanged,
        new_nbytes=recorded.raw_nbytes,
        stored_nbytes=published.stored_nbytes,
        tensors_new=len(recorded.facts),
        tensors_shared=recorded.tensors_shared,
        warnings=recorded.warnings,
    )
