from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from modelhub.errors import IntegrityError
from modelhub.oid import oid_of
from modelhub.repository.objects import (
    ChunkSegment,
    Commit,
    Entry,
    LiteralSegment,
    Manifest,
    Operation,
    Person,
    TensorSegment,
    Tree,
    ViewRecord,
    decode,
    encode,
    identify,
    metric_value,
)  # fmt: skip

OID = "ab" * 32
PERSON = Person("Ada", "ada@example.org")
RECORDS = [
    Tree({"b": Entry("file", OID, 3), "a": Entry("tree", OID, 0)}),
    Manifest(
        "torch",
        10,
        OID,
        (LiteralSegment(2), TensorSegment(4, OID, "w", "float32", (1,)), ChunkSegment(4, OID)),
        views=(ViewRecord("v", "float32", (1,), None, 0, 0),),
        literals=OID,
        problem="p",
    ),
    Commit(
        OID,
        (OID,),
        PERSON,
        1,
        -60,
        "m",
        params={"lr": 1e-3, "n": 3, "s": "x", "t": True, "z": None},
        metrics={"a": 0.5, "b": "nan"},
    ),
    Operation(None, 0, PERSON, 1, 0, "init", "refs/heads/main", {"refs/heads/main": OID}),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_encoding_round_trips_and_is_canonical(record: Tree | Manifest | Commit | Operation) -> None:
    data = encode(record)
    again = decode(data, type(record), "x")
    assert again == record
    assert encode(again) == data


def test_keys_are_sorted_and_there_is_no_white_space() -> None:
    assert encode(RECORDS[0]).startswith(b'{"entries":{"a":["tree",')
    assert b" " not in encode(RECORDS[0])


def test_the_kinds_are_hashed_apart() -> None:
    data = encode(RECORDS[0])
    assert (
        len(
            {
                oid_of(data),
                oid_of(data, "tree"),
                oid_of(data, "commit"),
                oid_of(data, "manifest"),
                oid_of(data, "operation"),
            }
        )
        == 5
    )


@pytest.mark.parametrize("data", [b"", b"{}", b"[", b'{"entries":{"a":["dir","x",0]}}', b"[" * 100_000])
def test_what_is_no_tree_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode(data, Tree, OID)


def test_metrics_that_are_not_finite_are_written_as_words() -> None:
    assert [metric_value(x) for x in (math.nan, math.inf, -math.inf, 0.5)] == ["nan", "inf", "-inf", 0.5]


def test_the_example_of_the_specification_is_true() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/format/objects.md").read_text()
    example = page.split("## Example", 1)[1]
    content, oid = re.findall(r"^```\n(.*?)\n(.*?)\n```$", example, re.DOTALL | re.MULTILINE)[0]
    tree = Tree({"a": Entry("exec", oid_of(b"x\n\n"), 3)})
    assert encode(tree).decode() == content
    assert identify(tree) == oid
