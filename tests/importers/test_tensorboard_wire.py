"""Tests of the protobuf reader: what is malformed is refused, whatever it is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import FormatError
from modelhub.importers.tensorboard_events import EventRun
from modelhub.importers.tensorboard_wire import TensorValue, fields, signed


def test_the_fields_of_a_message() -> None:
    data = b"\x08\x96\x01" + b"\x12\x03abc" + b"\x1d\x00\x00\x80\x3f" + b"\x21" + bytes(8)
    assert list(fields(data)) == [(1, 0, 150), (2, 2, b"abc"), (3, 5, b"\x00\x00\x80\x3f"), (4, 1, bytes(8))]
    assert signed((1 << 64) - 5) == -5


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x08\xff",
        b"\x12\x05abc",
        b"\x09abc",
        b"\x0b",
        b"\x08" + b"\xff" * 11,
        b"\x12" + b"\xff" * 9 + b"\x01",
    ],
)
def test_what_is_malformed_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        list(fields(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(data: bytes) -> None:
    for read in (EventRun().add, TensorValue, lambda content: EventRun().add(b"\x2a\x7f" + content.ljust(127, b"\0"))):
        with contextlib.suppress(FormatError, OverflowError):
            read(data)


@pytest.mark.parametrize("event", [b"\x0a\x01a", b"\x09" + b"\xff" * 8, b"\x28\x01", b"\x2a\x02\x08\x01"])
def test_an_event_of_another_shape_is_refused(event: bytes) -> None:
    with pytest.raises(FormatError):
        EventRun().add(event)
