"""`mh lineage`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_rows
from modelhub.cli.output.lineage_graphs import dot_lines, mermaid_lines
from modelhub.cli.output.lineage_view import lineage_lines
from modelhub.errors import InvalidInputError
from modelhub.porcelain.lineage import LineageResult, lineage

EDGE_COLUMNS = (
    "commit_id", "path", "relation", "evidence", "run_id", "parent_commit_id", "parent_path", "parent_name",
)  # fmt: skip


@command(
    "lineage",
    examples=[
        ("mh lineage", "What the current version came from."),
        ("mh lineage v3:model.safetensors", "What one model came from."),
        ("mh lineage v1:base.safetensors --down", "Everything that was made from it."),
        ("mh lineage HEAD:data/train.csv --down", "The models that were trained on it, and what came of those."),
        ("mh lineage v3:model.safetensors --dot | dot -Tsvg > lineage.svg", "A picture, by Graphviz."),
    ],
)
@click.argument("place", metavar="[REV[:PATH]]", default="HEAD", shell_complete=complete_revision)
@click.option("--up/--down", default=True, help="What it came from, or what came from it.  [default: --up]")
@click.option("--depth", metavar="N", type=click.IntRange(min=1), help="At most so many steps away.")
@click.option("--ascii", "plain", is_flag=True, help="Draw the tree with ASCII letters only.")
@click.option("--dot", is_flag=True, help="Print the graph for Graphviz.")
@click.option("--mermaid", is_flag=True, help="Print the graph for Mermaid.")
@format_option
@pass_session
def lineage_command(
    session: Session,
    place: str,
    *,
    up: bool,
    depth: int | None,
    style: str | None,
    as_json: bool,
    **drawing: bool,
) -> None:
    """Draw what a version or a model came from.

    PATH may be that of data as well: --down shows what was trained on it.

    Each edge says the relation and how it is known: declared by a person, noted by a run, named in the metadata of the
    model, found from the weights, or the plain history of the file. 'mh verify' checks the edges against the weights.
    """
    chosen = _chosen(style, as_json, drawing)
    result = lineage(session.repository, place=session.place(place), up=up, depth=depth)
    if chosen == "json":
        print_json(session, "lineage", result)
    elif chosen == "dot":
        session.write(dot_lines(result))
    elif chosen == "mermaid":
        session.write(mermaid_lines(result))
    elif chosen != "table":
        print_rows(session, chosen, "lineage", EDGE_COLUMNS, _rows(result))
    else:
        unicode = session.terminal.unicode and not drawing["plain"]
        session.page(lineage_lines(result, session.terminal, unicode=unicode))
        if not result.edges:
            session.say("nothing is known of what it came from" if up else "nothing came from it")


def _chosen(style: str | None, as_json: bool, drawing: dict[str, bool]) -> str:
    wanted = [name for name in ("dot", "mermaid") if drawing[name]]
    if as_json or style is not None:
        wanted.append(chosen_format(style, as_json))
    if len(wanted) > 1:
        raise InvalidInputError("choose one of --dot, --mermaid, --json and --format")
    return wanted[0] if wanted else "table"


def _rows(result: LineageResult) -> Iterator[Sequence[object]]:
    for edge in result.edges:
        child, parent = result.nodes[edge.child], result.nodes[edge.parent]
        yield (
            child.commit, child.path, edge.relation, edge.evidence, edge.run_id, parent.commit, parent.path, parent.name
        )  # fmt: skip
