"""How `mh du` shows a version's tree, what forgetting would free, and how one tensor is stored."""

from __future__ import annotations

from collections.abc import Iterator

from modelhub.cli.output.quantities import count, share, short, size
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import clean, cut_middle
from modelhub.porcelain.storage_alternatives import Alternative, ReadBase
from modelhub.porcelain.usage_tree import UsageNode, UsageTree
from modelhub.porcelain.what_if import WhatIf
from modelhub.porcelain.why_stored import WhyStored

_UNICODE = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = ("|- ", "`- ", "|  ", "   ")
MOST_OBJECTS = 20


def tree_lines(found: UsageTree, terminal: Terminal) -> Iterator[str]:
    """Yield the tree, largest first, with the share that each part has of what is stored."""
    columns = (
        Column("", least=16, cut=cut_middle),
        Column("files", right=True, rank=2),
        Column("stored", right=True),
        Column("share", right=True, rank=1),
    )
    marks = _UNICODE if terminal.unicode else _ASCII
    yield from render(columns, list(_tree_rows(found.root, found.root.stored_nbytes, "", "", marks)), terminal)
    if found.bases_nbytes:
        yield f"its deltas build on {size(found.bases_nbytes)} of other versions"


def _tree_rows(node: UsageNode, whole: int, lead: str, below: str, marks: tuple[str, ...]) -> Iterator[Row]:
    more = f"  ({count(node.hidden, 'part')})" if node.hidden else ""
    part = share(node.stored_nbytes / whole) if whole else ""
    yield lead + clean(node.name) + more, size(node.raw_nbytes), size(node.stored_nbytes), part
    for child in node.children:
        is_last = child is node.children[-1]
        yield from _tree_rows(
            child, whole, below + marks[1 if is_last else 0], below + marks[3 if is_last else 2], marks
        )


def what_if_lines(found: WhatIf, terminal: Terminal) -> Iterator[str]:
    """Yield the sum, and the largest objects that make it."""
    exact = f"{found.freed_nbytes:,} bytes".replace(",", " ")
    freed = f"{exact} ({size(found.freed_nbytes)})" if found.freed_nbytes > 999 else exact
    objects = count(len(found.objects), "object")
    yield f"without the weights of {count(len(found.versions), 'version')} gc would free {freed}: {objects}"
    if found.bases_nbytes:
        yield f"{size(found.bases_nbytes)} more of them would stay: what is kept are deltas of it"
    if found.held:
        yield f"{count(len(found.held), 'version')} of the range would stay: HEAD, a branch or a tag is there"
    rows: list[Row] = [
        (Cell(short(item.oid), ("yellow",)), size(item.stored_nbytes), clean(item.was))
        for item in found.objects[:MOST_OBJECTS]
    ]
    yield from render((Column(), Column(right=True), Column(least=10, rank=1)), rows, terminal, indent=2, header=False)
    if len(found.objects) > MOST_OBJECTS:
        yield f"  and {len(found.objects) - MOST_OBJECTS} smaller ones (--json lists all)"


def why_lines(found: WhyStored, terminal: Terminal) -> Iterator[str]:
    """Yield the chain, its cost, and the alternatives."""
    first = found.chain[0]
    shape = "x".join(map(str, found.shape)) or "scalar"
    yield f"{clean(found.path)}: {clean(found.tensor)}  {clean(found.dtype)} {shape}"
    part = share(first.stored_nbytes / first.nbytes) if first.nbytes else "-"
    yield f"{size(first.nbytes)}, stored as {size(first.stored_nbytes)}, {part}"
    yield ""
    columns = (
        Column("chain"),
        Column("depth", right=True, rank=2),
        Column("stored", right=True),
        Column("codecs", least=8, rank=1),
        Column("builds on", least=10, rank=2),
        Column("place", least=10, rank=3),
    )
    chain: list[Row] = [
        (Cell(short(link.oid), ("yellow",)), str(link.depth), size(link.stored_nbytes), ", ".join(link.codecs),
         _bases(link.bases), clean(link.place))
        for link in found.chain
    ]  # fmt: skip
    yield from render(columns, chain, terminal)
    yield f"reading it takes {size(found.read_nbytes)} from the store and decodes {size(found.decoded_nbytes)}"
    yield ""
    layout = (
        Column("alternative"),
        Column("would take", right=True),
        Column("decodes", right=True, rank=3),
        Column("depth", right=True, rank=2),
        Column("", least=8),
        Column("", least=10, rank=1),
    )
    yield from render(layout, [_row(one) for one in found.alternatives], terminal)


def _row(one: Alternative) -> Row:
    taken = "-" if one.stored_nbytes is None else size(one.stored_nbytes)
    verdict = Cell(one.verdict, ("bold",) if one.verdict == "stored" else ())
    bases = _bases(one.bases) or "alone"
    return Cell(bases, ("yellow",)), taken, size(one.decoded_nbytes), str(one.depth), verdict, clean(one.why)


def _bases(bases: tuple[ReadBase, ...]) -> str:
    """Return the bases, and how they are read where that is not as they are."""
    marks = {(True, False): " turned", (False, True): " cast", (True, True): " turned, cast"}
    return " + ".join(short(one.oid) + marks.get((one.turned, one.converted), "") for one in bases)
