"""Lineage in the languages of drawing tools: Graphviz DOT and Mermaid.

Grammars: https://graphviz.org/doc/info/lang.html and https://mermaid.js.org/syntax/flowchart.html (names are quoted,
so that any letter may be in them).
"""

from __future__ import annotations

from collections.abc import Iterator

from modelhub.cli.output.lineage_view import edge_label, node_label
from modelhub.porcelain.lineage import LineageNode, LineageResult

_MERMAID = {ord(letter): f"#{ord(letter)};" for letter in '"#&<>`\\;'}


def dot_lines(result: LineageResult) -> Iterator[str]:
    """Yield a DOT digraph; arrows lead from a child to what it came from."""
    yield "digraph lineage {"
    yield "  rankdir=BT;"
    yield "  node [shape=box];"
    for number, node in enumerate(result.nodes):
        style = "" if node.commit else ", style=dashed"
        label = "\\n".join(_dot_text(text) for text in _texts(node))
        yield f'  n{number} [label="{label}"{style}];'
    for edge in result.edges:
        yield f'  n{edge.child} -> n{edge.parent} [label="{_dot_text(edge_label(edge))}"];'
    yield "}"


def mermaid_lines(result: LineageResult) -> Iterator[str]:
    """Yield a Mermaid flowchart; arrows lead from a child to what it came from."""
    yield "flowchart BT"
    for number, node in enumerate(result.nodes):
        yield f'  n{number}["{"<br/>".join(text.translate(_MERMAID) for text in _texts(node))}"]'
    for edge in result.edges:
        yield f'  n{edge.child} -->|"{edge_label(edge).translate(_MERMAID)}"| n{edge.parent}'


def _texts(node: LineageNode) -> list[str]:
    return [text for text in node_label(node) if text]


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
