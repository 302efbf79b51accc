"""`mh commit`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import click

from modelhub.cli.command import command
from modelhub.cli.commands.add import stored
from modelhub.cli.context import Session
from modelhub.cli.facts import parse_metrics, parse_params, parse_sources
from modelhub.cli.options import json_option, pass_session, print_json, source_options
from modelhub.cli.output.changes_view import change_lines, tally
from modelhub.cli.output.quantities import short
from modelhub.cli.output.text import clean, first_line
from modelhub.errors import InvalidInputError
from modelhub.porcelain.commit import CommitResult, commit
from modelhub.porcelain.commit_facts import CommitFacts
from modelhub.porcelain.config import is_set
from modelhub.repository.lint import Finding

MOST_CHANGES = 20
MOST_FINDINGS = 20
MOST_RUNS = 5
UNKNOWN = "unknown"


@command(
    "commit",
    examples=[
        ("mh commit -m 'baseline'", "Record every change in the folder (or what is staged, if anything is)."),
        ("mh commit -m 'lower rate' --param lr=1e-4 --metric accuracy=0.973", "Record facts with it."),
        ("mh commit -m 'tuned on 5..9' --from v1:model.pt --relation fine-tune", "Say what it was made from."),
    ],
    exits={7: "nothing to commit, or --strict found faults in the weights"},
)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(readable=False))
@click.option(
    "-m", "--message", "messages", metavar="TEXT", multiple=True, help="What changed. Again: one more paragraph."
)
@click.option(
    "-F", "--file", "message_file", type=click.File("r", encoding="utf-8"), help="Read the message from a file."
)
@click.option("--param", "params", metavar="NAME=VALUE", multiple=True, help="A hyperparameter of this version.")
@click.option("--metric", "metrics", metavar="NAME=NUMBER", multiple=True, help="A result of this version.")
@source_options
@click.option("--run", "run", metavar="RUN", default="", help="The run that made this, if several have ended.")
@click.option("--measured-on", "data", metavar="PATH", default="", help="The data, in this version, of the metrics.")
@click.option(
    "--measured-by", "code", metavar="PATH", default="", help="The code, in this version, that measured them."
)
@click.option("--strict", is_flag=True, help="Refuse weights with NaN, Inf and other faults.")
@click.option("--allow-empty", is_flag=True, help="Record a version even if no file changed.")
@json_option
@pass_session
def commit_command(session: Session, paths: Sequence[str], as_json: bool, **options: Any) -> None:
    """Record a version with its params and metrics.

    With nothing staged this records every change in the folder; with something staged, just that; with PATHs, just
    those. KIND is one of fine-tune, warm-start, adapter, quantize, distill, merge, convert, slice, uses, trained-on.
    """
    message = _message(options["messages"], options["message_file"])
    facts = CommitFacts(
        params=parse_params(options["params"]),
        metrics=parse_metrics(options["metrics"]),
        derive=parse_sources(options["sources"], options["relations"]),
        data=_one_path(session, options["data"]),
        code=_one_path(session, options["code"]),
        run=options["run"],
    )
    repository = session.repository
    act = session.act(repository)
    with session.progress() as progress:
        result = commit(
            repository,
            act=act,
            message=message,
            facts=facts,
            paths=session.paths(paths),
            strict=options["strict"] or is_set(repository, session.home, "commit.strict"),
            allow_empty=options["allow_empty"],
            find_parents=is_set(repository, session.home, "commit.find_parents", default=True),
            progress=progress,
            waiting=session.waiting,
        )
    if as_json:
        print_json(session, "commit", result)
    else:
        _tell(session, result)
        if act.author.name == UNKNOWN:
            session.say("the author is unknown: mh config --user user.name NAME")


def _one_path(session: Session, path: str) -> str:
    return session.paths([path])[0] if path else ""


def _message(paragraphs: Sequence[str], file: TextIO | None) -> str:
    if paragraphs and file is not None:
        raise InvalidInputError("-m and -F exclude each other")
    if file is not None:
        return file.read()
    if not paragraphs:
        raise InvalidInputError("there is no message", hint="say what changed: mh commit -m 'longer training'")
    return "\n\n".join(paragraphs)


def _tell(session: Session, result: CommitResult) -> None:
    """Say what was recorded; the lines a person may want to keep go to stdout."""
    for warning in result.warnings:
        session.warn(warning)
    _tell_findings(session, result)
    if session.quiet:
        return
    branch = "detached HEAD" if result.branch is None else clean(result.branch)
    oid = session.terminal.style(short(result.commit), "yellow")
    session.write([f"[{branch} {oid}] {first_line(result.message)}"])
    session.write(change_lines(result.changes[:MOST_CHANGES], session.terminal))
    session.write([f"  {tally(result.changes)}"])
    if result.runs:
        session.write([f"  with {_runs(result.runs)}"])
    session.write(_found_parents(result))
    if result.raw_nbytes:
        spent = stored(result.raw_nbytes, result.stored_nbytes, result.tensors_new, result.tensors_shared)
        session.write([f"  {spent}"])


def _found_parents(result: CommitResult) -> Iterator[str]:
    """Say what parents were recorded that nobody declared: 'mh verify' checks them."""
    found = [item for item in result.derivations if not item.declared]
    for item in found[:MOST_CHANGES]:
        source = clean(item.source_name or item.source_path)
        known = "named in the files" if item.source_name else "found from the weights"
        yield f"  {clean(item.path)}: {item.relation} of {source} ({known})"
    if len(found) > MOST_CHANGES:
        yield f"  and {len(found) - MOST_CHANGES} more parents: mh lineage"


def _runs(runs: Sequence[str]) -> str:
    named = ", ".join(map(short, runs[:MOST_RUNS]))
    if len(runs) == 1:
        return f"the run {named}"
    return f"{len(runs)} runs: {named}" + (", …" if len(runs) > MOST_RUNS else "")


def _tell_findings(session: Session, result: CommitResult) -> None:
    """Say each warning by itself (a file that cannot be read was named before), and notes of one kind together."""
    warnings = [item for item in result.findings if item.severity == "warning" and item.code != "unreadable"]
    for item in warnings[:MOST_FINDINGS]:
        session.warn(f"'{item.path}': {item.message}")
    if len(warnings) > MOST_FINDINGS:
        session.warn(f"and {len(warnings) - MOST_FINDINGS} more: mh show {short(result.commit)}")
    notes: dict[tuple[str, str], list[Finding]] = {}
    for item in result.findings:
        if item.severity != "warning" and item.is_new:
            notes.setdefault((item.path, item.code), []).append(item)
    for (path, _), items in notes.items():
        more = "" if len(items) == 1 else f", and {len(items) - 1} more like it: mh show {short(result.commit)}"
        session.say(f"note: '{clean(path)}': {clean(items[0].message)}{more}")
