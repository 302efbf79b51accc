"""Import the runs of MLflow from its file store or its SQLite store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.importers.imported_runs import ForeignRun, ImportedRuns, take_in
from modelhub.importers.mlflow_artifacts import Artifacts
from modelhub.importers.mlflow_database import MlflowDatabase, is_database
from modelhub.importers.mlflow_files import FileStore, experiments_below
from modelhub.importers.mlflow_records import MlflowRun
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Act, Repository

DATABASE = "mlflow.db"
RUNS = "mlruns"


def import_mlflow(
    repo: Repository,
    *,
    act: Act,
    source: Path,
    artifacts: Path | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> ImportedRuns:
    """Take the runs of an MLflow store into the history, by one commit on the present branch.

    `source` is a database, a folder of experiments, or the folder that holds either. Files are taken from below it,
    and from below `artifacts`. Raises PathNotFound, or InvalidInputError where there is no store.
    """
    stores = _find_stores(source)
    warnings: list[str] = []
    roots = [source if source.is_dir() else source.parent, *([artifacts] if artifacts else [])]
    with ExitStack() as stack:
        opened = [
            stack.enter_context(MlflowDatabase(store)) if isinstance(store, Path) else FileStore(store, warnings)
            for store in stores
        ]
        return take_in(
            repo,
            act=act,
            tool="MLflow",
            runs=_foreign(opened, Artifacts(roots, warnings), warnings),
            warnings=warnings,
            dry_run=dry_run,
            progress=progress,
            waiting=waiting,
        )


def _find_stores(source: Path) -> list[Path | list[Path]]:
    """Return databases, and for each file store its experiments.

    A folder `mlruns` without experiments holds the artifacts of the database beside it.
    """
    if not source.exists():
        raise PathNotFound(f"there is no '{source}'")
    if source.is_file():
        if not is_database(source):
            raise InvalidInputError(f"'{source}' is no SQLite database", hint="name 'mlflow.db' or the folder 'mlruns'")
        return [source]
    stores: list[Path | list[Path]] = [source / DATABASE] if is_database(source / DATABASE) else []
    experiments = experiments_below(source) or experiments_below(source / RUNS)
    if experiments:
        stores.append(experiments)
    if not stores and is_database(source.parent / DATABASE):
        return [source.parent / DATABASE]
    if not stores:
        raise InvalidInputError(
            f"'{source}' holds no runs of MLflow",
            hint="name 'mlflow.db', the folder 'mlruns' or the folder with either",
        )
    return stores


def _foreign(
    stores: Sequence[MlflowDatabase | FileStore], artifacts: Artifacts, warnings: list[str]
) -> Iterator[ForeignRun]:
    seen: set[str] = set()
    for store in stores:
        for run in store.runs():
            if run.uuid in seen:
                warnings.append(f"run {run.uuid} is in both stores: the database's was taken")
                continue
            seen.add(run.uuid)
            yield _foreign_run(run, artifacts)
    artifacts.report()
    deleted = sum(store.deleted for store in stores)
    if deleted:
        warnings.append(f"{deleted} deleted run{'s' if deleted > 1 else ''} in MLflow's trash left out")


def _foreign_run(run: MlflowRun, artifacts: Artifacts) -> ForeignRun:
    return ForeignRun(
        run=run.run(),
        points=run.points,
        group=run.experiment,
        files=tuple(artifacts.of_run(run)),
        texts={dataset.path: dataset.description() for dataset in run.datasets},
    )
