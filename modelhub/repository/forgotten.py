"""The versions whose weights nobody needs any more: who said so, and when. Design: docs/design/010-forgetting.md."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from modelhub.errors import IntegrityError, ModelHubError, VersionForgotten
from modelhub.repository.objects import Person
from modelhub.repository.reachable import Needs
from modelhub.repository.refs import Refs
from modelhub.repository.repository import Repository


class Forgetting(msgspec.Struct, frozen=True):
    """Who forgot a version, and when: unix milliseconds UTC, `offset` minutes east."""

    author: Person
    time: int
    offset: int


class ForgottenList(msgspec.Struct, frozen=True):
    """What the blob holds that an operation names as `forgotten`: commits by id."""

    versions: dict[str, Forgetting]


def encode_forgotten(versions: Mapping[str, Forgetting]) -> bytes:
    """Return the canonical bytes of the list."""
    return msgspec.json.encode(ForgottenList(dict(versions)), order="sorted")


def decode_forgotten(data: bytes, oid: str) -> dict[str, Forgetting]:
    """Return the versions a list names. Raises IntegrityError where the bytes are not of that form."""
    try:
        return msgspec.json.decode(data, type=ForgottenList).versions
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"the list of forgotten versions {oid[:12]} cannot be understood: {error}") from None


def forgotten_versions(repository: Repository) -> dict[str, Forgetting]:
    """Return the versions whose weights need not be kept. Raises ObjectNotFound or IntegrityError."""
    return forgotten_in(repository, repository.refs.forgotten)


def forgotten_in(repository: Repository, oid: str | None) -> dict[str, Forgetting]:
    """Return what one list of forgotten versions names; none for None. Raises as `forgotten_versions`."""
    return {} if oid is None else decode_forgotten(repository.store.read(oid), oid)


def require_remembered(repository: Repository, refs: Refs) -> None:
    """Raise VersionForgotten where one of these refs, or HEAD, would name a version that they say is forgotten."""
    forgotten = forgotten_in(repository, refs.forgotten)
    for commit in sorted(refs.held() & forgotten.keys()):
        raise version_forgotten(commit, forgotten[commit], gone=False)


def version_forgotten(commit: str, forgetting: Forgetting, *, gone: bool) -> VersionForgotten:
    """Return the error for a version that is asked for after it was forgotten; `gone`: gc has deleted its weights."""
    day = _day(forgetting.time, forgetting.offset)
    state = "its weights and large files are gone" if gone else "'mh gc' deletes its weights and large files"
    return VersionForgotten(
        f"version {commit[:10]} was forgotten on {day} by {forgetting.author.name}: {state}",
        hint="its message, params, metrics, code and small files are still there"
        if gone
        else "'mh op log' names the operation that 'mh undo' takes back",
    )


def _day(time: int, offset: int) -> str:
    try:
        return (datetime.fromtimestamp(time / 1000, UTC) + timedelta(minutes=offset)).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return "an unknown day"


class ForgottenObjects:
    """Says of an object that is not there which forgotten version it was part of; for one process.

    Cost: the first question reads the trees and manifests of every forgotten version."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._owners: dict[str, str] | None = None
        self._versions: dict[str, Forgetting] = {}
        self._is_asking = False

    def error(self, oid: str) -> VersionForgotten | None:
        """Return the error to raise, None where no forgotten version had the object."""
        if self._is_asking:  # reading the history itself came upon something that is missing
            return None
        if self._owners is None:
            self._is_asking = True
            try:
                self._owners = self._read()
            finally:
                self._is_asking = False
        commit = self._owners.get(oid)
        return None if commit is None else version_forgotten(commit, self._versions[commit], gone=True)

    def _read(self) -> dict[str, str]:
        owners: dict[str, str] = {}
        with contextlib.suppress(ModelHubError):
            self._versions = forgotten_versions(self._repository)
        needs = Needs(self._repository)
        newest_last = sorted(self._versions, key=lambda oid: (self._versions[oid].time, oid))
        for commit in newest_last:
            owners |= dict.fromkeys(needs.of_commit(commit), commit)
        return owners
