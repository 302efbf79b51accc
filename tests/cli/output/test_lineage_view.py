"""Lineage is drawn as a tree that fits the terminal; what repeats and what is plain history takes one line."""

import pytest

from modelhub.cli.output.lineage_view import lineage_lines
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import cell_width
from modelhub.porcelain.lineage import LineageEdge, LineageNode, LineageResult

PLAIN = Terminal(unicode=True)


def node(number, path="", name=""):
    commit = "" if name else f"{number:064x}"[::-1]
    return LineageNode(
        commit, path or ("" if name else f"m{number}.pt"), "f" * 64, name, "outside" if name else "model"
    )


def graph(count, edges, *, up=True, nodes=None):
    nodes = nodes or tuple(node(number) for number in range(count))
    made = tuple(LineageEdge(*(edge if len(edge) == 5 else (*edge, "fine-tune", "declared", None))) for edge in edges)
    return LineageResult(nodes[0].commit if nodes else "", "", up, tuple(nodes), made)


def draw(result, terminal=PLAIN, *, unicode=True):
    return list(lineage_lines(result, terminal, unicode=unicode))


def shape(result):
    """The tree without ids."""
    return [line.rsplit("  ", 1)[0] if line.endswith("0") else line for line in draw(result)]


def test_a_tree_of_parents():
    lines = draw(graph(4, [(0, 1), (0, 2), (1, 3)]))
    assert [line.partition("fine")[0] for line in lines[1:]] == ["├─ ", "│  └─ ", "└─ "]
    assert lines[0].startswith("m0.pt  0000000000")
    assert "fine-tune (declared)  m1.pt  1" in lines[1]


def test_descendants_go_the_other_way():
    lines = draw(graph(3, [(1, 0), (2, 1)], up=False))
    assert [line.split()[-2] for line in lines] == ["m0.pt", "m1.pt", "m2.pt"]


def test_ascii_letters():
    lines = draw(graph(3, [(0, 1), (0, 2)]), unicode=False)
    assert lines[1].startswith("|- ")
    assert lines[2].startswith("`- ")
    assert all(line.isascii() for line in lines)


def test_a_node_met_again_is_marked_and_not_drawn_again():
    lines = draw(graph(5, [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]))
    assert sum("m4.pt" in line for line in lines) == 1
    assert [line for line in lines if "(shown above)" in line] == [lines[-1]]


def test_a_leaf_met_again_needs_no_mark():
    assert not any("above" in line for line in draw(graph(4, [(0, 1), (0, 2), (1, 3), (2, 3)])))


def test_a_circle_ends():
    lines = draw(graph(2, [(0, 1), (1, 0), (0, 0)]))
    assert len(lines) == 4
    assert draw(graph(0, [])) == []


def test_long_history_is_folded():
    edges = [(number, number + 1, "version", "history", None) for number in range(40)]
    lines = draw(graph(41, edges))
    assert len(lines) == 2
    assert "history, … 39 versions between  m40.pt" in lines[1]


def test_short_history_is_not():
    edges = [(number, number + 1, "version", "history", None) for number in range(3)]
    assert len(draw(graph(4, edges))) == 4


def test_history_is_folded_only_up_to_what_else_is_known():
    edges = [(number, number + 1, "version", "history", None) for number in range(20)]
    lines = draw(graph(22, [*edges, (10, 21)]))
    assert "… 9 versions between  m10.pt" in lines[1]
    assert "m21.pt" in "".join(lines)
    assert "m20.pt" in "".join(lines)


def test_a_thousand_generations_stay_readable():
    lines = draw(graph(1001, [(number, number + 1) for number in range(1000)]))
    assert len(lines) == 1001
    assert max(map(len, lines)) < 100


@pytest.mark.parametrize("width", [20, 30, 40, 80])
def test_lines_fit_the_terminal(width):
    nodes = (
        node(0, "checkpoints/a-very-long-name-of-a-folder/model.safetensors"),
        node(1, "日本語" * 20),
        node(2, "", "org/x" * 30),
    )
    lines = draw(graph(3, [(0, 1), (1, 2)], nodes=nodes), Terminal(interactive=True, width=width))
    assert all(cell_width(line) <= max(width, 34) for line in lines)


def test_an_edge_says_how_it_is_known():
    lines = draw(graph(2, [(0, 1, "warm-start", "run", "0123456789abcdef")]))
    assert "warm-start (run 0123456789)" in lines[1]


def test_names_cannot_break_the_terminal():
    nodes = (node(0, "a\x1b[31m\nb"), node(1, "", "x\u202ey"))
    text = "\n".join(draw(graph(2, [(0, 1)], nodes=nodes)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("\n") == 1


def test_files_that_were_asked_for_together_are_trees_side_by_side():
    lines = draw(graph(3, [(1, 2)]))
    assert [line[0] for line in lines] == ["m", "m", "└"]
