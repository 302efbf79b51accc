"""`mh show`."""

from __future__ import annotations

from collections.abc import Iterator

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json, revision_argument
from modelhub.cli.output.changes_view import change_lines, tally
from modelhub.cli.output.history_view import long_form
from modelhub.cli.output.quantities import short
from modelhub.cli.output.text import clean
from modelhub.errors import InvalidInputError
from modelhub.porcelain.show import ShowResult, show
from modelhub.repository.objects import Derivation


@command(
    "show",
    examples=[
        ("mh show", "The newest version here."),
        ("mh show v1", "A tagged version: its facts, parents and changed files."),
    ],
)
@revision_argument(default="HEAD", metavar="[REV]")
@json_option
@pass_session
def show_command(session: Session, revision: str, as_json: bool) -> None:
    """Show one version and what it changed.

    'mh diff REV~1 REV' shows how far its tensors moved.
    """
    if ":" in revision:
        raise InvalidInputError(f"'{revision}' names a file of a version", hint=f"'mh cat {revision}' prints it")
    result = show(session.repository, revision=revision)
    if as_json:
        print_json(session, "show", result)
        return
    session.page(_lines(session, result))


def _lines(session: Session, result: ShowResult) -> Iterator[str]:
    terminal = session.terminal
    yield long_form(result.entry, terminal)
    for made in result.derivations:
        yield f"\n{clean(made.path) or 'this version'}: {clean(made.relation)} of {_source(made)}"
    if result.runs:
        yield "\n" + terminal.style("runs", "bold")
        yield from (f"  {run.id}  {run.status}  {clean(run.name)}".rstrip() for run in result.runs)
    if result.code is not None:
        state = " with changes not committed to git" if result.code.dirty else ""
        yield f"\ncode: git {short(result.code.commit)} on {clean(result.code.branch or 'no branch')}{state}"
    if result.environment:
        yield "made with: " + ", ".join(f"{clean(name)} {clean(value)}" for name, value in result.environment.items())
    for path, data in sorted({(item.data_path, item.data) for item in result.evaluations.values()}):
        names = [name for name, item in result.evaluations.items() if (item.data_path, item.data) == (path, data)]
        yield f"measured on {clean(path)} {short(data)}: {', '.join(map(clean, names))}"
    if result.progressive:
        yield "\nprogressive: repacked so that the high-order bytes of its floats can be read alone"
    if result.findings:
        yield "\n" + terminal.style("findings", "bold")
        yield from (
            f"  {finding.severity}: '{clean(finding.path)}': {clean(finding.message)}" for finding in result.findings
        )
    yield "\n" + terminal.style(tally(result.changes), "bold")
    yield from change_lines(result.changes, terminal)


def _source(made: Derivation) -> str:
    """Where a version came from, and how that is known."""
    place = short(made.source_commit) + (f":{clean(made.source_path)}" if made.source_path else "")
    name = clean(made.source_name)
    named = f"{name} = {place}" if name and made.source_commit else name or place
    found = "named in the files" if name else "found from the weights"
    return f"{named} ({'declared' if made.declared else found})"
