"""The codec raw keeps the contract."""

from __future__ import annotations

import pytest
from contracts.codec import CodecContract

from modelhub.errors import IntegrityError
from modelhub.store.codecs.raw import RAW
from modelhub.store.item import BYTES


class TestRaw(CodecContract):
    codec = RAW

    def test_another_length_is_refused(self) -> None:
        with pytest.raises(IntegrityError):
            RAW.decode(b"abc", 4, BYTES, None)
