"""schema.sql is what the declarations say, and the sandbox knows every table."""

from pathlib import Path

import modelhub.catalog
from modelhub.catalog import schema
from modelhub.catalog.query.sandbox import TABLES

FILE = Path(modelhub.catalog.__file__).with_name("schema.sql")


def test_schema_sql_equals_the_declarations():
    assert FILE.read_text() == schema.schema_sql(), (
        "run: python -m modelhub.catalog.schema > modelhub/catalog/schema.sql"
    )


def test_the_sandbox_hides_every_table():
    assert set(schema.METADATA.tables) == TABLES


def test_every_column_of_a_key_is_needed():
    for table in schema.METADATA.tables.values():
        assert table.primary_key.columns
        assert not any(column.nullable for column in table.primary_key.columns)
