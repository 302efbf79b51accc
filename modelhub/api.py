"""The Python interface: `import modelhub as mh; repo = mh.open()`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelhub.porcelain.init import init as _init
from modelhub.repository.repository import Act
from modelhub.repository.repository import Repository as _Repository

if TYPE_CHECKING:
    from modelhub.catalog.history import LogEntry
    from modelhub.catalog.query.result import QueryResult
    from modelhub.porcelain.commit import CommitResult
    from modelhub.porcelain.diff import DiffResult
    from modelhub.porcelain.load import LoadedFile
    from modelhub.porcelain.moving import CheckoutResult
    from modelhub.porcelain.status import StatusResult
    from modelhub.repository.objects import ParamValue


def open(folder: str | os.PathLike[str] = ".") -> Repo:
    """Open the repository at a folder or above it. Raises RepositoryNotFound, FormatError."""
    return Repo(_Repository.find(Path(folder).absolute()))


def init(folder: str | os.PathLike[str] = ".", *, branch: str = "main") -> Repo:
    """Make a repository in a folder, or open the one that is there."""
    root = Path(folder).absolute()
    _init(root, act=_act(None, "init"), branch=branch)
    return open(root)


class Repo:
    """One repository. Every method takes revisions as the command line does (`HEAD~2`, a branch, a tag, an id)."""

    def __init__(self, repository: _Repository) -> None:
        self._repository = repository

    @property
    def root(self) -> Path:
        """The folder that is versioned."""
        return self._repository.layout.root

    def commit(
        self,
        message: str,
        *,
        params: Mapping[str, ParamValue] | None = None,
        metrics: Mapping[str, float] | None = None,
        from_: str | Mapping[str, str] | None = None,
        paths: Sequence[str] = (),
        strict: bool | None = None,
    ) -> CommitResult:
        """Record a version; with nothing staged and no paths, every change in the folder.

        `from_` names what it was made from: "v1:model.safetensors", or a mapping from such places to relations.
        Raises StateError where nothing changed, LintFailed where `strict` (default: the setting `commit.strict`) and
        the weights have warnings.
        """
        from modelhub.porcelain.commit import CommitFacts, DeriveSpec, commit
        from modelhub.porcelain.config import is_set

        if strict is None:
            strict = is_set(self._repository, Path.home(), "commit.strict")
        sources = {from_: "fine-tune"} if isinstance(from_, str) else dict(from_ or {})
        facts = CommitFacts(
            params=params or {},
            metrics=metrics or {},
            derive=tuple(DeriveSpec(source, relation) for source, relation in sources.items()),
        )
        act = _act(self._repository, f"commit -m {message}")
        return commit(self._repository, act=act, message=message, facts=facts, paths=paths, strict=strict)

    def status(self) -> StatusResult:
        """Compare the last commit, the index and the folder."""
        from modelhub.porcelain.status import status

        return status(self._repository)

    def log(self, revision: str = "HEAD", *, limit: int | None = None) -> Iterator[LogEntry]:
        """Yield the commits a revision descends from, newest first."""
        from modelhub.porcelain.log import log

        return log(self._repository, revision=revision, limit=limit)

    def diff(self, before: str | None = None, after: str | None = None) -> DiffResult:
        """Compare two revisions, or a revision (default: what is staged) with the folder."""
        from modelhub.porcelain.diff import diff

        return diff(self._repository, before=before, after=after)

    def query(self, sql: str, *, limit: int | None = 10_000, timeout_s: float = 10.0, **params: object) -> QueryResult:
        """Ask the catalog in SQL; `:name` in the text takes the keyword's value. Raises QuerySyntaxError."""
        from modelhub.porcelain.query import query

        return query(self._repository, sql=sql, params=params, limit=limit, timeout_s=timeout_s)

    def load(self, place: str) -> LoadedFile:
        """Open the file `REV:PATH` as a lazy mapping from tensor names to arrays; reads only what is asked for."""
        from modelhub.porcelain.cat import find_file
        from modelhub.porcelain.load import LoadedFile

        return LoadedFile(self._repository, find_file(self._repository, place))

    def read(self, place: str) -> bytes:
        """Return the bytes of the file `REV:PATH`, verified."""
        from modelhub.porcelain.cat import cat

        return b"".join(cat(self._repository, place=place))

    def checkout(self, revision: str, *, force: bool = False) -> CheckoutResult:
        """Bring the folder to another version. Raises DirtyTree where unsaved work would be overwritten."""
        from modelhub.porcelain.checkout import checkout

        act = _act(self._repository, f"checkout {revision}")
        return checkout(self._repository, act=act, revision=revision, force=force)

    def __repr__(self) -> str:
        return f"<modelhub repository {str(self.root)!r}>"


def _act(repository: _Repository | None, command: str) -> Act:
    from modelhub.porcelain.identity import identify

    now = time.time()
    offset = time.localtime(now).tm_gmtoff // 60
    return Act(identify(repository, os.environ, Path.home()), int(now * 1000), offset, command)
