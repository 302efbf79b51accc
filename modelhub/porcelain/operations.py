"""What happened to the refs, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from modelhub.errors import InvalidInputError, RefNotFound, StateError
from modelhub.oid import is_prefix
from modelhub.porcelain.forgetting import changed_marks, remembered_again
from modelhub.porcelain.moving import head_files, move
from modelhub.porcelain.taken_runs import move_refs
from modelhub.progress import SILENT, Progress
from modelhub.repository.objects import Operation, Person
from modelhub.repository.refs import Refs, describe
from modelhub.repository.repository import Act, Repository

ONLY_REFS = frozenset({"commit", "branch", "tag", "reset", "import", "keep"})
"""Commands that change refs but no file of the folder, so their undoing leaves it too.

`reset --hard` is none of them; what `import` wrote into an empty folder stays there.
"""


@dataclass(frozen=True, slots=True)
class RefChange:
    """A ref, or HEAD, before and after; None where it did not exist."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class OperationInfo:
    """One change of refs. `time` is unix milliseconds UTC, `undoes` the operation that this one took back.

    `forgot` counts the versions that it marked as forgotten, `remembered` those it took the mark from.
    """

    oid: str
    sequence: int
    author: Person
    time: int
    offset: int
    command: str
    changes: tuple[RefChange, ...]
    undoes: str | None
    forgot: int = 0
    remembered: int = 0


@dataclass(frozen=True, slots=True)
class UndoResult:
    """The operation that was taken back, and the files changed in the folder by that."""

    undone: OperationInfo
    written: tuple[str, ...]
    deleted: tuple[str, ...]


def operation_log(repo: Repository, limit: int | None = None) -> tuple[OperationInfo, ...]:
    """Return the operations, newest first."""
    found: list[OperationInfo] = []
    for oid, operation in repo.operations():
        if limit is not None and len(found) >= limit:
            break
        found.append(_info(repo, oid, operation))
    return tuple(found)


def undo(
    repo: Repository,
    *,
    act: Act,
    operation: str | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> UndoResult:
    """Take back the newest operation that is not taken back yet, or the given one; that is an operation of its own.

    Every ref the operation changed gets its value from before. A commit's files stay in the folder, as staged changes.
    Raises StateError where there is nothing to undo, a later operation changed the same ref, or gc has taken what it
    would bring back.
    """
    with repo.writing(waiting=waiting):
        oid, found = _newest_in_effect(repo) if operation is None else _named(repo, operation)
        if found.previous is None:
            raise StateError("nothing is left to undo", hint="'mh op log' shows what happened")
        refs = repo.refs
        before = repo.get(found.previous, Operation)
        restored = replace(_reverted(refs, found, before), forgotten=remembered_again(repo, refs, found, before))
        if restored == refs:
            raise StateError("nothing of that operation is in effect any more", hint="see 'mh op log'")
        _require_commits(repo, refs, restored)
        info = _info(repo, oid, found)
        if _keeps_folder(repo, found) or head_files(repo, refs) == head_files(repo, restored):
            move_refs(repo, act, restored, undoes=oid)
            return UndoResult(info, (), ())
        report = move(repo, act, restored, force=force, progress=progress, undoes=oid)
        return UndoResult(info, report.written, report.deleted)


def _keeps_folder(repo: Repository, operation: Operation) -> bool:
    """Taking an undo back concerns the folder as little as what it undid."""
    while operation.undoes is not None:
        operation = repo.get(operation.undoes, Operation)
    words = operation.command.split(" ")
    return words[0] in ONLY_REFS and "--hard" not in words


def _newest_in_effect(repo: Repository) -> tuple[str, Operation]:
    undone: set[str] = set()
    for oid, operation in repo.operations():
        if oid in undone:  # an undo that was itself taken back took nothing back
            continue
        if operation.undoes is None:
            return oid, operation
        undone.add(operation.undoes)
    raise StateError("nothing is left to undo", hint="'mh op log' shows what happened")


def _named(repo: Repository, wanted: str) -> tuple[str, Operation]:
    if not is_prefix(wanted):
        raise InvalidInputError(f"'{wanted}' is no operation's id", hint="'mh op log' lists them")
    found = [(oid, operation) for oid, operation in repo.operations() if oid.startswith(wanted)]
    if not found:
        raise RefNotFound(f"there is no operation '{wanted}'", hint="'mh op log' lists them")
    if len(found) > 1:
        raise InvalidInputError(f"'{wanted}' is the beginning of {len(found)} operations", hint="give more digits")
    return found[0]


def _reverted(now: Refs, operation: Operation, before: Operation) -> Refs:
    table = dict(now.table)
    for name in operation.refs.keys() | before.refs.keys():
        old, new = before.refs.get(name), operation.refs.get(name)
        if old == new:
            continue
        if table.get(name) != new:
            raise StateError(
                f"'{name.split('/', 2)[2]}' was changed again since", hint="undo the later operation first: 'mh op log'"
            )
        if old is None:
            table.pop(name, None)
        else:
            table[name] = old
    head = before.head if operation.head != before.head and now.head == operation.head else now.head
    if head in now.table and head not in table and before.head != head:
        raise StateError(f"{describe(head)} is checked out", hint="switch to another branch first")
    return replace(now, head=head, table=table)


def _require_commits(repo: Repository, now: Refs, restored: Refs) -> None:
    kept = {*now.table.values(), now.head_commit}
    for commit in {*restored.table.values(), restored.head_commit} - kept:
        if commit is not None and repo.kind_of(commit) != "commit":
            raise StateError(f"commit {commit[:10]} is gone: gc has deleted it", hint="this cannot be undone any more")


def _info(repo: Repository, oid: str, operation: Operation) -> OperationInfo:
    before = Operation(None, 0, operation.author, 0, 0, "", "", {})
    if operation.previous is not None:
        before = repo.get(operation.previous, Operation)
    names = sorted(operation.refs.keys() | before.refs.keys())
    changes = [RefChange(name, before.refs.get(name), operation.refs.get(name)) for name in names]
    changes.insert(0, RefChange("HEAD", before.head or None, operation.head))
    forgot, remembered = changed_marks(repo, before, operation)
    return OperationInfo(
        oid=oid,
        sequence=operation.sequence,
        author=operation.author,
        time=operation.time,
        offset=operation.offset,
        command=operation.command,
        changes=tuple(change for change in changes if change.old != change.new),
        undoes=operation.undoes,
        forgot=len(forgot),
        remembered=len(remembered),
    )
