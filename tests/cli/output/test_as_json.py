import dataclasses
import json
import math
from pathlib import PurePosixPath

import msgspec

from modelhub.cli.output.as_json import envelope, one_line, plain, stream_list


@dataclasses.dataclass(frozen=True, slots=True)
class Inner:
    values: tuple[float, ...]
    place: PurePosixPath


class Record(msgspec.Struct, frozen=True):
    oid: str
    inner: Inner


def test_dataclasses_and_structs_become_objects_with_their_fields():
    value = Record("ab" * 32, Inner((1.0, math.nan, math.inf, -math.inf), PurePosixPath("a/b")))
    assert json.loads(envelope("show", value)) == {
        "mh.show/1": {"oid": "ab" * 32, "inner": {"values": [1.0, "nan", "inf", "-inf"], "place": "a/b"}}
    }


def test_bytes_become_hex():
    assert plain({"a": b"\x00\xff"}) == {"a": "00ff"}


def test_a_streamed_list_is_valid_json():
    for values in ([], [1], [1, {"a": [2]}]):
        assert json.loads("\n".join(stream_list("log", iter(values)))) == {"mh.log/1": values}


def test_text_that_the_output_cannot_show_is_escaped_as_json_does():
    assert one_line("ä", ascii_only=True) == '"\\u00e4"'
    assert one_line("ä") == '"ä"'
    assert json.loads(one_line("bad\udcff", ascii_only=True)) == "bad\udcff"
