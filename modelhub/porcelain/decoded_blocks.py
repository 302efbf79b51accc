"""Decoded blocks of tensors, the last used ones kept: a base is asked for by many tensors."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.files import Bytes

MOST_BLOCKS = 48
"""So many are kept in memory, up to 4 MiB each (8 of float64)."""


class DecodedBlocks:
    """Any thread may ask."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._kept: OrderedDict[tuple[str, int, int], Bytes] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, oid: str, index: int, *, rows: int = 0) -> Bytes:
        """Return a block, verified; with `rows` one of the transpose of a matrix of so many rows.

        Raises IntegrityError, ObjectNotFound. Cost of a transpose: the whole matrix is decoded.
        """
        key = (oid, rows, index)
        with self._lock:
            found = self._kept.pop(key, None)
        if found is None:
            one = self._repo.store.open(oid)
            found = bytes(one.turned_block(rows, index)) if rows else one.block(index)
        with self._lock:
            self._kept[key] = found
            if len(self._kept) > MOST_BLOCKS:
                self._kept.popitem(last=False)
        return found

    def read(self, oid: str, offset: int, nbytes: int, *, block_nbytes: int) -> Bytes:
        """Return bytes that lie within one block."""
        index, at = divmod(offset, block_nbytes)
        return memoryview(self.of(oid, index))[at : at + nbytes]
