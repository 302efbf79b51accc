"""A diff for people who train: files, params and metrics side by side, and how far each tensor or layer moved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from modelhub.cli.output.changes_view import LETTERS, STYLES, change_name
from modelhub.cli.output.layers import Layer, group_by_layer
from modelhub.cli.output.quantities import bar, change, closeness, count, number, share, size, small
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import abbreviate, clean, cut_middle

if TYPE_CHECKING:
    from modelhub.porcelain.diff import DiffResult, FileDiff, ValueDiff
    from modelhub.porcelain.tensor_diff import TensorDiff

MOST_ROWS = 20
BAR_CELLS = 8


def diff_lines(result: DiffResult, terminal: Terminal, *, every_tensor: bool = False) -> Iterator[str]:
    """Yield the lines of a diff. Long lists of tensors are grouped by layer unless `every_tensor`."""
    yield terminal.style(f"{clean(result.before)} .. {clean(result.after)}", "bold")
    if result.files:
        yield from _titled("files", terminal)
        yield from render(
            _FILE_COLUMNS, [_file_row(file, terminal) for file in result.files], terminal, indent=2, header=False
        )
    for title, values in (("params", result.params), ("metrics", result.metrics)):
        if values:
            yield from _titled(title, terminal)
            yield from _value_lines(values, terminal)
    yield from _tensor_lines(result, terminal, every_tensor=every_tensor)
    for note in result.notes:
        yield f"  note: {clean(note)}"


def _titled(title: str, terminal: Terminal) -> Iterator[str]:
    yield ""
    yield terminal.style(title, "bold")


_FILE_COLUMNS = (Column(), Column(least=12, cut=cut_middle), Column(right=True, rank=1), Column(rank=2))


def _file_row(file: FileDiff, terminal: Terminal) -> Row:
    letter = Cell(LETTERS[file.kind], (STYLES[file.kind],))
    after = file.size_after if file.size_after is not None else file.size_before
    grown = ""
    if file.size_before is not None and file.size_after is not None and file.size_before != file.size_after:
        grown = _grown(file.size_before, file.size_after)
    return (letter, change_name(file, terminal), "" if after is None else size(after), grown)


def _grown(before: int, after: int) -> str:
    """Return 'was 900 B', or by how much a size differs that reads the same."""
    if size(before) != size(after):
        return f"was {size(before)}"
    return f"{size(abs(after - before))} {'more' if after > before else 'less'}"


_VALUE_COLUMNS = (
    Column(least=8, cut=cut_middle),
    Column("before", right=True, least=8),
    Column("after", right=True, least=8),
    Column("change", rank=1),
)


def _value_lines(values: Sequence[ValueDiff], terminal: Terminal) -> Iterator[str]:
    rows = [
        (
            clean(value.name),
            clean(number(value.before)),
            Cell(clean(number(value.after)), ("bold",)),
            change(value.before, value.after),
        )
        for value in values
    ]
    yield from render(_VALUE_COLUMNS, rows, terminal, indent=2)


def _tensor_lines(result: DiffResult, terminal: Terminal, *, every_tensor: bool) -> Iterator[str]:
    if not result.tensors:
        return
    paths = list(dict.fromkeys(tensor.path for tensor in result.tensors))
    for path in paths:
        of_file = [tensor for tensor in result.tensors if tensor.path == path]
        moved = [tensor for tensor in of_file if tensor.change in ("changed", "dtype") and tensor.relative is not None]
        others = [tensor for tensor in of_file if tensor not in moved]
        yield from _titled(f"tensors of {clean(path)}", terminal)
        yield from _moved_lines(moved, terminal, every_tensor=every_tensor)
        yield from _other_lines(others, terminal, every_tensor=every_tensor)
    if result.unchanged_tensors:
        unchanged = f"{count(result.unchanged_tensors, 'tensor')} unchanged"
        if len(paths) == 1:
            yield terminal.style(f"  {unchanged}", "dim")
        else:
            yield ""
            yield terminal.style(f"{unchanged} in all of these files", "dim")


_MOVED_COLUMNS = (
    Column("tensor", least=24, cut=abbreviate),
    Column("", rank=5),
    Column("", rank=2),
    Column("relative", right=True),
    Column("cosine", right=True, rank=4),
    Column("largest", right=True, rank=3),
    Column("changed", right=True, rank=6),
    Column("", rank=1),
)


def _moved_lines(tensors: Sequence[TensorDiff], terminal: Terminal, *, every_tensor: bool) -> Iterator[str]:
    if not tensors:
        return
    long = len(tensors) > MOST_ROWS and not every_tensor
    layers = group_by_layer(tensors) if long else [Layer(tensor.name, (tensor,)) for tensor in tensors]
    shown = layers if every_tensor else layers[: 2 * MOST_ROWS]
    top = max((layer.relative for layer in layers if math.isfinite(layer.relative)), default=0.0)
    rows = [_moved_row(layer, top, terminal) for layer in shown]
    yield from render(_MOVED_COLUMNS, rows, terminal, indent=2)
    if long:
        hidden = f"{len(layers) - len(shown)} more; " if len(shown) < len(layers) else ""
        yield terminal.style(f"  {hidden}{count(len(tensors), 'tensor')} moved; --all lists each", "dim")


def _moved_row(layer: Layer, top: float, terminal: Terminal) -> Row:
    relative = layer.relative
    part = 0.0 if not top else relative / top if math.isfinite(relative) else 1.0
    remark, style = _remark(layer)
    return (
        clean(layer.name),
        Cell(count(len(layer.tensors), "tensor") if len(layer.tensors) > 1 else "", ("dim",)),
        Cell(bar(part, BAR_CELLS, unicode=terminal.unicode), ("cyan",)),
        small(relative),
        closeness(layer.cosine),
        small(layer.largest),
        share(layer.changed),
        Cell(remark, style),
    )


def _remark(layer: Layer) -> tuple[str, tuple[str, ...]]:
    """What a person must not miss: new NaNs and infinities, another dtype."""
    said = []
    if layer.new_nans:
        said.append(f"{count(layer.new_nans, 'new NaN')}")
    if layer.new_infs:
        said.append(f"{count(layer.new_infs, 'new Inf')}")
    kinds = sorted({f"{t.dtype_before} to {t.dtype_after}" for t in layer.tensors if t.change == "dtype"})
    return ", ".join(said + kinds), ("red",) if said else ("yellow",)


_OTHER_COLUMNS = (Column(), Column(least=12, cut=cut_middle), Column(least=10), Column(rank=1, least=8))


def _other_lines(tensors: Sequence[TensorDiff], terminal: Terminal, *, every_tensor: bool) -> Iterator[str]:
    """Tensors that have no measure of movement: added, removed, of another shape, or not numeric."""
    for kind in ("added", "removed", "shape", "dtype", "changed"):
        of_kind = [tensor for tensor in tensors if tensor.change == kind]
        if not of_kind:
            continue
        long = len(of_kind) > MOST_ROWS and not every_tensor
        layers = group_by_layer(of_kind) if long else [Layer(tensor.name, (tensor,)) for tensor in of_kind]
        shown = layers if every_tensor else layers[: 2 * MOST_ROWS]
        yield from render(
            _OTHER_COLUMNS, [_other_row(kind, layer) for layer in shown], terminal, indent=2, header=False
        )
        if long:
            hidden = f"{len(layers) - len(shown)} more; " if len(shown) < len(layers) else ""
            word = {"shape": "of another shape", "dtype": "of another dtype"}.get(kind, kind)
            yield terminal.style(f"  {hidden}{count(len(of_kind), 'tensor')} {word}; --all lists each", "dim")


_OTHER_WORDS = {
    "added": ("+", "green"), "removed": ("-", "red"), "shape": ("shape", "yellow"), "dtype": ("dtype", "yellow"),
    "changed": ("changed", "yellow"),
}  # fmt: skip


def _other_row(kind: str, layer: Layer) -> Row:
    word, style = _OTHER_WORDS[kind]
    first = layer.tensors[0]
    if len(layer.tensors) > 1:
        return (Cell(word, (style,)), clean(layer.name), count(len(layer.tensors), "tensor"), "")
    dtypes = _was_is(first.dtype_before, first.dtype_after)
    shapes = _was_is(_shape(first.shape_before), _shape(first.shape_after))
    return (Cell(word, (style,)), clean(layer.name), shapes, dtypes)


def _shape(shape: Sequence[int] | None) -> str | None:
    return None if shape is None else f"[{', '.join(map(str, shape))}]"


def _was_is(before: str | None, after: str | None) -> str:
    if before is None or after is None or before == after:
        return (after if after is not None else before) or ""
    return f"{before} to {after}"
