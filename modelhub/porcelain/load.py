"""A recorded model file as a lazy mapping from tensor names to arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError
from modelhub.repository.content import find_tensor, read_manifest
from modelhub.repository.objects import Entry, TensorSegment
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array


class LoadedFile(Mapping[str, "Array"]):
    """Tensors by name, each read from the store when it is asked for, and nothing else of the file.

    Arrays are little-endian and read-only (`.copy()` to change one). bfloat16 and 8-bit floats come widened to
    float32, exactly; quantised kinds as flat uint8. `raw` gives a tensor's own bytes.
    """

    def __init__(self, repository: Repository, entry: Entry) -> None:
        self._store = repository.store
        self._manifest = read_manifest(repository, entry)
        if self._manifest is None or not self._manifest.tensors():
            raise InvalidInputError("that file holds no tensors", hint="'mh cat REV:PATH' prints any file")
        views = [view.name for view in self._manifest.views]
        self._names = [segment.name for segment in self._manifest.tensors()] + views

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
        shape, dtype = self.shape_and_dtype(name)
        strides = segment.strides if view is None else view.strides
        bits = f"uint{8 * ORDINARY[dtype]}"
        start = 0 if view is None else view.start
        return to_array(data, bits, shape, strides=strides or _in_order(shape), start=start).tobytes()

    def __getitem__(self, name: str) -> Array:
        from modelhub.weights.arrays import to_array

        segment, view = find_tensor(self._manifest, name)
        data = self._store.read(segment.oid)
        if view is None:
            return to_array(data, segment.dtype, segment.shape, strides=segment.strides)
        strides = view.strides if view.strides is not None else _in_order(view.shape)
        return to_array(data, view.dtype, view.shape, strides=strides, start=view.start)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _in_order(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of an array in C order."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.insert(0, strides[0] * size)
    return tuple(strides[: len(shape)])
