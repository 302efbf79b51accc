"""`mh import`: one command for each tool whose records can be taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelhub.cli.command import command
from modelhub.cli.commands.import_history import import_dvc_command, import_git_lfs_command
from modelhub.cli.context import Session
from modelhub.cli.options import dry_run_option, json_option, pass_session, print_json

if TYPE_CHECKING:
    from modelhub.importers.imported_runs import ImportedRuns


@click.group("import")
def import_command() -> None:
    """Take in what another tool recorded.

    The source is only read, and importing again takes in only what is new.
    """


@command(
    "mlflow",
    examples=[
        ("mh import mlflow mlruns", "Every run of MLflow's file store, with its models."),
        ("mh import mlflow mlflow.db --dry-run", "Say what the database holds, change nothing."),
    ],
)
@click.argument("source", metavar="PATH")
@click.option("--artifacts", metavar="FOLDER", help="Take files from below this folder, too  [default: PATH's folder]")
@dry_run_option
@json_option
@pass_session
def import_mlflow_command(
    session: Session, source: str, *, artifacts: str | None, dry_run: bool, as_json: bool
) -> None:
    """Take in the runs of MLflow with their points and models.

    Params, tags and other artifacts come, too. PATH is a folder 'mlruns', a database 'mlflow.db', or the folder that
    holds either. One new version on the branch takes the runs in; the files of the folder stay as they are.
    """
    from modelhub.importers.mlflow_import import import_mlflow

    repository = session.repository
    with session.progress() as progress:
        result = import_mlflow(
            repository,
            act=session.act(repository),
            source=session.folder / source,
            artifacts=None if artifacts is None else session.folder / artifacts,
            dry_run=dry_run,
            progress=progress,
            waiting=session.waiting,
        )
    _show(session, "mlflow", result, as_json)


@command(
    "tensorboard",
    examples=[
        ("mh import tensorboard lightning_logs", "A run for each folder with event files."),
        ("mh import tensorboard runs --dry-run", "Say what is there, change nothing."),
    ],
)
@click.argument("source", metavar="PATH")
@dry_run_option
@json_option
@pass_session
def import_tensorboard_command(session: Session, source: str, *, dry_run: bool, as_json: bool) -> None:
    """Take in the runs of TensorBoard's event files.

    Of each come the scalars, the hyperparameters and the short texts. PATH is an event file or a folder; each folder
    with event files is a run. One new version on the branch takes the runs in; the files of the folder stay as they
    are.
    """
    from modelhub.importers.tensorboard_import import import_tensorboard

    repository = session.repository
    with session.progress() as progress:
        result = import_tensorboard(
            repository,
            act=session.act(repository),
            source=session.folder / source,
            dry_run=dry_run,
            progress=progress,
            waiting=session.waiting,
        )
    _show(session, "tensorboard", result, as_json)


def _show(session: Session, tool: str, result: ImportedRuns, as_json: bool) -> None:
    from modelhub.cli.output.imported_view import run_lines

    if as_json:
        print_json(session, f"import.{tool}", result)
    else:
        session.write(run_lines(result))
    for warning in result.warnings:
        session.warn(warning)


import_command.add_command(import_mlflow_command)
import_command.add_command(import_tensorboard_command)
import_command.add_command(import_git_lfs_command)
import_command.add_command(import_dvc_command)
