"""A recorded model file as a lazy mapping from tensor names to arrays: all of it, some tensors, or some rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.repository.content import find_tensor, read_manifest
from modelhub.repository.objects import Entry, TensorSegment, ViewRecord
from modelhub.repository.repository import Repository
from modelhub.weights.region import Region, in_order

if TYPE_CHECKING:
    from modelhub.store.object_store import ObjectStore
    from modelhub.store.top_bytes import Top
    from modelhub.weights.arrays import Array
    from modelhub.weights.bounds import Bounds

Rows = slice | range
"""Which rows of a tensor are meant: indices on its first axis, with Python's rules."""


class LoadedFile(Mapping[str, "Array"]):
    """Tensors by name, each read from the store when it is asked for, and nothing else of the file.

    With `tensors` only these are there (PathNotFound for one that the file has not); with `rows` each array has only
    these rows of its tensor, and only the blocks that hold them are read and decoded, also of what a delta builds on.
    Every block is checked before anything of it is delivered, and a tensor that is read whole against its id.

    Arrays are little-endian and read-only (`.copy()` to change one). bfloat16 and 8-bit floats come widened to
    float32, exactly; quantised kinds as flat uint8. `info`, `raw` and `in_order` are of the whole tensor.
    """

    def __init__(
        self,
        repository: Repository,
        entry: Entry,
        *,
        tensors: Sequence[str] | None = None,
        rows: Rows | None = None,
    ) -> None:
        self._store = repository.store
        self._rows = None if rows is None else as_slice(rows)
        self._manifest = read_manifest(repository, entry)
        if self._manifest is None or not self._manifest.tensors():
            raise InvalidInputError("that file holds no tensors", hint="'mh cat REV:PATH' prints any file")
        views = [view.name for view in self._manifest.views]
        self._names = [segment.name for segment in self._manifest.tensors()] + views
        if tensors is not None:
            self._names = [self._known(name) for name in dict.fromkeys(_as_names(tensors))]

    @property
    def format(self) -> str:
        """The kind of model file, such as "safetensors" or "torch"."""
        return "" if self._manifest is None else self._manifest.format

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of itself (the metadata of a safetensors file, for instance)."""
        return {} if self._manifest is None else dict(self._manifest.metadata)

    def info(self, name: str) -> TensorSegment:
        """Return dtype, shape and size of the tensor that holds this name's bytes. Raises PathNotFound (a KeyError)."""
        return find_tensor(self._manifest, name)[0]

    def shape_and_dtype(self, name: str) -> tuple[tuple[int, ...], str]:
        """Return what is known of a name without reading it, of a view its own shape. Raises PathNotFound."""
        segment, view = find_tensor(self._manifest, name)
        return (segment.shape, segment.dtype) if view is None else (view.shape, view.dtype)

    def raw(self, name: str) -> bytes:
        """Return a tensor's bytes as they lie in the file, verified. Raises PathNotFound, IntegrityError."""
        return self._store.read(self.info(name).oid)

    def in_order(self, name: str) -> bytes:
        """Return the bytes of a tensor, or of just a view, in C order. Raises PathNotFound, IntegrityError."""
        from modelhub.formats.dtypes import ORDINARY
        from modelhub.weights.arrays import to_array

        segment, view = find_tensor(self._manifest, name)
        data = self._store.read(segment.oid)
        if view is None and segment.strides is None:
            return data
        found = region_of(segment, view)
        bits = f"uint{8 * ORDINARY[found.dtype]}"
        return to_array(data, bits, found.shape, strides=found.strides, start=found.start).tobytes()

    def __getitem__(self, name: str) -> Array:
        oid, region = self._region(name)
        return region.array(self._store.read(oid) if self._rows is None else read_region(self._store, oid, region))

    def bounds(self, name: str, precision: int) -> Bounds:
        """Return between which numbers those of a tensor lie, by the `precision` high-order bytes of each.

        Only these are read where the tensor's planes are separate (`mh repack --progressive`). Raises as reading it,
        and InvalidInputError for a precision below 1.
        """
        from modelhub.store.top_bytes import Top
        from modelhub.weights.bounds import bounds, number_nbytes

        _check_precision(precision)
        oid, region = self._region(name)
        width = number_nbytes(region.dtype)
        if precision >= width and self._rows is None:
            return bounds(region, self._store.read(oid), precision)
        return bounds(region, read_region(self._store, oid, region, Top(precision, width)), precision)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _region(self, name: str) -> tuple[str, Region]:
        """Return which object holds what is wanted of a tensor, and where in it."""
        segment, view = find_tensor(self._manifest, self._known(name))
        whole = region_of(segment, view)
        return segment.oid, whole if self._rows is None else whole.rows(self._rows)

    def _known(self, name: str) -> str:
        """Return a name of this mapping. Raises PathNotFound, which names what is near."""
        if name in self._names:
            return name
        find_tensor(self._manifest, name)
        raise PathNotFound(f"'{name}' is none of the tensors that were asked for", hint="name it in 'tensors'")


class LoadedBounds(Mapping[str, "Bounds"]):
    """The bounds of tensors by name, by so many high-order bytes of each number; each read when it is asked for.

    `file` has the tensors, its names and its rows.
    """

    def __init__(self, file: LoadedFile, precision: int) -> None:
        _check_precision(precision)
        self.file = file
        self.precision = precision

    def __getitem__(self, name: str) -> Bounds:
        return self.file.bounds(name, self.precision)

    def __iter__(self) -> Iterator[str]:
        return iter(self.file)

    def __len__(self) -> int:
        return len(self.file)


def region_of(segment: TensorSegment, view: ViewRecord | None) -> Region:
    """Return where a tensor, or a view into one, lies in the tensor's bytes."""
    if view is None:
        return Region(segment.dtype, segment.shape, segment.nbytes, segment.strides)
    strides = view.strides if view.strides is not None else in_order(view.shape)
    return Region(view.dtype, view.shape, segment.nbytes, strides, view.start)


def read_region(store: ObjectStore, oid: str, region: Region, top: Top | None = None) -> bytes:
    """Return the bytes of a region, reading only the blocks they lie in, as `StoredObject.read` does."""
    return store.open(oid).read(region.offset, region.nbytes, top)


def as_slice(rows: Rows) -> slice:
    """Return rows as a slice. Raises InvalidInputError for what is no slice of whole numbers and no range from 0 on."""
    try:
        if not isinstance(rows, range):
            rows.indices(0)
            return rows
        if not rows:
            return slice(0, 0)
        if min(rows[0], rows[-1]) >= 0:
            return slice(rows.start, rows.stop if rows.stop >= 0 else None, rows.step)
    except (AttributeError, TypeError, ValueError):
        pass
    raise InvalidInputError(f"{rows!r} is no choice of rows", hint="rows=slice(0, 100), or slice(-100, None)")


def _check_precision(precision: int) -> None:
    if isinstance(precision, bool) or not isinstance(precision, int) or precision < 1:
        raise InvalidInputError(f"a precision of {precision!r} bytes is not possible", hint="it is 1, 2, 3, ...")


def _as_names(tensors: Sequence[str]) -> Sequence[str]:
    if isinstance(tensors, str) or not all(isinstance(name, str) for name in tensors):
        raise InvalidInputError("tensors is no list of names", hint="tensors=['encoder.weight', 'encoder.bias']")
    return tensors
