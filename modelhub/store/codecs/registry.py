"""Which codec has which id; a codec is imported when its id is first met."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from modelhub.errors import FormatError
from modelhub.store.codecs.codec import Codec

RAW = 0
ZSTD = 1
BYTE_PLANES = 2
GROUPED_DELTA = 3
SAME = 4
PLAIN_DELTA = 5
FITTED_DELTA = 6
FITTED_DELTA_OF_TWO = 7
PACKED_PLANES = 8
SEPARATE_PLANES = 9
DECAY_DELTA = 10
DECAY_DELTA_OF_TWO = 11
BINNED_DELTA = 12
FITTED_BINNED_DELTA = 13
FITTED_BINNED_DELTA_OF_TWO = 14
BINNED_DECAY_DELTA = 15
BINNED_DECAY_DELTA_OF_TWO = 16
PACKED_ITEMS = 17
ITEM_DELTA = 18
SPARSE_DELTA = 19
SPARSE_ITEMS = 20

_MODULES: dict[int, tuple[str, str]] = {
    RAW: ("raw", "RAW"),
    ZSTD: ("zstd", "ZSTD"),
    BYTE_PLANES: ("byte_planes", "BYTE_PLANES"),
    GROUPED_DELTA: ("integer_delta", "GROUPED_DELTA"),
    SAME: ("same", "SAME"),
    PLAIN_DELTA: ("integer_delta", "PLAIN_DELTA"),
    FITTED_DELTA: ("fitted_delta", "FITTED_DELTA"),
    FITTED_DELTA_OF_TWO: ("fitted_delta", "FITTED_DELTA_OF_TWO"),
    PACKED_PLANES: ("packed_planes", "PACKED_PLANES"),
    SEPARATE_PLANES: ("separate_planes", "SEPARATE_PLANES"),
    DECAY_DELTA: ("fitted_delta", "DECAY_DELTA"),
    DECAY_DELTA_OF_TWO: ("fitted_delta", "DECAY_DELTA_OF_TWO"),
    BINNED_DELTA: ("binned_delta", "BINNED_DELTA"),
    FITTED_BINNED_DELTA: ("fitted_delta", "FITTED_BINNED_DELTA"),
    FITTED_BINNED_DELTA_OF_TWO: ("fitted_delta", "FITTED_BINNED_DELTA_OF_TWO"),
    BINNED_DECAY_DELTA: ("fitted_delta", "BINNED_DECAY_DELTA"),
    BINNED_DECAY_DELTA_OF_TWO: ("fitted_delta", "BINNED_DECAY_DELTA_OF_TWO"),
    PACKED_ITEMS: ("packed_items", "PACKED_ITEMS"),
    ITEM_DELTA: ("packed_items", "ITEM_DELTA"),
    SPARSE_DELTA: ("sparse_items", "SPARSE_DELTA"),
    SPARSE_ITEMS: ("sparse_items", "SPARSE_ITEMS"),
}

NAMES: dict[int, str] = {
    RAW: "raw",
    ZSTD: "zstd",
    BYTE_PLANES: "byte planes",
    GROUPED_DELTA: "grouped delta",
    SAME: "same",
    PLAIN_DELTA: "integer delta",
    FITTED_DELTA: "fitted delta",
    FITTED_DELTA_OF_TWO: "fitted delta of two",
    PACKED_PLANES: "packed planes",
    SEPARATE_PLANES: "separate planes",
    DECAY_DELTA: "decay delta",
    DECAY_DELTA_OF_TWO: "decay delta of two",
    BINNED_DELTA: "binned delta",
    FITTED_BINNED_DELTA: "fitted binned delta",
    FITTED_BINNED_DELTA_OF_TWO: "fitted binned delta of two",
    BINNED_DECAY_DELTA: "binned decay delta",
    BINNED_DECAY_DELTA_OF_TWO: "binned decay delta of two",
    PACKED_ITEMS: "packed items",
    ITEM_DELTA: "item delta",
    SPARSE_DELTA: "sparse delta",
    SPARSE_ITEMS: "sparse items",
}
"""What people read; here, so that saying how an object is kept needs no codec's libraries."""

BINNED_BY_BASES = (BINNED_DECAY_DELTA, BINNED_DECAY_DELTA_OF_TWO), (FITTED_BINNED_DELTA, FITTED_BINNED_DELTA_OF_TWO)
"""For float32, what is tried where a block is to be as small as it can be: for blocks with rows that only decayed, and
for all, each of one base and of two."""

GROUPED_BY_BASES = (DECAY_DELTA, DECAY_DELTA_OF_TWO), (FITTED_DELTA, FITTED_DELTA_OF_TWO)
"""The same for all other floats."""

CHECKED_FIRST = frozenset(
    {PLAIN_DELTA, GROUPED_DELTA, *GROUPED_BY_BASES[0], *GROUPED_BY_BASES[1], ITEM_DELTA, SPARSE_DELTA}
)
"""Of these frames pcodec reads nearly all, and panics on damage: they are checked before they are decoded. For all
others the check of the block that comes out is enough."""

CODEC_IDS: tuple[int, ...] = tuple(_MODULES)


@cache
def codec(codec_id: int) -> Codec:
    """Return the codec of this id. Raises FormatError for one that this version does not know."""
    if codec_id not in _MODULES:
        raise FormatError(
            f"the stored object uses codec {codec_id}, which is not known here",
            hint="it was written by a newer modelhub: upgrade to read it",
        )
    module, name = _MODULES[codec_id]
    return cast(Codec, getattr(import_module(f"modelhub.store.codecs.{module}"), name))


def codec_names(ids: frozenset[int] | set[int]) -> tuple[str, ...]:
    """Return the names of these codecs, sorted; an unknown one is called by its number."""
    return tuple(sorted(NAMES.get(number, f"codec {number}") for number in ids))
