"""Lineage as a tree for people: long stretches of plain history folded, what was shown already not drawn again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelhub.cli.output.quantities import count, short
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import cell_width, clean, cut_end, cut_middle
from modelhub.porcelain.lineage import LineageEdge, LineageNode, LineageResult

LEAST_FOLDED = 3
DEEPEST = 12
"""Levels below this one are drawn in its column: a chain of a thousand models stays readable."""

_UNICODE = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = ("|- ", "`- ", "|  ", "   ")


@dataclass(frozen=True, slots=True)
class _Line:
    """A node to draw: the letters before it, the edge to it, how many versions were folded on the way."""

    node: int
    lead: str
    level: int
    is_last: bool
    edge: LineageEdge | None = None
    folded: int = 0


def lineage_lines(result: LineageResult, terminal: Terminal, *, unicode: bool) -> Iterator[str]:
    """Yield the lines of the tree: the node that was asked about, below each node those it leads to."""
    letters = _UNICODE if unicode else _ASCII
    waiting = [_Line(start, "", 0, True) for start in reversed(result.starts)]
    drawn: set[int] = set()
    links = _links(result)
    while waiting:
        line = waiting.pop()
        again = line.node in drawn and bool(result.steps.get(line.node))
        yield _text(line, result, terminal, letters, again=again)
        if line.node in drawn:
            continue
        drawn.add(line.node)
        waiting += reversed(list(_next_lines(line, result, links, letters)))


def _next_lines(line: _Line, result: LineageResult, links: dict[int, int], letters: tuple[str, ...]) -> Iterator[_Line]:
    steps = result.steps.get(line.node, [])
    lead = line.lead
    if line.edge is not None and line.level <= DEEPEST:
        lead += letters[3] if line.is_last else letters[2]
    for position, (edge, node) in enumerate(steps):
        end, folded = _fold(node, links) if edge.evidence == "history" else (node, 0)
        yield _Line(end, lead, line.level + 1, position == len(steps) - 1, edge, folded)


def _links(result: LineageResult) -> dict[int, int]:
    """The nodes that are only a step of plain history, with where they lead."""
    led_to: dict[int, int] = {}
    for steps in result.steps.values():
        for _, node in steps:
            led_to[node] = led_to.get(node, 0) + 1
    return {
        node: steps[0][1]
        for node, steps in result.steps.items()
        if len(steps) == 1 and steps[0][0].evidence == "history" and led_to.get(node) == 1
    }


def _fold(node: int, links: dict[int, int]) -> tuple[int, int]:
    """Return where a stretch of history ends and how many versions are left out: none of a short stretch."""
    passed = 0
    end = node
    while end in links and passed <= len(links):
        end = links[end]
        passed += 1
    return (end, passed) if passed >= LEAST_FOLDED else (node, 0)


def _text(line: _Line, result: LineageResult, terminal: Terminal, letters: tuple[str, ...], *, again: bool) -> str:
    lead = line.lead + ("" if line.edge is None else letters[1] if line.is_last else letters[0])
    said = "" if line.edge is None else edge_label(line.edge)
    if line.folded:
        said += f", {terminal.ellipsis} {count(line.folded, 'version')} between"
    name, commit = node_label(result.nodes[line.node])
    after = "  (shown above)" if again else ""
    room = None if terminal.width is None else terminal.width - cell_width(lead)
    if room is not None:
        fixed = len(commit) + 2 * bool(commit) + len(after)
        said = cut_end(said, max(room - fixed - 12, 0), terminal.ellipsis)
        name = cut_middle(name, max(room - fixed - cell_width(said) - 2 * bool(said), 4), terminal.ellipsis)
    parts = [terminal.style(said, "cyan"), terminal.style(name, "bold"), terminal.style(commit, "yellow")]
    return lead + "  ".join(part for part in parts if part) + terminal.style(after, "dim")


def node_label(node: LineageNode) -> tuple[str, str]:
    """Return what a node is called, made safe, and the short id of its version (empty for one outside)."""
    if not node.commit:
        return clean(node.name or node.path or "unknown"), ""
    name = node.path or node.name
    return clean(name) or "whole version", short(node.commit)


def edge_label(edge: LineageEdge) -> str:
    """Return the relation and how it is known: 'fine-tune (run 0123456789)'."""
    if edge.evidence == "history":
        return "history"
    known = f"run {short(edge.run_id)}" if edge.run_id else edge.evidence
    return f"{clean(edge.relation)} ({clean(known)})"
