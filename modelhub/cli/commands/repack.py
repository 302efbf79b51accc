"""`mh repack`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import dry_run_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, short, size
from modelhub.errors import InvalidInputError
from modelhub.porcelain.repack import RepackResult, parse_bound, repack

MOST_NAMED = 5


@command(
    "repack",
    examples=[
        ("mh repack --dry-run", "Say what it would save, change nothing."),
        ("mh repack", "Store every version as small as it can be that still comes back in four times the time."),
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
    default="4x",
    help="No version takes longer to get back than FACTOR times as with every tensor whole  [default: 4x]",
)
@dry_run_option
@json_option
@pass_session
def repack_command(
    session: Session,
    revisions: tuple[str, ...],
    *,
    mark: bool | None,
    max_recreation: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Store all versions anew, smaller.

    Decides for every tensor whether to keep it whole or as a delta, and of which others, so that all together take the
    least room while no version becomes slow to get back; versions that a branch, a tag or HEAD names stay quicker than
    the rest. It can be killed at any time, and nothing becomes larger but what is marked as progressive.
    """
    if bool(revisions) != (mark is not None):
        problem = "versions are named to mark them" if revisions else "no version is named to mark"
        raise InvalidInputError(problem, hint="mh repack --progressive REV..., or --no-progressive REV...")
    bound = parse_bound(max_recreation)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # many small products on threads of our own: its would only wait
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
        names = ", ".join(map(short, result.progressive[:MOST_NAMED])) + (
            ", ..." * (len(result.progressive) > MOST_NAMED)
        )
        yield f"{count(len(result.progressive), 'version')} progressive: {names}"
    if not result.encoded_anew:
        yield "nothing to gain"
        return
    to = result.planned_nbytes if result.dry_run else result.after_nbytes
    share = 100 * to / max(result.before_nbytes, 1)
    verb = "would be encoded anew, about" if result.dry_run else "encoded anew,"
    yield f"{count(result.encoded_anew, 'tensor')} {verb} {size(to)}, {share:.1f} % of that"
    yield f"the slowest version takes {result.slowest:.2f} times as long as with every tensor whole"
    if result.dry_run:
        for one in sorted(result.solvers, key=lambda one: one.nbytes):
            planned = size(round(one.nbytes)) if one.nbytes < math.inf else "no plan"
            yield f"  {one.solver:<22} {planned:>9}  {one.fault or ''}".rstrip()
