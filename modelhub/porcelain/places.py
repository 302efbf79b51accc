"""What `REV:PATH` and `RUN:PATH` name: files of versions, and files that are kept of runs.

Grammar: docs/reference/revisions.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from modelhub.catalog.revisions import split_step
from modelhub.errors import InvalidInputError, NotFoundError, PathNotFound, RefNotFound, StateError
from modelhub.oid import MIN_PREFIX
from modelhub.repository.names import check_path
from modelhub.repository.objects import Commit, Entry, Run, Usage
from modelhub.repository.repository import Repository
from modelhub.repository.revision import Place, resolve_place
from modelhub.repository.trees import Files, find_entry, read_files

if TYPE_CHECKING:
    from modelhub.porcelain.find_run import FoundRun


class Located(Struct, frozen=True):
    """A version (`commit`), or a run and maybe one of its steps; and a path in it where one was named."""

    text: str
    path: str
    commit: str = ""
    run: FoundRun | None = None
    step: int | None = None

    def files(self, repo: Repository) -> Files:
        """Return all files of the version, or all that are kept of the run."""
        if self.run is None:
            return read_files(repo, repo.commit_tree(self.commit))
        return kept_files(repo, self.run.run, self.step)

    def entry(self, repo: Repository) -> Entry:
        """Return what lies at the path. Of a folder of a run the id is empty. Raises PathNotFound, InvalidInputError.

        Cost: of a version one tree a folder.
        """
        if not self.path:
            raise InvalidInputError(
                f"'{self.text}' names no file", hint="write REV:PATH, such as HEAD:model.safetensors"
            )
        if self.run is None:
            return find_entry(repo, repo.get(self.commit, Commit).tree, self.path)
        files = self.files(repo)
        if self.path in files:
            return files[self.path]
        if any(name.startswith(f"{self.path}/") for name in files):
            return Entry("tree", "", 0)
        raise _not_there(self.run.run, self.path)


def locate(repo: Repository, text: str) -> Located:
    """Return what `REV`, `REV:PATH`, `RUN[@STEP]` or `RUN[@STEP]:PATH` names. Versions come first.

    Raises RefNotFound where it is neither, InvalidInputError where it is several.
    """
    try:
        place = resolve_place(repo, text)
    except RefNotFound as error:
        name, _, path = text.partition(":")
        found = _run_at(repo, name)
        if found is None:
            raise RefNotFound(
                error.message.replace("no branch, tag or commit", "no branch, tag, commit or run"), hint=error.hint
            ) from None
        return Located(text, path.rstrip("/"), run=found[0], step=found[1])
    return Located(text, (place.path or "").rstrip("/"), commit=place.commit)


def files_of(repo: Repository, text: str) -> Files:
    """Return the files of a version, or those that are kept of a run. Raises as `locate`."""
    return locate(repo, text).files(repo)


def find_file(repo: Repository, text: str) -> Entry:
    """Return the file that `REV:PATH` or `RUN:PATH` names. Raises PathNotFound, InvalidInputError for a folder."""
    located = locate(repo, text)
    entry = located.entry(repo)
    if entry.mode == "tree":
        raise InvalidInputError(f"'{located.path}' is a folder", hint="'mh ls' lists what is in it")
    return entry


def kept_files(repo: Repository, run: Run, step: int | None = None) -> Files:
    """Return what is kept of the inputs and outputs of a run by path: of what it wrote again the last, or a step's.

    Raises PathNotFound for a step at which nothing was kept.
    """
    usages = run.outputs if step is not None else (*run.inputs, *run.outputs)
    files: Files = {}
    for usage in usages:
        if usage.kept and step in (None, usage.step):
            _put(repo, files, usage)
    if step is not None and not files:
        steps = sorted({usage.step for usage in run.outputs if usage.step is not None and usage.kept})
        hint = f"its steps: {', '.join(map(str, steps[:10]))}{', …' if len(steps) > 10 else ''}" if steps else None
        raise PathNotFound(f"the run {run.id} kept nothing at step {step}", hint=hint)
    return files


def version_place(repo: Repository, text: str) -> Place:
    """Return the version of what something is made from; of a file of a run one that has the file.

    Raises StateError for a run without a path, and for a file of a run that the version which took it in has not.
    """
    located = locate(repo, text)
    if located.run is None:
        return Place(located.commit, located.path or None)
    run = located.run
    if not located.path:
        version = f": {run.commit[:10]} took it in" if run.commit else ", or a file of it: RUN:PATH"
        raise StateError(f"'{text}' is a run, not a version", hint=f"name a version{version}")
    place = holding_version(repo, run, located.path, located.entry(repo))
    if place is None:
        raise StateError(f"'{text}' is in no version yet", hint=f"commit it first; a run may read it: --input {text}")
    return place


def holding_version(repo: Repository, found: FoundRun, path: str, entry: Entry) -> Place | None:
    """Return where the version that took a run in has a file of the run, at its path or another; None without."""
    if found.commit is None:
        return None
    files = read_files(repo, repo.commit_tree(found.commit))
    same = [name for name, other in files.items() if other.oid == entry.oid]
    return None if not same else Place(found.commit, path if path in same else same[0])


def _run_at(repo: Repository, text: str) -> tuple[FoundRun, int | None] | None:
    from modelhub.porcelain.find_run import find_run

    for name, step in dict.fromkeys(((text, None), split_step(text))):
        try:
            return find_run(repo, name, least=MIN_PREFIX), step
        except NotFoundError:
            continue
        except InvalidInputError:
            if name:
                raise
    return None


def _put(repo: Repository, files: Files, usage: Usage) -> None:
    check_path(usage.path)
    if usage.mode != "tree":
        files[usage.path] = Entry(usage.mode, usage.oid, usage.size, usage.manifest)
        return
    for name in [name for name in files if name.startswith(f"{usage.path}/")]:
        del files[name]
    files |= read_files(repo, usage.oid, f"{usage.path}/")


def _not_there(run: Run, path: str) -> PathNotFound:
    if any(usage.path == path and not usage.kept for usage in (*run.inputs, *run.outputs)):
        return PathNotFound(f"'{path}' of the run {run.id} was hashed and not kept")
    return PathNotFound(f"the run {run.id} has no '{path}'", hint=f"'mh ls {run.id[:10]}' lists what is kept of it")
