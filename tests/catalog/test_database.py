"""The database file is made whole, opened only if it can be trusted, and replaced in one step."""

import sqlite3
import subprocess
import sys

import pytest

from modelhub.catalog import database
from modelhub.catalog.database import CatalogUnusableError


def test_a_new_catalog_reflects_no_operation_until_it_is_marked(tmp_path):
    connection = database.create_catalog(tmp_path / "catalog.db")
    assert not database.is_current(connection, "abc")
    with database.transaction(connection):
        database.mark_current(connection, "abc")
    assert database.is_current(connection, "abc")
    assert not database.is_current(connection, "abd")
    connection.close()


def test_a_failed_transaction_leaves_nothing(catalog):
    connection = database.open_catalog(catalog)
    with pytest.raises(ZeroDivisionError), database.transaction(connection):
        database.set_meta(connection, "note", "x")
        raise ZeroDivisionError
    assert database.meta(connection, "note") is None
    connection.close()


def test_the_catalog_is_opened_durably_and_without_wal(catalog):
    connection = database.open_catalog(catalog)
    settings = [connection.execute(f"pragma {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert settings == ["delete", 2]
    connection.close()


@pytest.mark.parametrize("opened", [database.open_catalog, database.open_catalog_read_only])
@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "short", "version", "foreign", "folder"])
def test_an_unusable_file_asks_to_be_rebuilt(catalog, damage, opened):
    data = catalog.read_bytes()
    catalog.unlink()
    if damage == "folder":
        catalog.mkdir()
    elif damage in ("version", "foreign"):
        connection = sqlite3.connect(catalog)
        connection.execute(
            "create table mh_meta (key text, value text)" if damage == "version" else "create table t (x)"
        )
        connection.close()
    elif damage != "missing":
        catalog.write_bytes({"empty": b"", "garbage": b"x" * 8192, "short": data[:5000]}[damage])
    with pytest.raises(CatalogUnusableError):
        opened(catalog)


def test_a_read_only_connection_makes_no_file(tmp_path):
    with pytest.raises(CatalogUnusableError):
        database.open_catalog_read_only(tmp_path / "none.db")
    with pytest.raises(CatalogUnusableError):
        database.open_catalog(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_replacing_takes_the_old_file_and_its_journal_away(catalog):
    journal = catalog.with_name("catalog.db-journal")
    journal.write_bytes(b"old")
    new = catalog.with_name("new.tmp")
    database.create_catalog(new).close()
    database.replace_catalog(new, catalog)
    assert [path.name for path in catalog.parent.iterdir()] == ["catalog.db"]
    connection = database.open_catalog(catalog)
    assert not database.is_current(connection, "x")
    connection.close()


def test_replacing_works_where_there_was_none(catalog):
    moved = catalog.with_name("new.tmp")
    catalog.rename(moved)
    database.replace_catalog(moved, catalog)
    assert [path.name for path in catalog.parent.iterdir()] == ["catalog.db"]


def test_sqlites_own_check_names_damage(catalog):
    connection = database.open_catalog(catalog)
    assert database.damages(connection) == []
    connection.close()
    data = bytearray(catalog.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    catalog.write_bytes(data)
    connection = sqlite3.connect(catalog)
    assert database.damages(connection)
    connection.close()


def test_reading_the_catalog_does_not_import_sqlalchemy_or_numpy():
    modules = "modelhub.catalog.query.sql, modelhub.catalog.rows"
    code = f"import sys, {modules}; print({{'sqlalchemy', 'numpy'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
