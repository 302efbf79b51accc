"""`mh keep`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import dry_run_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, day, number, short, size
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import clean
from modelhub.errors import InvalidInputError
from modelhub.porcelain.keep import KeepResult, KeepRule, keep, plan_keep


@command(
    "keep",
    examples=[
        ("mh keep --best 3 --by val_acc", "Show which versions would stay and what forgetting the others frees."),
        ("mh keep --best 3 --by val_acc --yes", "Mark the others as forgotten; 'mh gc' frees their bytes."),
        ("mh keep --best 1 --by val_loss --min --newest 2", "The lowest loss, and the two newest to go on from."),
        ("mh keep --best 2 --by val_acc v1..main", "Choose only among what came after v1."),
        ("mh undo", "Take it back, until gc has deleted."),
    ],
)
@click.argument("revisions", metavar="[REV|A..B]...", nargs=-1, shell_complete=complete_revision)
@click.option("--best", "best", metavar="N", type=click.IntRange(min=1), required=True, help="The N best stay.")
@click.option("--by", "metric", metavar="METRIC", required=True, help="The metric that says which is best.")
@click.option("--min", "lowest", is_flag=True, help="The lowest value is the best.")
@click.option("--max", "highest", is_flag=True, help="The highest value is the best.")
@click.option(
    "--newest", metavar="N", type=click.IntRange(min=0), default=0, help="The N newest stay too.  [default: 0]"
)
@click.option("--data", metavar="PATH|ID", help="Only versions measured on this file or folder.")
@click.option("--across-data", is_flag=True, help="Rank also what was measured on different data.")
@click.option("-y", "--yes", is_flag=True, help="Mark them without asking.")
@dry_run_option
@json_option
@pass_session
def keep_command(session: Session, **options: Any) -> None:
    """Keep the best checkpoints and forget the others.

    Without --yes it only shows what would be forgotten, and on a terminal asks. What HEAD, a branch or a tag names
    always stays, and what has no value of the metric. A forgotten version stays in the history with its message,
    params, metrics, code and small files; 'mh gc' deletes its weights and large files after the time of grace, as far
    as nothing else needs them. 'mh undo' takes it back until then.
    """
    if options["lowest"] and options["highest"]:
        raise InvalidInputError("--min and --max exclude each other")
    if options["yes"] and options["dry_run"]:
        raise InvalidInputError("--yes and --dry-run exclude each other")
    repository = session.repository
    act = session.act(repository)
    asked = {name: options[name] for name in ("metric", "lowest", "newest", "data", "across_data")}
    rule = KeepRule(count=options["best"], **asked)
    found = plan_keep(repository, rule=rule, now=act.time, revisions=options["revisions"], home=session.home)
    if not options["as_json"]:
        session.write(_lines(session, found))
    if found.forgotten and (options["yes"] or _agrees(session, found, options)):
        with session.progress() as progress:
            found = keep(repository, found, act=act, progress=progress, waiting=session.waiting)
    if options["as_json"]:
        print_json(session, "keep", found)
    elif found.marked:
        session.write([f"{count(len(found.forgotten), 'version')} forgotten: 'mh gc' frees the bytes"])
    elif found.forgotten:
        session.say("nothing was changed; --yes marks them")


def _agrees(session: Session, found: KeepResult, options: dict[str, Any]) -> bool:
    """Ask a person at a terminal; nobody else is asked, and so nothing is done."""
    is_asked = session.terminal.interactive and sys.stdin.isatty()
    if options["dry_run"] or options["as_json"] or not is_asked:
        return False
    return click.confirm(f"forget {count(len(found.forgotten), 'version')}?", err=True)


def _lines(session: Session, found: KeepResult) -> Iterator[str]:
    layout = (
        Column(""),
        Column("version"),
        Column(clean(found.metric), right=True),
        Column("day", rank=3),
        Column("", least=8, rank=2),
        Column("", least=10, rank=1),
    )
    rows: list[Row] = [
        (Cell("keep", ("green",)), Cell(short(one.commit), ("yellow",)), number(one.value), day(one.time),
         clean(", ".join(one.reasons)), clean(one.summary))
        for one in found.kept
    ]  # fmt: skip
    rows += [
        (Cell("forget", ("red",)), Cell(short(one.commit), ("yellow",)), number(one.value), day(one.time), "",
         clean(one.summary))
        for one in found.forgotten
    ]  # fmt: skip
    yield from render(layout, rows, session.terminal)
    if found.unmeasured:
        yield f"{count(found.unmeasured, 'version')} without '{clean(found.metric)}' stay"
    if found.before:
        yield f"{count(found.before, 'version')} forgotten before"
    if found.forgotten:
        yield f"gc would free {size(found.freed_nbytes)}, {count(found.freed_objects, 'object')}"
        if found.bases_nbytes:
            yield f"{size(found.bases_nbytes)} more of them stays: what is kept are deltas of it"
    else:
        yield "there is nothing to forget"
