import re
from pathlib import Path

from modelhub import errors
from modelhub.cli.exit_codes import MEANINGS, exit_code

DOCS = Path(__file__).parents[2] / "docs" / "reference"


def subclasses(kind):
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == "modelhub.errors":
            yield from subclasses(child)


def table_rows(page):
    lines = [line for line in (DOCS / page).read_text("utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


def test_each_kind_of_error_has_a_documented_code():
    documented = {row[0]: (row[1], row[2]) for row in table_rows("errors.md")}
    assert documented == {
        f"`{kind.kind}`": (kind.__name__, str(exit_code(kind))) for kind in subclasses(errors.ModelHubError)
    }


def test_every_documented_error_says_what_to_do():
    assert all(len(row) == 5 and all(row) for row in table_rows("errors.md"))


def test_the_page_of_exit_codes_is_the_table_in_the_code():
    documented = {int(code): meaning.replace("\\|", "|") for code, meaning in table_rows("exit-codes.md")}
    assert documented == MEANINGS


def test_kinds_are_unique():
    kinds = [kind.kind for kind in subclasses(errors.ModelHubError)]
    assert len(kinds) == len(set(kinds))
