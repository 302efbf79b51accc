"""A trial says to the byte what storing would take."""

from __future__ import annotations

import numpy as np
import pytest

from modelhub.oid import oid_of
from modelhub.store.entry import Base
from modelhub.store.foundation import OpenBase
from modelhub.store.item import Item
from modelhub.store.trial import trial_nbytes


def keep(store, data: bytes, kind: str, bases: tuple[Base, ...] = (), effort="fast") -> str:
    oid = oid_of(data)
    with store.writer(effort=effort) as writer:
        writer.put_stream(
            oid,
            len(data),
            lambda offset, nbytes: data[offset : offset + nbytes],
            item=Item.of(kind),
            row_items=900,
            bases=[bases] if bases else (),
        )
        writer.publish()
    return oid


@pytest.mark.parametrize("effort", ["fast", "small"])
def test_a_trial_is_what_storing_takes(store, effort: str) -> None:
    """Of two blocks, whose rows do not begin with them."""
    rng = np.random.default_rng(1)
    first = rng.standard_normal((1300, 900)).astype(np.float32)
    step = rng.standard_normal(first.shape).astype(np.float32) * np.float32(1e-3)
    last = first + step * np.float32(1.9)
    one = keep(store, np.ascontiguousarray(first.T).tobytes(), "float32")
    two = keep(store, (first + step).astype(np.float64).tobytes(), "float64")
    waiting = keep(store, last.tobytes(), "float32")
    choices = [(), (Base(two, is_converted=True),), (Base(two, is_converted=True), Base(one, rows=900))]
    handle = store.open(waiting)
    found = [
        trial_nbytes(
            handle,
            Item.of("float32"),
            [OpenBase(base, store.open(base.oid)) for base in bases],
            row_items=900,
            effort=effort,
        )
        for bases in choices
    ]
    for bases, nbytes in zip(choices, found, strict=True):
        store.delete({waiting})
        assert store.info(keep(store, last.tobytes(), "float32", bases, effort)).stored_nbytes == nbytes


def test_a_base_that_does_not_fit_is_told(store, numbers) -> None:
    item, data, _ = numbers("float32", 2000)
    one, other = keep(store, data, "float32"), keep(store, data[:-4], "float32")
    opened = [OpenBase(Base(other), store.open(other))]
    assert trial_nbytes(store.open(one), item, opened) is None
