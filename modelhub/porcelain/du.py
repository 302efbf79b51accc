"""Explain where the bytes are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from modelhub.porcelain.taken_runs import mark_pending
from modelhub.repository.forgotten import forgotten_versions
from modelhub.repository.objects import Commit
from modelhub.repository.reachable import Needs, current_commits, with_bases
from modelhub.repository.repository import Repository
from modelhub.repository.trees import read_files


@dataclass(frozen=True, slots=True)
class VersionUsage:
    """One version: the bytes of its files, of those no parent has, and what the store would be rid of without it.

    Of a forgotten one only the files count that are still kept: those without a manifest.
    """

    commit: str
    summary: str
    time: int
    raw_nbytes: int
    new_nbytes: int
    only_here_nbytes: int
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class DuResult:
    """Bytes: `raw` is all files of all versions, `unique` each of their objects once, `stored` what the disk holds.

    raw - saved_by_sharing = unique; unique - saved_by_deltas - saved_by_compression + bases + overhead + runs +
    unreachable = stored. `bases` is what no version has itself and deltas build on, `runs` what only runs hold, and the
    lists of packages.
    """

    raw_nbytes: int
    unique_nbytes: int
    stored_nbytes: int
    saved_by_sharing: int
    saved_by_deltas: int
    saved_by_compression: int
    bases_nbytes: int
    overhead_nbytes: int
    runs_nbytes: int
    unreachable_nbytes: int
    objects: int
    deltas: int
    versions: tuple[VersionUsage, ...]


def du(repo: Repository) -> DuResult:
    """Return where the bytes are. Cost: every tree and manifest of the history is read once."""
    commits = current_commits(repo)
    marks = forgotten_versions(repo).keys()
    needs, bones = Needs(repo), Needs(repo, contents=False)
    of = {oid: bones if oid in marks else needs for oid in commits}
    bases: dict[str, tuple[str, ...]] = {}
    per_commit = {oid: with_bases(repo, of[oid].of_commit(oid), known=bases) for oid in commits}
    uses = Counter(oid for objects in per_commit.values() for oid in objects)
    ordered = sorted(commits.items(), key=lambda item: (item[1].time, item[0]), reverse=True)
    own = {oid: [item for item in objects if uses[item] == 1] for oid, objects in per_commit.items()}
    versions = tuple(_usage(repo, oid, commit, own[oid], forgotten=oid in marks) for oid, commit in ordered)
    raw = sum(version.raw_nbytes for version in versions)
    records = [item for oid, made in repo.operations() for item in (oid, made.forgotten) if item is not None]
    pending: set[str] = set()
    mark_pending(repo, needs, pending)
    wanted = {*uses, *records, *with_bases(repo, pending, known=bases)}
    live = [oid for oid in wanted if repo.store.contains(oid)]
    infos = [repo.store.info(oid) for oid in live]
    trees = {item for oid, commit in commits.items() for item in of[oid].of_tree(commit.tree)}
    in_files = with_bases(repo, trees, known=bases)
    blobs = [info for info in infos if info.kind == "blob"]
    contents = [info for info in blobs if info.oid in trees]
    deltas = [info for info in contents if info.base is not None]
    unique = sum(info.size for info in contents)
    by_deltas = sum(info.size - info.stored_nbytes for info in deltas)
    by_compression = sum(info.size - info.stored_nbytes for info in contents if info.base is None)
    stored = sum(repo.store.info(oid).stored_nbytes for oid in repo.store.ids())
    dead = stored - sum(info.stored_nbytes for info in infos)
    return DuResult(
        raw_nbytes=raw,
        unique_nbytes=unique,
        stored_nbytes=stored,
        saved_by_sharing=raw - unique,
        saved_by_deltas=by_deltas,
        saved_by_compression=by_compression,
        bases_nbytes=sum(info.stored_nbytes for info in blobs if info.oid in in_files - trees),
        overhead_nbytes=sum(info.stored_nbytes for info in infos if info.kind != "blob"),
        runs_nbytes=sum(info.stored_nbytes for info in blobs if info.oid not in in_files),
        unreachable_nbytes=dead,
        objects=len(infos),
        deltas=len(deltas),
        versions=versions,
    )


def _usage(repo: Repository, oid: str, commit: Commit, own: list[str], *, forgotten: bool) -> VersionUsage:
    listed = read_files(repo, commit.tree)
    files = {path: entry for path, entry in listed.items() if not forgotten or entry.manifest is None}
    known = {entry.oid for parent in commit.parents for entry in read_files(repo, repo.commit_tree(parent)).values()}
    return VersionUsage(
        commit=oid,
        summary=commit.message.partition("\n")[0],
        time=commit.time,
        raw_nbytes=sum(entry.size for entry in files.values()),
        new_nbytes=sum(entry.size for entry in files.values() if entry.oid not in known),
        only_here_nbytes=sum(repo.store.info(item).stored_nbytes for item in own if repo.store.contains(item)),
        forgotten=forgotten,
    )
