"""`mh repack`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import dry_run_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, size
from modelhub.porcelain.repack import RepackResult, parse_bound, repack


@command(
    "repack",
    examples=[
        ("mh repack --dry-run", "Say what it would save, change nothing."),
        ("mh repack", "Store every version as small as it can be that still comes back in four times the time."),
        ("mh repack --max-recreation 10x", "Smaller still, and slower to get back."),
    ],
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
def repack_command(session: Session, max_recreation: str, dry_run: bool, as_json: bool) -> None:
    """Store all versions anew, smaller.

    Decides for every tensor whether to keep it whole or as a delta, and of which others, so that all together take the
    least room while no version becomes slow to get back; versions that a branch, a tag or HEAD names stay quicker than
    the rest. It can be killed at any time, and nothing becomes larger.
    """
    bound = parse_bound(max_recreation)
    with session.progress() as progress:
        result = repack(
            session.repository, max_recreation=bound, dry_run=dry_run, progress=progress, waiting=session.waiting
        )
    if as_json:
        print_json(session, "repack", result)
    else:
        session.write(_lines(result))


def _lines(result: RepackResult) -> Iterator[str]:
    before = size(result.before_nbytes)
    yield f"{count(result.tensors, 'tensor')} of {count(result.versions, 'version')}, stored in {before}"
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
