from __future__ import annotations

from modelhub.oid import KINDS, is_oid, is_prefix, oid_of

EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


def test_a_blob_is_named_by_plain_blake3() -> None:
    assert oid_of(b"") == EMPTY


def test_each_kind_hashes_the_same_bytes_to_another_id() -> None:
    assert len({oid_of(b"x", kind) for kind in KINDS}) == len(KINDS)


def test_only_whole_lower_case_ids_are_ids() -> None:
    assert is_oid(EMPTY)
    assert not any(is_oid(text) for text in (EMPTY[:-1], EMPTY.upper(), EMPTY + "\n", "../" + EMPTY[3:]))


def test_a_prefix_has_at_least_four_digits() -> None:
    assert is_prefix("af13")
    assert not any(is_prefix(text) for text in ("af1", "xyzw", "", "af13 "))
