from modelhub.cli.output.changes_view import change_lines, tally
from modelhub.cli.output.terminal import Terminal
from modelhub.repository.status import FileChange

CHANGES = [FileChange("added", "a"), FileChange("renamed", "c", "b"), FileChange("added", "d\x1b")]


def test_a_letter_tells_the_kind():
    assert list(change_lines(CHANGES, Terminal())) == ["  A  a", "  R  b → c", "  A  d\\x1b"]
    assert "b -> c" in list(change_lines(CHANGES, Terminal(unicode=False)))[1]


def test_the_tally_counts_by_kind():
    assert tally([]) == "no file changed"
    assert tally(CHANGES[:1]) == "1 file added"
    assert tally(CHANGES) == "3 files: 2 added, 1 renamed"
