"""Every view is declared as it is, documented as it is declared, and its example runs."""

import re
from pathlib import Path

import pytest

from modelhub.catalog import database
from modelhub.catalog.query import sql
from modelhub.catalog.query.additions import Additions
from modelhub.catalog.views.reference import reference_page
from modelhub.catalog.views.registry import BY_NAME, VIEWS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sql-views.md"
EXAMPLES = re.findall(r"```sql\n(.*?)\n```", reference_page(), re.DOTALL)
PYTHON_TYPES = {"text": str, "integer": int, "real": (int, float)}


def additions():
    """What the views of points and of lineage call, in their simplest form."""
    names = ("mh_step", "mh_time", "mh_value", "mh_distance")
    return Additions({name: lambda series, index: index for name in names}, {})


def test_the_reference_page_is_up_to_date():
    assert PAGE.read_text() == reference_page(), "run: python -m modelhub.catalog.views > docs/reference/sql-views.md"


def test_names_are_unique_and_columns_too():
    assert len(BY_NAME) == len(VIEWS)
    for view in VIEWS:
        assert len({column.name for column in view.columns}) == len(view.columns)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_the_columns_it_declares(catalog, view):
    result = sql.run(catalog, f"select * from {view.name}", additions=additions())
    assert list(result.columns) == [column.name for column in view.columns]
    assert len(result) > 0
    for row in result:
        for value, column in zip(row, view.columns, strict=True):
            assert value is None or isinstance(value, PYTHON_TYPES[column.type]), column.name
            assert value is not None or column.null is not None, f"{column.name} is NULL without saying why"


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_an_example_runs_on_a_full_and_an_empty_catalog(catalog, view):
    assert view.example in EXAMPLES
    sql.run(catalog, view.example, additions=additions())
    connection = database.create_catalog(None)
    assert list(sql.run(None, view.example, in_memory=connection, additions=additions())) == []
    connection.close()
