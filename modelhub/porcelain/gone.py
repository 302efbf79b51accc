"""Say of objects that nothing needs what they once were: which commit, which file, which tensor."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from modelhub.errors import ModelHubError
from modelhub.repository.content import read_manifest
from modelhub.repository.objects import Commit, Entry, LiteralSegment, Run, TensorSegment
from modelhub.repository.repository import Repository
from modelhub.repository.trees import read_files


@dataclass(frozen=True, slots=True)
class GoneObject:
    """An object that nothing needs. `days_left` of grace, 0.0 where it goes now.

    `was` says what it was in the first lost or forgotten commit that has it, empty where it was staged only.
    """

    oid: str
    kind: str
    stored_nbytes: int
    days_left: float
    was: str


def describe(repo: Repository, oids: Collection[str], forgotten: Iterable[str] = ()) -> dict[str, str]:
    """Return what each of these objects was, in a commit among them or a forgotten one.

    Cost: reads every commit, tree and manifest of those.
    """
    found: dict[str, str] = {}
    for oid in forgotten if oids else ():
        with contextlib.suppress(ModelHubError):
            _describe_files(repo, oid, repo.get(oid, Commit), oids, found)
    for oid in oids:
        kind = repo.kind_of(oid)
        if kind == "run":
            with contextlib.suppress(ModelHubError):
                found[oid] = f"run {repo.get(oid, Run).name}"
        if kind != "commit":
            continue
        with contextlib.suppress(ModelHubError):
            commit = repo.get(oid, Commit)
            found[oid] = commit.message.partition("\n")[0]
            _describe_files(repo, oid, commit, oids, found)
    return found


def _describe_files(repo: Repository, oid: str, commit: Commit, oids: Collection[str], found: dict[str, str]) -> None:
    for path, entry in read_files(repo, commit.tree).items():
        for part, name in _parts(repo, path, entry):
            if part in oids:
                found.setdefault(part, f"{name} in {oid[:10]}")


def _parts(repo: Repository, path: str, entry: Entry) -> Iterator[tuple[str, str]]:
    manifest = read_manifest(repo, entry)
    if manifest is None:
        yield entry.oid, path
        return
    yield entry.manifest or "", path
    for segment in manifest.segments:
        if isinstance(segment, TensorSegment):
            yield segment.oid, f"{path}: {segment.name}"
        elif not isinstance(segment, LiteralSegment):
            yield segment.oid, path
