"""Say of objects that nothing needs what they once were: which commit, which file, which tensor."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from modelhub.errors import ModelHubError
from modelhub.repository.content import read_manifest
from modelhub.repository.objects import Commit, Entry, LiteralSegment, Run, TensorSegment
from modelhub.repository.repository import Repository
from modelhub.repository.trees import read_files


@dataclass(frozen=True, slots=True)
class GoneObject:
    """An object that nothing needs. `days_left` of grace, 0.0 where it goes now.

    `was` says what it was in the first lost commit that has it, empty where it was staged only.
    """

    oid: str
    kind: str
    stored_nbytes: int
    days_left: float
    was: str


def describe(repo: Repository, oids: Collection[str]) -> dict[str, str]:
    """Return what each of these objects was. Cost: reads every commit, tree and manifest among them."""
    found: dict[str, str] = {}
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
            for path, entry in read_files(repo, commit.tree).items():
                for part, name in _parts(repo, path, entry):
                    if part in oids:
                        found.setdefault(part, f"{name} in {oid[:10]}")
    return found


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
