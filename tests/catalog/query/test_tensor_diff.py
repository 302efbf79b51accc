"""Two revisions are compared inside a query as if the comparison were a table."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

from modelhub.catalog.asking import ask
from modelhub.catalog.query.tensor_diff import rewrite
from modelhub.catalog.views.tensor_changes import TENSOR_CHANGES
from modelhub.errors import QuerySyntaxError
from modelhub.porcelain.operations import undo
from modelhub.porcelain.tag import create_tag


@pytest.fixture(scope="module")
def three_versions(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three versions tagged a, b and c; `w` is 1, 1.5 and 3 times the first, `same` stays."""
    project = Project(tmp_path_factory.mktemp("three") / "project")
    base = weights(1, 50, 50)
    for name, factor in (("a", 1.0), ("b", 1.5), ("c", 3.0)):
        content = {"w": (base * factor).astype("float32"), "same": base}
        project.save("m.safetensors", safetensors(content), name)
        create_tag(project.repo, act=project.act("tag"), name=name)
    return project


@pytest.fixture
def project(three_versions: Project, tmp_path: Path) -> Project:
    return three_versions.copy(tmp_path / "project")


def rows(project: Project, sql: str, **params: object) -> list[tuple[object, ...]]:
    return ask(project.again(), sql, params=params, timeout_s=20.0).rows()


def test_any_two_are_compared_not_only_neighbours(project: Project) -> None:
    result = ask(project.repo, "select * from tensor_diff('a', 'c')", params={}, timeout_s=20.0)
    assert result.columns == tuple(column.name for column in TENSOR_CHANGES.columns)
    (row,) = result.dicts()
    assert (row["path"], row["name"]) == ("m.safetensors", "w")
    assert math.isclose(float(row["relative"] or 0), 2.0, rel_tol=1e-5)  # type: ignore[arg-type]
    assert rows(project, "select commit_id, parent_id from tensor_diff('c', 'a')") == [
        (row["parent_id"], row["commit_id"])
    ]


def test_it_is_as_the_view_is_for_neighbours(project: Project) -> None:
    changes = rows(
        project, "select * from tensor_changes where commit_id = (select commit_id from refs where name = 'b')"
    )
    assert rows(project, "select * from tensor_diff('a', 'b')") == changes


@pytest.mark.parametrize(
    "sql",
    [
        "select d.name from tensor_diff('a','b') d",
        "select d.name from tensor_diff ( 'a' , 'b' ) as d where d.relative > 0",
        "select name from TENSOR_DIFF('a', /* no, */ 'b')",
        "select name from tensor_diff('a',\n -- so\n 'b')",
        "with d as (select * from tensor_diff('a', 'b')) select name from d",
        "select name from (select * from tensor_diff('a', 'b')) tensor_diff",
        "select tensor_diff.name from tensor_diff('a', 'b')",
        "select a.name from tensor_diff('a', 'b') a join tensor_diff('a', 'c') c on c.name = a.name",
        "select a.name from tensor_diff('a', 'b') a join tensor_diff('a', 'b') c on c.name = a.name",
        "select name from tensor_diff(:one, 'b') where :one = 'a'",
        "select t.name from tensors t join tensor_diff('a','b') d on d.commit_id = t.commit_id and d.name = t.name",
        "select name from tensor_diff('HEAD~2', 'b')",
        "select 'tensor_diff(1)', name from tensor_diff('a', 'b')",
    ],
)
def test_it_stands_wherever_a_table_may(project: Project, sql: str) -> None:
    params = {"one": "a"} if ":one" in sql else {}
    assert [row[-1] for row in rows(project, sql, **params)] == ["w"]


def test_the_files_of_two_names_are_compared_where_there_is_one_each(project: Project) -> None:
    project.remove("m.safetensors")
    project.save("renamed.safetensors", safetensors({"w": weights(7, 50, 50), "same": weights(1, 50, 50)}))
    assert rows(project, "select path, name from tensor_diff('a', 'HEAD')") == [("renamed.safetensors", "w")]


def test_two_files_are_compared_whatever_their_names_and_no_others(project: Project) -> None:
    base = weights(1, 50, 50)
    name = "it's tuned.safetensors"
    project.save(name, safetensors({"w": base * np.float32(2), "same": base}))
    project.save("m.safetensors", safetensors({"w": base * np.float32(7), "same": base}))
    quoted = name.replace("'", "''")
    found = rows(project, f"select path, name, relative from tensor_diff('a:m.safetensors', 'HEAD:{quoted}')")
    assert [row[:2] for row in found] == [(name, "w")]
    assert math.isclose(float(found[0][2] or 0), 1.0, rel_tol=1e-5)  # type: ignore[arg-type]
    assert rows(project, "select name from tensor_diff('HEAD:m.safetensors', :x)", x=f"HEAD:{name}") == [("w",)]
    assert rows(project, "select name from tensor_diff('a:m.safetensors', 'a:m.safetensors')") == []


def test_a_path_on_one_side_is_that_of_both(project: Project) -> None:
    project.write("other.safetensors", safetensors({"w": weights(8, 50, 50)}))
    project.save("m.safetensors", safetensors({"w": weights(9, 50, 50)}))
    project.write("other.safetensors", safetensors({"w": weights(10, 50, 50)}))
    project.save("m.safetensors", safetensors({"w": weights(11, 50, 50)}))
    assert len(rows(project, "select path from tensor_diff('HEAD~1', 'HEAD')")) == 2
    for call in ("tensor_diff('HEAD~1:m.safetensors', 'HEAD')", "tensor_diff('HEAD~1', ':m.safetensors')"):
        assert rows(project, f"select path from {call}") == [("m.safetensors",)]


def test_equal_versions_have_no_rows_and_shapes_that_differ_no_numbers(project: Project) -> None:
    assert rows(project, "select * from tensor_diff('a', 'a')") == []
    project.save("m.safetensors", safetensors({"w": np.zeros((3, 3), "float32")}))
    assert rows(project, "select name, relative, changed from tensor_diff('a', 'HEAD')") == [("w", None, None)]


def test_a_version_that_no_ref_holds_is_compared_too(project: Project) -> None:
    lost = project.save("m.safetensors", safetensors({"w": weights(9, 50, 50), "same": weights(1, 50, 50)}))
    undo(project.repo, act=project.act("undo"))
    assert rows(project, f"select name from tensor_diff('a', '{lost[:12]}')") == [("w",)]


def test_what_was_compared_is_kept(project: Project) -> None:
    from modelhub.catalog.opening import open_current

    rows(project, "select * from tensor_diff('a', 'c')")
    with open_current(project.repo) as connection:
        assert connection.execute("select count(*) from mh_differences").fetchone() == (1,)


def test_a_moment_of_the_past_has_its_own_names(project: Project) -> None:
    create_tag(project.repo, act=project.act("tag"), name="b", revision="a", force=True)
    sql = "select count(*) from tensor_diff('a', 'b')"
    assert rows(project, sql) == [(0,)]
    for again in (sql, sql.replace("'b'", "'b:m.safetensors'")):
        assert ask(project.repo, again, params={}, timeout_s=20.0, as_of="c").rows() == [(1,)]


MISTAKES = [
    ("select * from tensor_diff('a', ^'nothing')", "no branch, tag or commit"),
    ("select * from tensor_diff(^'nothing', 'a')", "no branch, tag or commit"),
    ("select *\nfrom tensor_diff('a', ^'')", "empty"),
    ("select * from tensor_diff('a', ^'b:x.safetensors')", "no model file 'x.safetensors' in 'b'"),
    ("select * from tensor_diff(^'a:x.safetensors', 'b')", "no model file 'x.safetensors' in 'a'"),
    ("select * from tensor_diff(^'nothing:m.safetensors', 'b')", "no branch, tag or commit"),
    ("select * from ^tensor_diff('a')", "two revisions"),
    ("select * from ^tensor_diff('a', 'b', 'c')", "two revisions"),
    ("select * from ^tensor_diff()", "two revisions"),
    ("select * from ^tensor_diff('a', b)", "two revisions"),
    ("select * from ^tensor_diff('a', :x)", "two revisions"),
    ("select * from ^tensor_diff('a', ?)", "two revisions"),
    ("select * from ^tensor_diff('a', 'b", "two revisions"),
    ("select * from ^tensor_diff(", "two revisions"),
    ("select ^nmae from tensor_diff('a', 'b')", "no column named 'nmae'"),
    ("select d.name from tensor_diff('a', 'b') d where ^d.moved > 1", "no column named 'moved'"),
    ("select * from tensor_diff('a', 'b') wher ^name = 'w'", "cannot understand"),
    ("select * from tensor_diff('a', 'b'), ^nowhere", "no view named"),
    ("with ^tensor_diff as (select 1) select * from tensor_diff", "cannot be the name"),
]


@pytest.mark.parametrize(("marked", "message"), MISTAKES)
def test_a_mistake_is_shown_where_it_is(project: Project, marked: str, message: str) -> None:
    text = marked.replace("^", "")
    with pytest.raises(QuerySyntaxError, match=message) as caught:
        rows(project, text)
    assert caught.value.text == text
    assert caught.value.position == marked.index("^")


def test_the_text_keeps_its_length() -> None:
    text = "select * from tensor_diff('a', :b) x, tensor_diff('é','b') y, tensor_diff('a',:b) z -- tensor_diff('q','r')"
    found = rewrite(text, {"b": "v1"})
    assert len(found.text) == len(text)
    assert [(one.text, two.text) for one, two in found.calls.values()] == [("a", "v1"), ("é", "b")]
    assert found.text.index(" x,") == text.index(" x,")
    with pytest.raises(QuerySyntaxError, match="too many"):
        rewrite("select 1 from " + ", ".join(f"tensor_diff('a', '{i}')" for i in range(20)), {})
