"""Mark versions as forgotten, and take the marks off again. Design: docs/design/010-forgetting.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from modelhub.catalog.ingest import catch_up
from modelhub.errors import IntegrityError, ObjectNotFound, StateError
from modelhub.repository.forgotten import Forgetting, encode_forgotten, forgotten_in, forgotten_versions
from modelhub.repository.objects import Operation
from modelhub.repository.reachable import Needs, with_bases
from modelhub.repository.refs import Refs
from modelhub.repository.repository import Act, Repository


def mark_forgotten(repo: Repository, act: Act, commits: Iterable[str]) -> None:
    """Record one operation that marks versions as forgotten. For the holder of the writer lock.

    Marks of versions that gc has taken whole are dropped on the way. Raises StateError where a ref names one of them.
    """
    refs = repo.refs
    wanted = frozenset(commits)
    for commit in sorted(wanted & refs.held()):
        raise StateError(
            f"version {commit[:10]} is {' and '.join(refs.names_of(commit)) or 'HEAD'}: it cannot be forgotten",
            hint="delete the branch or the tag first",
        )
    known = {oid: mark for oid, mark in forgotten_versions(repo).items() if repo.kind_of(oid) == "commit"}
    added = dict.fromkeys(wanted - known.keys(), Forgetting(act.author, act.time, act.offset))
    with repo.store.writer() as writer:
        marked = replace(refs, forgotten=writer.put(encode_forgotten(known | added)))
        repo.record(act, marked, writer=writer)
    catch_up(repo)


def changed_marks(
    repo: Repository, before: Operation, after: Operation
) -> tuple[dict[str, Forgetting], frozenset[str]]:
    """Return the versions that an operation marked as forgotten, and those it took the mark from."""
    if before.forgotten == after.forgotten:
        return {}, frozenset()
    old, new = _list(repo, before.forgotten), _list(repo, after.forgotten)
    return {oid: mark for oid, mark in new.items() if oid not in old}, frozenset(old.keys() - new.keys())


def remembered_again(repo: Repository, refs: Refs, operation: Operation, before: Operation) -> str | None:
    """Return the list of forgotten versions as `refs` has it, without what an operation changed in it.

    Puts the list into the store where it is a new one. Raises StateError where gc has deleted what a version that is
    remembered again needs.
    """
    forgot, remembered = changed_marks(repo, before, operation)
    now = forgotten_in(repo, refs.forgotten)
    back = _list(repo, before.forgotten)
    marks = {oid: mark for oid, mark in now.items() if oid not in forgot}
    marks |= {oid: back[oid] for oid in remembered if repo.kind_of(oid) == "commit"}
    if marks == now:
        return refs.forgotten
    _require_contents(repo, sorted(now.keys() - marks.keys()))
    if not marks:
        return None
    with repo.store.writer() as writer:
        oid = writer.put(encode_forgotten(marks))
        writer.publish()
    return oid


def _list(repo: Repository, oid: str | None) -> Mapping[str, Forgetting]:
    try:
        return forgotten_in(repo, oid)
    except (ObjectNotFound, IntegrityError):  # fsck tells of it; the refs of that operation are known all the same
        return {}


def _require_contents(repo: Repository, commits: Iterable[str]) -> None:
    needs = Needs(repo)
    for commit in commits:
        if not all(map(repo.store.contains, with_bases(repo, needs.of_commit(commit)))):
            raise StateError(
                f"the weights of version {commit[:10]} are gone: gc has deleted them",
                hint="this cannot be undone any more; 'mh undo OPERATION' takes back an earlier one",
            )
