"""Blocks being encoded on threads and written in the order they came, with a bound on what is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct, field

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.block_encoder import Effort, EncodedBlock, encode_block
from modelhub.store.entry import CHECK_NBYTES, Frame, Record
from modelhub.store.foundation import OpenBase, Shared
from modelhub.store.item import Item, Rows
from modelhub.store.pack.writer import PackWriter
from modelhub.store.workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

INLINE_NBYTES = 1 << 13
MAX_IN_FLIGHT = 64


class PendingObject(Struct):
    """An object whose blocks are on their way into the pack. `is_held`: they are as they were when it got its id."""

    oid: str
    kind: str
    size: int
    item: Item
    row_items: int = 0
    bases: tuple[OpenBase, ...] = ()
    shared_ids: frozenset[str] = frozenset()
    effort: Effort = "fast"
    is_held: bool = False
    frames: list[Frame] = field(default_factory=list)
    used: int = 0

    @property
    def is_one_block(self) -> bool:
        """A blob of one block, whose id the check of that block must begin: it need not be hashed twice."""
        return self.kind == "blob" and 0 < self.size <= self.item.block_nbytes

    @property
    def is_to_hash(self) -> bool:
        """Whether only a hash of all blocks tells that they have this id."""
        return not self.is_held and not self.is_one_block

    @property
    def block_check(self) -> bytes | None:
        """The check of its only block, where it is known."""
        return bytes.fromhex(self.oid)[:CHECK_NBYTES] if self.is_held and self.is_one_block else None

    def record(self) -> Record:
        """Return the record, once all frames are there; bases are named only if a frame needs them."""
        bases = self.bases[: self.used]
        return Record(
            oid=self.oid,
            kind=self.kind,
            item=self.item,
            size=self.size,
            block_nbytes=self.item.block_nbytes,
            bases=tuple(base.named for base in bases),
            depth=1 + max(base.handle.entry.record.depth for base in bases) if bases else 0,
            frames=tuple(self.frames),
        )


class _Step(Struct, frozen=True):
    """One thing to write next: a block of an object, or (None) the end of it."""

    owner: PendingObject
    encoded: Callable[[], EncodedBlock] | None
    nbytes: int


class EncodeQueue:
    """Encodes blocks ahead of the pack that they are written to. Used from one thread."""

    def __init__(self, pack: PackWriter, workers: Workers) -> None:
        self._pack = pack
        self._workers = workers
        self._steps: deque[_Step] = deque()
        self._load = 0

    def add_block(self, owner: PendingObject, index: int, block: Bytes) -> None:
        """Start encoding the next block of an object; waits where too much is in flight. Raises as encoding does."""
        nbytes = len(block)
        while self._steps and (self._load + nbytes > self._workers.budget or len(self._steps) >= MAX_IN_FLIGHT):
            self._write_first()
        if nbytes <= INLINE_NBYTES and not owner.bases:
            done = encode_block(block, owner.item, effort=owner.effort)
            self._steps.append(_Step(owner, lambda: done, nbytes))
        else:
            future: Future[EncodedBlock] = self._workers.executor.submit(_encode, owner, index, block)
            self._steps.append(_Step(owner, future.result, nbytes))
        self._load += nbytes

    def end(self, owner: PendingObject) -> None:
        """Say that an object has no more blocks."""
        self._steps.append(_Step(owner, None, 0))

    def flush(self) -> None:
        """Wait until everything is written. Raises what encoding raised."""
        while self._steps:
            self._write_first()

    def _write_first(self) -> None:
        step = self._steps.popleft()
        if step.encoded is None:
            self._pack.finish_entry(step.owner.record())
            return
        self._load -= step.nbytes
        encoded = step.encoded()
        if step.owner.is_one_block and not step.owner.oid.startswith(encoded.frame.block_check.hex()):
            raise changed(step.owner.oid)
        step.owner.frames.append(encoded.frame)
        step.owner.used = max(step.owner.used, encoded.bases_used)
        self._pack.add_frame(encoded.data)


def changed(oid: str) -> IntegrityError:
    """Return the error for content that does not have its id: somebody is writing the file it comes from."""
    return IntegrityError(
        f"the file with object {oid} changed while being read", hint="wait until it is written, then try again"
    )


def _encode(owner: PendingObject, index: int, block: Bytes) -> EncodedBlock:
    shared: Shared = dict.fromkeys(owner.shared_ids)
    try:
        blocks = [base.block(index, owner.item, shared, checked=True) for base in owner.bases]
    except IntegrityError:
        blocks = []  # a damaged base must not stop new work from being saved; fsck reports it
    lead = index * owner.item.block_nbytes // owner.item.nbytes % owner.row_items if owner.row_items else 0
    rows = Rows(owner.row_items, lead)
    return encode_block(block, owner.item, blocks, rows, effort=owner.effort, block_check=owner.block_check)
