"""The Python interface: `import modelhub as mh; repo = mh.open()`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from modelhub.porcelain.init import init as _init
from modelhub.repository.repository import Act
from modelhub.repository.repository import Repository as _Repository

if TYPE_CHECKING:
    from modelhub.catalog.history import LogEntry
    from modelhub.catalog.query.result import QueryResult
    from modelhub.porcelain.commit import CommitResult
    from modelhub.porcelain.diff import DiffResult
    from modelhub.porcelain.export import ExportResult
    from modelhub.porcelain.keep import KeepResult
    from modelhub.porcelain.load import LoadedBounds, LoadedFile
    from modelhub.porcelain.moving import CheckoutResult
    from modelhub.porcelain.repack import RepackResult
    from modelhub.porcelain.status import StatusResult
    from modelhub.porcelain.warm_start import WarmStart
    from modelhub.tracking.training_run import TrainingRun


def open(folder: str | os.PathLike[str] = ".") -> Repo:
    """Open the repository at a folder or above it. Raises RepositoryNotFound, FormatError."""
    return Repo(_Repository.find(Path(folder).absolute()))


def init(folder: str | os.PathLike[str] = ".", *, branch: str = "main") -> Repo:
    """Make a repository in a folder, or open the one that is there."""
    root = Path(folder).absolute()
    _init(root, act=_act(None, "init"), branch=branch)
    return open(root)


def run(
    name: str | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    from_: str | Mapping[str, str] | None = None,
    relation: str = "fine-tune",
    tags: Mapping[str, str] | None = None,
    goals: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] = ".",
    snapshot: bool = True,
) -> TrainingRun:
    """Begin a training run in the repository of a folder; in a script that `mh run` started, join its run.

    The folder is recorded before this returns, unless `snapshot` is False. `from_` names what the model is made from: a
    place, or a mapping from places to relations. Raises RepositoryNotFound, StateError where nothing can be written.
    """
    from modelhub.tracking.beginning import RunSpec
    from modelhub.tracking.python_run import python_run, sources_of
    from modelhub.tracking.values import as_goals, as_params, as_tags, as_title

    spec = RunSpec(
        name=as_title(name),
        params=as_params(params),
        tags=as_tags(tags),
        goals=as_goals(goals),
        sources=sources_of(from_, relation),
        snapshot=snapshot,
    )
    return python_run(Path(folder).absolute(), spec, os.environ, _act)


def load_into(module: object, place: str, *, strict: bool = False, run: TrainingRun | None = None) -> WarmStart:
    """Fill a torch module from a recorded model of the repository here, or of the run; as `Repo.load_into`."""
    here = open() if run is None else Repo(run.files.repository)
    return here.load_into(module, place, strict=strict, run=run)


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
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        from_: str | Mapping[str, str] | None = None,
        measured_on: str = "",
        measured_by: str = "",
        paths: Sequence[str] = (),
        strict: bool | None = None,
    ) -> CommitResult:
        """Record a version; with nothing staged and no paths, every change in the folder.

        `from_` names what it was made from: "v1:model.safetensors", or a mapping from such places to relations.
        `measured_on` and `measured_by` are files or folders of the version: the data and the code of its metrics.

        Raises StateError where nothing changed, LintFailed where `strict` (default: the setting `commit.strict`) and
        the weights have warnings.
        """
        from modelhub.porcelain.commit import commit
        from modelhub.porcelain.commit_facts import CommitFacts
        from modelhub.porcelain.config import is_set
        from modelhub.tracking.python_run import sources_of
        from modelhub.tracking.values import as_metrics, as_params

        if strict is None:
            strict = is_set(self._repository, Path.home(), "commit.strict")
        facts = CommitFacts(
            params=as_params(params),
            metrics=as_metrics(metrics),
            derive=sources_of(from_),
            data=measured_on,
            code=measured_by,
        )
        act = _act(self._repository, shlex.join(("commit", "-m", message, *paths)))
        finding = is_set(self._repository, Path.home(), "commit.find_parents", default=True)
        return commit(
            self._repository, act=act, message=message, facts=facts, paths=paths, strict=strict, find_parents=finding
        )

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

    def query(
        self,
        sql: str,
        *,
        limit: int | None = 10_000,
        timeout_s: float = 10.0,
        as_of: str | None = None,
        **params: object,
    ) -> QueryResult:
        """Ask the catalog in SQL; `:name` in the text takes the keyword's value. `@NAME` asks a saved query.

        `as_of` answers as of a moment: a date (its end), a time, an operation, or a revision (when it was first there).
        Raises QuerySyntaxError, and NotFoundError for a saved query that is not there.
        """
        from modelhub.porcelain.query import query

        return query(self._repository, sql=sql, params=params, limit=limit, timeout_s=timeout_s, as_of=as_of)

    @overload
    def load(
        self, place: str, *, tensors: Sequence[str] | None = None, rows: slice | range | None = None
    ) -> LoadedFile: ...

    @overload
    def load(
        self, place: str, *, tensors: Sequence[str] | None = None, rows: slice | range | None = None, precision: int
    ) -> LoadedBounds: ...

    def load(
        self,
        place: str,
        *,
        tensors: Sequence[str] | None = None,
        rows: slice | range | None = None,
        precision: int | None = None,
    ) -> LoadedFile | LoadedBounds:
        """Open the file `REV:PATH` or `RUN:PATH` as a lazy mapping from tensor names to arrays, read one by one.

        With `tensors` only these are in it; with `rows` each array has only these rows (the first axis), and only the
        blocks that hold them are read. With `precision` it maps to `Bounds`: a lower and an upper array by so many
        high-order bytes of each number. Raises PathNotFound (a KeyError) for a tensor that is not there.
        """
        from modelhub.porcelain.load import LoadedBounds, LoadedFile
        from modelhub.porcelain.places import find_file

        entry = find_file(self._repository, place)
        file = LoadedFile(self._repository, entry, tensors=tensors, rows=rows)
        return file if precision is None else LoadedBounds(file, precision)

    def load_into(
        self, module: object, place: str, *, strict: bool = False, run: TrainingRun | None = None
    ) -> WarmStart:
        """Fill a torch module, or a dict of arrays, with the tensors of `REV:PATH` whose names and shapes fit.

        Returns what was reused and what was not. With `run` the run notes where it started from (a file that is in no
        version, only in another run, as what it read); without one nothing is remembered: give the result's `from_` to
        `commit`. Raises InvalidInputError with `strict` unless all fits.
        """
        from modelhub.porcelain.warm_start import RELATION, warm_start
        from modelhub.tracking.torch_weights import target_of
        from modelhub.tracking.version_files import as_then

        place = place if run is None else as_then(place, run.files.head)
        result = warm_start(self._repository, target=target_of(module), place=place, strict=strict)
        if run is not None and result.commit:
            run.derived(result.source, RELATION)
        elif run is not None:
            run.reads(place if ":" in place else f"{place}:{result.path}")
        return result

    def export(
        self,
        place: str,
        scheme: str,
        output: str | os.PathLike[str] | None = None,
        *,
        dequantized: bool = False,
        force: bool = False,
    ) -> ExportResult:
        """Write a lossy copy of the model at `REV:PATH` into a safetensors file, by default beside it.

        `scheme` is float16, bfloat16, fixed16, fixed8 or quantized-1 to quantized-8. The next commit that has the file
        records what it was made from. Raises AlreadyExistsError unless `force`; InvalidInputError where a scheme has
        no such numbers.
        """
        from modelhub.porcelain.export import export

        target = None if output is None else Path(output).absolute()
        return export(self._repository, place=place, scheme=scheme, output=target, dequantized=dequantized, force=force)

    def read(self, place: str) -> bytes:
        """Return the bytes of the file `REV:PATH` or `RUN:PATH`, verified."""
        from modelhub.porcelain.cat import cat

        return b"".join(cat(self._repository, place=place))

    def checkout(self, revision: str, *, force: bool = False) -> CheckoutResult:
        """Bring the folder to another version. Raises DirtyTree where unsaved work would be overwritten."""
        from modelhub.porcelain.checkout import checkout

        act = _act(self._repository, shlex.join(("checkout", revision)))
        return checkout(self._repository, act=act, revision=revision, force=force)

    def keep(
        self,
        metric: str,
        *,
        best: int,
        lowest: bool = False,
        newest: int = 0,
        data: str | None = None,
        across_data: bool = False,
        revisions: Sequence[str] = (),
        dry_run: bool = False,
    ) -> KeepResult:
        """Keep the `best` versions by a metric and the `newest` newest, and forget the weights of the others.

        `revisions` are the versions and ranges `A..B` to choose among. What HEAD, a branch or a tag names always stays,
        and what has no value of the metric. `mh undo` takes it back until `mh gc` has deleted. Raises InvalidInputError
        where versions measured on different data would be ranked, unless `data` names one or `across_data`.
        """
        from modelhub.porcelain.keep import KeepRule, keep, plan_keep

        rule = KeepRule(metric, best, lowest=lowest, newest=newest, data=data, across_data=across_data)
        act = _act(self._repository, f"keep --best {best} --by {shlex.quote(metric)}")
        plan = plan_keep(self._repository, rule=rule, now=act.time, revisions=revisions, home=Path.home())
        return plan if dry_run else keep(self._repository, plan, act=act)

    def repack(
        self,
        *,
        max_recreation: float | None = None,
        dry_run: bool = False,
        progressive: Sequence[str] = (),
        not_progressive: Sequence[str] = (),
    ) -> RepackResult:
        """Store all versions anew, smaller; none takes longer to get back than the bound.

        `max_recreation` is how often the time with every tensor whole; by default 4, or as long as now, and then the
        store never grows. The versions `progressive` are marked, now and for later repacks: their floats are kept whole
        so that `load(..., precision=1)` reads little; `not_progressive` lose the mark. Runs in a process of its own.
        Raises InvalidInputError for a bound below 1, RefNotFound.
        """
        from modelhub.porcelain.repack_process import repack_in_process

        return repack_in_process(
            self.root,
            max_recreation=max_recreation,
            dry_run=dry_run,
            progressive=progressive,
            not_progressive=not_progressive,
        )

    def __repr__(self) -> str:
        return f"<modelhub repository {str(self.root)!r}>"


def _act(repository: _Repository | None, command: str) -> Act:
    from modelhub.tracking.acting import act_here

    return act_here(repository, command)
