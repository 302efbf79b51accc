"""Arrow readers get the values, the types and the names of a query's rows."""

import io
import sys

import pytest

from modelhub.catalog.query.arrow import arrow_file, arrow_stream, parquet_file, unique_names
from modelhub.catalog.query.result import QueryResult
from modelhub.errors import StateError

ROWS = [(1, 1.5, "é", None, b"\x00", 3), (None, 2, None, None, None, "x")]
RESULT = QueryResult(["a", "b", "c", "d", "e", "a"], ROWS)
EXPECTED = {
    "a": [1, None], "b": [1.5, 2.0], "c": ["é", None], "d": [None, None], "e": [b"\x00", None], "a_1": ["3", "x"],
}  # fmt: skip


def _columns(table):
    return {name: [value.as_py() for value in table[name]] for name in table.column_names}


@pytest.mark.parametrize(
    ("write", "read"), [(arrow_file, "read_ipc"), (arrow_stream, "read_ipc_stream"), (parquet_file, "read_parquet")]
)
def test_what_is_written_is_read_back(write, read):
    arro3_io, core = pytest.importorskip("arro3.io"), pytest.importorskip("arro3.core")
    table = core.Table.from_arrow(getattr(arro3_io, read)(io.BytesIO(write(RESULT))))
    assert _columns(table) == EXPECTED
    assert [str(field.type).strip() for field in table.schema] == [
        f"arro3.core.DataType<{kind}>" for kind in ("Int64", "Float64", "Utf8", "Utf8", "Binary", "Utf8")
    ]


@pytest.mark.parametrize("write", [arrow_file, arrow_stream, parquet_file])
def test_a_result_without_rows_keeps_its_columns(write):
    arro3_io = pytest.importorskip("arro3.io")
    read = {arrow_file: "read_ipc", arrow_stream: "read_ipc_stream", parquet_file: "read_parquet"}[write]
    reader = getattr(arro3_io, read)(io.BytesIO(write(QueryResult(["a", "b"], []))))
    assert reader.schema.names == ["a", "b"]
    assert reader.read_all().num_rows == 0


def test_pandas_and_pyarrow_read_it_directly():
    pyarrow = pytest.importorskip("pyarrow")
    assert pyarrow.table(RESULT).to_pydict() == EXPECTED


def test_polars_reads_it_directly():
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(RESULT).to_dict(as_series=False) == EXPECTED


def test_duckdb_reads_it_directly():
    duckdb = pytest.importorskip("duckdb")
    answer = RESULT
    assert duckdb.sql("select b, c from answer").fetchall() == [(1.5, "é"), (2.0, None)]
    assert answer is RESULT


def test_names_become_unique_and_never_collide():
    assert unique_names(["a", "a", "a_1", "a", "b"]) == ["a", "a_2", "a_1", "a_3", "b"]


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "arro3.io", None)
    with pytest.raises(StateError) as caught:
        parquet_file(QueryResult(["a"], [(1,)]))
    assert "modelhub[arrow]" in caught.value.hint
