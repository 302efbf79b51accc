"""Who last changed each tensor of a file, or the file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from modelhub.catalog.blame import Blamed, has_folder, read_blame
from modelhub.catalog.opening import open_current_with
from modelhub.catalog.revisions import resolve
from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.porcelain.taken_runs import makers
from modelhub.repository.objects import Commit, Run
from modelhub.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class BlameResult:
    """A file of a commit, and for each tensor in file order, or for a plain file once, the commit that changed it."""

    path: str
    commit: str
    lines: tuple[Blamed, ...]


def blame(repo: Repository, *, path: str, tensor: str | None = None, revision: str = "HEAD") -> BlameResult:
    """Return the commits, and runs, that gave a file its present tensors, or with `tensor` those of that one.

    How far it moved is told where it was measured before; nothing is compared for it. Raises RefNotFound, PathNotFound
    for a file or tensor that is not there, InvalidInputError for a folder.
    """
    commit = resolve(repo, revision)
    with open_current_with(repo, commit) as connection:
        lines = read_blame(connection, commit, path)
        if lines is None and has_folder(connection, commit, path):
            raise InvalidInputError(f"'{path or '.'}' is a folder", hint="'mh ls' lists what is in it")
    if lines is None:
        raise PathNotFound(f"'{path}' is not in '{revision}'", hint=f"'mh ls {revision}' lists its files")
    chosen = lines if tensor is None else _only(lines, tensor, path)
    runs = {line.commit: _run(repo, line.commit, path) for line in chosen}
    return BlameResult(path, commit, tuple(replace(line, run=runs[line.commit]) for line in chosen))


def _run(repo: Repository, commit: str, path: str) -> str | None:
    """Return the run of a version that wrote the file last; else, where one run alone made the version, that one."""
    runs = makers(repo.get(oid, Run) for oid in repo.get(commit, Commit).runs)
    wrote = [run for run in runs if any(usage.path == path for usage in run.outputs)]
    if wrote:
        return wrote[-1].id
    return runs[0].id if len(runs) == 1 and not runs[0].outputs else None


def _only(lines: list[Blamed], tensor: str, path: str) -> list[Blamed]:
    import difflib

    found = [line for line in lines if line.tensor == tensor]
    if not found:
        names = [line.tensor for line in lines if line.tensor is not None]
        near = difflib.get_close_matches(tensor, names, n=1)
        known = f"'mh blame {path}' lists its tensors" if names else "no tensors are known of that file"
        hint = f"did you mean '{near[0]}'?" if near else known
        raise PathNotFound(f"there is no tensor '{tensor}' in '{path}'", hint=hint)
    return found
