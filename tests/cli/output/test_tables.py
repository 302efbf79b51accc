import pytest

from modelhub.cli.output.tables import Cell, Column, fits, render
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import cell_width, cut_middle

COLUMNS = (
    Column("tensor", least=12, cut=cut_middle),
    Column("relative", right=True),
    Column("cosine", right=True, rank=2),
    Column("largest", right=True, rank=1),
)
ROWS = [
    ("encoder.layer.11.attention.self.query.weight", "0.0120", "0.99994", "0.0312"),
    ("模型.weight", "0.5", "0.9", "1"),
]


def test_columns_are_aligned():
    assert list(render((Column("name"), Column("n", right=True)), [("a", "10"), ("bcd", "5")], Terminal())) == [
        "name   n",
        "a     10",
        "bcd    5",
    ]


def test_off_a_terminal_nothing_is_cut():
    assert any(ROWS[0][0] in line for line in render(COLUMNS, ROWS, Terminal()))


@pytest.mark.parametrize("width", range(22, 200, 7))
@pytest.mark.parametrize("unicode", [True, False])
def test_a_table_fits_the_terminal(width, unicode):
    terminal = Terminal(interactive=True, width=width, unicode=unicode)
    lines = list(render(COLUMNS, ROWS, terminal))
    assert max(map(cell_width, lines)) <= width
    assert "0.0120" in lines[1]


def test_the_least_important_column_goes_first():
    header = next(iter(render(COLUMNS, ROWS, Terminal(width=34))))
    assert "largest" in header
    assert "cosine" not in header


def test_an_empty_column_takes_no_room():
    assert list(render((Column(), Column(), Column()), [("a", "", "b")], Terminal(), header=False)) == ["a  b"]


def test_styles_do_not_count_as_width():
    lines = list(
        render((Column(), Column()), [(Cell("ab", ("red",)), "c"), ("abcd", "d")], Terminal(colour=True), header=False)
    )
    assert lines == ["\x1b[31mab\x1b[0m    c", "abcd  d"]


def test_a_table_says_whether_it_fits():
    assert fits(COLUMNS, ROWS, Terminal(width=60))
    assert not fits(COLUMNS, ROWS, Terminal(width=30))
    assert fits(COLUMNS, ROWS, Terminal())


def test_an_empty_table_has_only_its_titles():
    assert list(render((Column("a"), Column("b")), [], Terminal())) == ["a  b"]
