"""Params and metrics of several versions side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelhub.catalog.opening import open_current_with
from modelhub.catalog.versions import Value, Version, read_version
from modelhub.errors import InvalidInputError
from modelhub.repository.repository import Repository
from modelhub.repository.revision import resolve


@dataclass(frozen=True, slots=True)
class ComparedVersion:
    """One version: the revision as it was asked for and the commit that it names."""

    revision: str
    commit: str
    summary: str
    time: int


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """A `param` or `metric` and its value in each version, None where it is not recorded."""

    kind: str
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class CompareResult:
    """The versions as asked for and the rows, params first, each in the order of names; `equal` counts rows left out.

    Which value of a metric is better is not known, so none is marked.
    """

    versions: tuple[ComparedVersion, ...]
    rows: tuple[ComparedValue, ...]
    equal: int


def compare(repo: Repository, *, revisions: Sequence[str], every: bool = False) -> CompareResult:
    """Return the params and metrics in which two or more revisions differ, with `every` also those they share.

    Raises RefNotFound, InvalidInputError for a single revision.
    """
    if len(revisions) < 2:
        raise InvalidInputError("two versions or more are needed to compare", hint="'mh show REV' shows one")
    oids = [resolve(repo, revision) for revision in revisions]
    versions = [_read(repo, oid) for oid in oids]
    rows = [
        *_rows("param", [version.params for version in versions]),
        *_rows("metric", [version.metrics for version in versions]),
    ]
    shown = [row for row in rows if every or differs(row.values)]
    named = tuple(
        ComparedVersion(revision, version.commit, version.summary, version.time)
        for revision, version in zip(revisions, versions, strict=True)
    )
    return CompareResult(named, tuple(shown), len(rows) - len(shown))


def differs(values: Sequence[Value]) -> bool:
    """Tell whether values are not all the same: NaN is as NaN, a number is not as a text or a truth value."""
    return len({_sameness(value) for value in values}) > 1


def _sameness(value: Value) -> tuple[str, Value]:
    if isinstance(value, float) and value != value:
        return "nan", None
    return ("truth" if isinstance(value, bool) else "", value)


def _read(repo: Repository, oid: str) -> Version:
    with open_current_with(repo, oid) as connection:
        return read_version(connection, oid)


def _rows(kind: str, found: Sequence[Mapping[str, Value]]) -> Iterator[ComparedValue]:
    for name in sorted({name for values in found for name in values}):
        yield ComparedValue(kind, name, tuple(values.get(name) for values in found))
