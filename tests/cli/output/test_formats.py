import csv
import io
import json
import math

from modelhub.cli.output.formats import encode_rows, show_rows
from modelhub.cli.output.terminal import Terminal

COLUMNS = ("name", "value", "note")
ROWS = [("a", 1.5, None), ("b|c", math.nan, 'say "hi",\nnow'), ("d", -math.inf, b"\x01\xff")]


def encode(style, rows=ROWS):
    return "\n".join(encode_rows(style, "query", COLUMNS, iter(rows)))


def test_json_is_one_object_in_a_versioned_envelope():
    assert json.loads(encode("json")) == {
        "mh.query/1": [
            {"name": "a", "value": 1.5, "note": None},
            {"name": "b|c", "value": "nan", "note": 'say "hi",\nnow'},
            {"name": "d", "value": "-inf", "note": "01ff"},
        ]
    }


def test_no_rows_are_an_empty_list():
    assert json.loads(encode("json", [])) == {"mh.query/1": []}
    assert encode("jsonl", []) == ""
    assert encode("csv", []) == "name,value,note"


def test_jsonl_is_one_object_a_line():
    assert [json.loads(line)["name"] for line in encode("jsonl").splitlines()] == ["a", "b|c", "d"]


def test_csv_reads_back():
    rows = list(csv.reader(io.StringIO(encode("csv"), newline="")))
    assert rows == [
        ["name", "value", "note"],
        ["a", "1.5", ""],
        ["b|c", "nan", 'say "hi",\nnow'],
        ["d", "-inf", "01ff"],
    ]


def test_markdown_escapes_what_would_break_the_table():
    lines = encode("md").splitlines()
    assert lines[0] == "| name | value | note          |"
    assert lines[1] == "|------|------:|---------------|"
    assert lines[3].startswith("| b\\|c |")
    assert len(lines) == 5


def test_floats_keep_every_digit():
    assert encode("csv", [("a", 0.1 + 0.2, None)]).splitlines()[1] == "a,0.30000000000000004,"


def test_a_wide_table_is_listed_row_by_row_on_a_narrow_terminal():
    columns = [f"column{number}" for number in range(12)]
    rows = [[f"value number {number}" for number in range(12)]]
    lines = list(show_rows(columns, rows, Terminal(interactive=True, width=60)))
    assert lines[0] == "row 1"
    assert len(lines) == 13
    assert len(list(show_rows(columns, rows, Terminal()))) == 2


def test_shown_values_cannot_move_the_cursor():
    assert "\x1b" not in "\n".join(show_rows(["a\x1b"], [["\x1b[2J"]], Terminal()))
