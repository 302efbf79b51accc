"""`mh repack`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import dry_run_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, short, size
from modelhub.errors import InvalidInputError
from modelhub.porcelain.repack import MAX_RECREATION, RepackResult, parse_bound, repack
from modelhub.porcelain.storage_plan import HOT_SHARE

MOST_NAMED = 5


@command(
    "repack",
    examples=[
        ("mh repack --dry-run", "Say what it would save, change nothing."),
        ("mh repack", f"As small as can be with every version back in {MAX_RECREATION:g} times the time, or as now."),
        ("mh repack --max-recreation 10x", "Smaller still, and slower to get back."),
        ("mh repack --progressive v1", "Keep v1 so that the high-order bytes of its numbers can be read alone."),
        ("mh repack --no-progressive v1", "Keep it as everything else again."),
    ],
)
@click.argument("revisions", metavar="[REV|A..B]...", nargs=-1, shell_complete=complete_revision)
@click.option(
    "--progressive/--no-progressive",
    "mark",
    default=None,
    help="Mark these versions, or take the mark off: now and in later repacks their floats are kept whole, with planes"
    " apart, so that the high-order bytes of each can be read alone.",
)
@click.option(
    "--max-recreation",
    metavar="FACTOR",
    help="No version takes longer to get back than FACTOR times as with every tensor whole, even if the store grows"
    f"  [default: {MAX_RECREATION:g}x, or as long as now, and nothing grows]",
)
@dry_run_option
@json_option
@pass_session
def repack_command(
    session: Session,
    revisions: tuple[str, ...],
    *,
    mark: bool | None,
    max_recreation: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Store all versions anew, smaller.

    Decides for every tensor whether to keep it whole or as a delta, and of which others, so that all together take the
    least room while no version becomes slow to get back; versions that a branch, a tag or HEAD names stay quicker than
    the rest. It can be killed at any time. By itself it makes nothing larger and no version slower than the bound; a
    version over it stays as it is, and that is said. A bound of yours is kept, at the price of room if need be. What
    is marked as progressive takes the room that it takes.
    """
    if bool(revisions) != (mark is not None):
        problem = "versions are named to mark them" if revisions else "no version is named to mark"
        raise InvalidInputError(problem, hint="mh repack --progressive REV..., or --no-progressive REV...")
    bound = None if max_recreation is None else parse_bound(max_recreation)
    with session.progress() as progress:
        result = repack(
            session.repository,
            max_recreation=bound,
            progressive=revisions if mark else (),
            not_progressive=() if mark else revisions,
            dry_run=dry_run,
            progress=progress,
            waiting=session.waiting,
        )
    if as_json:
        print_json(session, "repack", result)
    else:
        session.write(_lines(result))


def _lines(result: RepackResult) -> Iterator[str]:
    before = size(result.before_nbytes)
    yield f"{count(result.tensors, 'tensor')} of {count(result.versions, 'version')}, stored in {before}"
    if result.progressive:
        more = ", ..." if len(result.progressive) > MOST_NAMED else ""
        named = ", ".join(map(short, result.progressive[:MOST_NAMED]))
        yield f"{count(len(result.progressive), 'version')} progressive: {named}{more}"
    if not result.encoded_anew:
        yield "nothing to gain"
        yield from _slow_lines(result)
        return
    to = result.planned_nbytes if result.dry_run else result.after_nbytes
    share = 100 * to / max(result.before_nbytes, 1)
    verb = "would be encoded anew, about" if result.dry_run else "encoded anew,"
    yield f"{count(result.encoded_anew, 'tensor')} {verb} {size(to)}, {share:.1f} % of that"
    yield f"the slowest version takes {result.slowest:.2f} times as long as with every tensor whole"
    yield from _slow_lines(result)
    if result.dry_run:
        for one in sorted(result.solvers, key=lambda one: one.nbytes):
            planned = size(round(one.nbytes)) if one.nbytes < math.inf else "no plan"
            yield f"  {one.solver:<22} {planned:>9}  {one.fault or ''}".rstrip()


def _slow_lines(result: RepackResult) -> Iterator[str]:
    """Say which versions are over the bound, and what that costs or would."""
    bound = f"{result.max_recreation:g}x"
    named = f"{1 + HOT_SHARE * (result.max_recreation - 1):g}x"
    over = f"{bound}, or {named} where a ref names it"
    if result.within_nbytes is not None:
        slow = count(result.slow_then, "version")
        yield f"{slow} took longer before than {over}, and still may;"
        yield f"  with all within that the store takes {size(result.within_nbytes)}: mh repack --max-recreation {bound}"
    elif result.slow_then:
        yield f"{count(result.slow_then, 'version')} cannot be had within {over}"
    elif result.slow_now:
        yield f"{count(result.slow_now, 'version')} took longer before than {over}"
