"""Geometry of torch storages: which runs of bytes the tensors over one storage are, and which are only views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from msgspec.structs import replace

from modelhub.formats import dtypes
from modelhub.formats.extent import TensorExtent, TensorView, refusal
from modelhub.formats.torch_symbols import UNTYPED, Storage, StoredTensor


@dataclass(frozen=True, slots=True)
class Room:
    """Where a storage lies in the file, and its name there."""

    name: str
    offset: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Placed:
    """An extent and the further names over it; the views' index is set when all extents are known."""

    extent: TensorExtent
    views: tuple[TensorView, ...] = ()


@dataclass(frozen=True, slots=True)
class _Window:
    name: str
    tensor: StoredTensor
    start: int
    nbytes: int
    is_dense: bool
    strides: tuple[int, ...] | None


def check_storage(storage: Storage, room: Room, what: str) -> None:
    """Raise UnsupportedModelFile unless the archive has exactly as many bytes as the pickle says."""
    wanted = storage.count * dtypes.dtype(storage.dtype).block_nbytes
    if wanted != room.nbytes:
        raise refusal(f"{what}: storage '{storage.key}' should have {wanted} bytes but has {room.nbytes} (truncated?)")


def place(room: Room, tensors: Sequence[tuple[str, StoredTensor]], what: str, notes: list[str]) -> list[Placed]:
    """Turn the tensors over one storage into extents and views.

    Tensors on the same bytes share an extent. Where tensors overlap in any other way, or skip numbers, the whole
    storage becomes one extent and every tensor a view of it. Raises UnsupportedModelFile for a tensor that reaches
    outside its storage.
    """
    windows = [_window(name, tensor, room, what) for name, tensor in tensors]
    placed = [Placed(_extent(window, room)) for window in windows if not window.nbytes]
    filled = [window for window in windows if window.nbytes]
    runs: dict[tuple[int, int], list[_Window]] = {}
    for window in filled:
        runs.setdefault((window.start, window.nbytes), []).append(window)
    ordered = sorted(runs)
    apart = all(before[0] + before[1] <= after[0] for before, after in pairwise(ordered))
    if apart and all(window.is_dense for window in filled):
        return placed + [_shared(runs[run], room) for run in ordered]
    return [*placed, _whole(filled, room, notes)]


def _window(name: str, tensor: StoredTensor, room: Room, what: str) -> _Window:
    width = dtypes.dtype(tensor.dtype).block_nbytes
    if 0 in tensor.shape:
        return _Window(name, tensor, 0, 0, True, None)
    reach = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    start, nbytes = tensor.offset * width, reach * width
    if start + nbytes > room.nbytes:
        raise refusal(f"{what}: tensor '{name}' ends at byte {start + nbytes} of a storage of {room.nbytes} bytes")
    axes = sorted((stride, size) for size, stride in zip(tensor.shape, tensor.strides, strict=True) if size > 1)
    step = 1
    for stride, size in axes:
        if stride != step:
            return _Window(name, tensor, start, nbytes, False, _settled(tensor))
        step *= size
    return _Window(name, tensor, start, nbytes, True, _settled(tensor))


def _settled(tensor: StoredTensor) -> tuple[int, ...] | None:
    """The strides with 1 for axes of one element, where any would do; None for C order."""
    step = 1
    in_order = True
    for size, stride in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        in_order = in_order and (size == 1 or stride == step)
        step *= size
    if in_order:
        return None
    return tuple(1 if size == 1 else stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))


def _extent(window: _Window, room: Room) -> TensorExtent:
    tensor = window.tensor
    return TensorExtent(
        window.name, tensor.dtype, tensor.shape, room.offset + window.start, window.nbytes, window.strides
    )


def _shared(windows: list[_Window], room: Room) -> Placed:
    first, *others = windows
    return Placed(_extent(first, room), tuple(_view(window, 0) for window in others))


def _view(window: _Window, start: int) -> TensorView:
    return TensorView(window.name, window.tensor.dtype, window.tensor.shape, window.strides, 0, start)


def _whole(windows: list[_Window], room: Room, notes: list[str]) -> Placed:
    """One extent over the storage. A view that repeats numbers is only noted: its size is not bounded by the file's."""
    kind = windows[0].tensor.storage.dtype
    kind = windows[0].tensor.dtype if kind == UNTYPED else kind
    width = dtypes.dtype(kind).block_nbytes
    if room.nbytes % width:
        kind, width = "uint8", 1
    views: list[TensorView] = []
    for window in windows:
        tensor = window.tensor
        if dtypes.nbytes(tensor.dtype, dtypes.element_count(tensor.shape)) > room.nbytes:
            notes.append(f"torch: tensor '{window.name}' repeats the numbers of '{room.name}' and is not listed")
        else:
            views.append(_view(window, tensor.offset))
    return Placed(TensorExtent(room.name, kind, (room.nbytes // width,), room.offset, room.nbytes), tuple(views))


def join(placed: list[Placed]) -> tuple[tuple[TensorExtent, ...], tuple[TensorView, ...]]:
    """Sort the extents of all storages by offset and point the views at them."""
    ordered = sorted(placed, key=lambda item: (item.extent.offset, item.extent.nbytes))
    views = [replace(view, extent=index) for index, item in enumerate(ordered) for view in item.views]
    return tuple(item.extent for item in ordered), tuple(views)
