"""`mh gc`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import dry_run_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, short, size
from modelhub.cli.output.text import clean
from modelhub.porcelain.gc import GcResult, gc
from modelhub.porcelain.gone import GoneObject

MOST_LISTED = 50


@command(
    "gc",
    examples=[
        ("mh gc --dry-run", "Name what would go, delete nothing."),
        ("mh gc", "Delete what nothing needed for 14 days."),
        ("mh gc --grace 0", "Delete it now."),
        ("mh gc --grace 0 --operations 0", "Even what 'mh undo' could bring back."),
    ],
    exits={5: "the history is damaged; nothing was deleted"},
)
@click.option(
    "--grace",
    metavar="DAYS",
    type=click.FloatRange(min=0),
    help="Keep what became unneeded in the last DAYS  [default: 14]",
)
@click.option(
    "--operations",
    metavar="DAYS",
    type=click.FloatRange(min=0),
    help="What operations of the last DAYS hold can be undone and stays  [default: 90]",
)
@dry_run_option
@json_option
@pass_session
def gc_command(session: Session, grace: float | None, operations: float | None, dry_run: bool, as_json: bool) -> None:
    """Delete objects that nothing needs any more.

    Needed is what a branch, a tag, HEAD, the index or an operation that can still be undone leads to. The first run
    that finds an object unneeded starts its time of grace. Of versions that 'mh keep' marked as forgotten the weights
    and large files are not needed.
    """
    repository = session.repository
    with session.progress() as progress:
        result = gc(
            repository,
            act=session.act(repository),
            home=session.home,
            grace_days=grace,
            operations_days=operations,
            dry_run=dry_run,
            progress=progress,
            waiting=session.waiting,
        )
    if as_json:
        print_json(session, "gc", result)
    else:
        session.write(_lines(result))


def _lines(result: GcResult) -> Iterator[str]:
    if result.dry_run:
        yield from _listed(result.removed)
    verb = "would be deleted" if result.dry_run else "deleted"
    freed = f", {size(result.freed_nbytes)} {'to free' if result.dry_run else 'freed'}" if result.removed else ""
    yield f"{count(len(result.removed), 'object')} {verb}{freed}"
    if result.waiting:
        waiting = sum(item.stored_nbytes for item in result.waiting)
        soonest = min(item.days_left for item in result.waiting)
        yield (
            f"{count(len(result.waiting), 'object')}, {size(waiting)}, in their time of grace "
            f"(the first goes in {soonest:.1f} days; --grace 0 does not wait)"
        )
    if result.packed:
        yield f"{count(result.packed, 'object')} put together in one pack"


def _listed(objects: Sequence[GoneObject]) -> Iterator[str]:
    largest = sorted(objects, key=lambda item: -item.stored_nbytes)
    for item in largest[:MOST_LISTED]:
        yield f"  {short(item.oid)}  {item.kind:<9}  {size(item.stored_nbytes):>8}  {clean(item.was)}".rstrip()
    if len(objects) > MOST_LISTED:
        yield f"  and {len(objects) - MOST_LISTED} smaller ones (--json lists all)"
