"""DOT and Mermaid are valid for any name: each line is read back by its grammar and gives the name again."""

import re

from hypothesis import given
from hypothesis import strategies as st

from modelhub.cli.output.lineage_graphs import dot_lines, mermaid_lines
from modelhub.cli.output.text import clean
from modelhub.porcelain.lineage import LineageEdge, LineageNode, LineageResult

DOT_TEXT = r'"((?:[^"\\\n]|\\["\\n])*)"'
DOT_NODE = re.compile(rf"  n(\d+) \[label={DOT_TEXT}(?:, style=dashed)?\];")
DOT_EDGE = re.compile(rf"  n(\d+) -> n(\d+) \[label={DOT_TEXT}\];")
MERMAID_TEXT = r'"((?:[^"#&<>`\\;\n]|#\d+;|<br/>)*)"'
MERMAID_NODE = re.compile(rf"  n(\d+)\[{MERMAID_TEXT}\]")
MERMAID_EDGE = re.compile(rf"  n(\d+) -->\|{MERMAID_TEXT}\| n(\d+)")

names = st.one_of(
    st.text(min_size=1, max_size=20),
    st.sampled_from(['a"b', "a\\", "\\n", "a\nb", "end", "<b>&amp;", "`x`", "#35;", "%% x"]),
)


def graph(path, name, relation="fine-tune"):
    nodes = (LineageNode("a" * 64, path, "f" * 64, "", "model"), LineageNode("", "", "", name, "outside"))
    return LineageResult("a" * 64, path, True, nodes, (LineageEdge(0, 1, relation, "declared", None),))


def undo_dot(text):
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def undo_mermaid(text):
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text.replace("<br/>", "\n"))


@given(names, names, names)
def test_dot_is_valid_and_keeps_every_name(path, name, relation):
    head, *lines, end = dot_lines(graph(path, name, relation))
    assert (head, end) == ("digraph lineage {", "}")
    first, second = (DOT_NODE.fullmatch(line) for line in lines[2:4])
    edge = DOT_EDGE.fullmatch(lines[4])
    assert (first[1], second[1], edge[1], edge[2]) == ("0", "1", "0", "1")
    assert undo_dot(first[2]) == f"{clean(path)}\naaaaaaaaaa"
    assert undo_dot(second[2]) == clean(name)
    assert undo_dot(edge[3]) == f"{clean(relation)} (declared)"


@given(names, names, names)
def test_mermaid_is_valid_and_keeps_every_name(path, name, relation):
    head, *lines = mermaid_lines(graph(path, name, relation))
    assert head == "flowchart BT"
    first, second = (MERMAID_NODE.fullmatch(line) for line in lines[:2])
    edge = MERMAID_EDGE.fullmatch(lines[2])
    assert undo_mermaid(first[2]) == f"{clean(path)}\naaaaaaaaaa"
    assert undo_mermaid(second[2]) == clean(name)
    assert undo_mermaid(edge[2]) == f"{clean(relation)} (declared)"


def test_a_model_outside_is_dashed():
    assert sum("style=dashed" in line for line in dot_lines(graph("m.pt", "org/base"))) == 1
