"""What model files came from is found edge by edge and as a whole, upwards and downwards, whatever the evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from contracts.logged_run import begin
from contracts.project import START_MS, Project, safetensors, weights

from modelhub.catalog.lineage import LineageDistances, read_lineage
from modelhub.catalog.opening import open_current
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.porcelain.query import query
from modelhub.repository.objects import Derivation, Usage
from modelhub.repository.trees import find_entry
from modelhub.runs.notes import Derived, End, Input, Output

PATHS = "select path, ancestor_commit_id, ancestor_path, ancestor_name, distance from lineage_paths"


def ask(project: Project, sql: str, **params: object) -> list[tuple[object, ...]]:
    return query(project.again(), sql=sql, params=params).rows()


def model(seed: int) -> bytes:
    return safetensors({"w": weights(seed, 40, 40)})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def chain(project: Project) -> list[str]:
    """Versions of one file, with commits between that leave it alone."""
    commits = []
    for seed in range(4):
        commits.append(project.save("m.safetensors", model(seed)))
        project.save("notes.txt", str(seed))
    return commits


def test_versions_of_a_file_are_edges(project: Project, chain: list[str]) -> None:
    found = ask(project, "select commit_id, parent_commit_id, relation, evidence, path, parent_path from lineage")
    expected = [(chain[i], chain[i - 1], "version", "history", "m.safetensors", "m.safetensors") for i in (1, 2, 3)]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_ancestors_come_with_their_distance_also_for_a_later_commit(project: Project, chain: list[str]) -> None:
    found = ask(
        project, f"{PATHS} where commit_id = (select commit_id from refs where name = 'HEAD') order by distance"
    )
    assert found == [("m.safetensors", chain[3 - i], "m.safetensors", None, i) for i in (1, 2, 3)]


def test_descendants_are_found_by_the_ancestor(project: Project, chain: list[str]) -> None:
    sql = (
        "select distinct m.since_commit_id, p.distance from lineage_paths p join models m on m.commit_id = p.commit_id"
    )
    found = ask(project, f"{sql} and m.path = p.path where p.ancestor_commit_id = :c order by 2", c=chain[0])
    assert found == [(chain[i], i) for i in (1, 2, 3)]
    by_content = "select count(*) from lineage_paths where ancestor_file_id = (select file_id from models limit 1)"
    assert ask(project, by_content)[0][0]


def test_a_file_that_comes_back_is_no_ancestor_of_itself(project: Project, chain: list[str]) -> None:
    back = project.save("m.safetensors", model(0))
    found = ask(project, f"{PATHS} where commit_id = :c order by distance", c=back)
    assert [row[4] for row in found] == [1, 2, 3]
    assert chain[0] not in {row[1] for row in found}


def test_a_declared_derivation_beats_the_longer_way(project: Project, chain: list[str]) -> None:
    project.write("other.safetensors", model(9))
    made = project.commit("tuned", derive=(DeriveSpec(f"{chain[0]}:m.safetensors", "fine-tune"),)).commit
    assert ask(project, "select relation, parent_commit_id, parent_path, evidence from lineage where commit_id = :c",
               c=made) == [("fine-tune", chain[0], "m.safetensors", "declared")]  # fmt: skip
    found = ask(project, f"{PATHS} where commit_id = :c and path = 'other.safetensors'", c=made)
    assert found == [("other.safetensors", chain[0], "m.safetensors", None, 1)]


def test_a_source_named_by_a_later_commit_stands_with_the_commit_that_brought_it_in(
    project: Project, chain: list[str]
) -> None:
    project.write("other.safetensors", model(9))
    made = project.commit("tuned", derive=(DeriveSpec("HEAD:m.safetensors", "fine-tune"),)).commit
    found = ask(project, "select parent_commit_id from lineage where commit_id = :c", c=made)
    assert found == [(chain[3],)]


def test_a_run_links_what_it_wrote_to_what_it_read(project: Project, chain: list[str]) -> None:
    project.write("data.csv", "1")
    base = project.commit("data").commit
    tree = project.repo.commit_tree(base)
    assert tree is not None
    source, data = find_entry(project.repo, tree, "m.safetensors"), find_entry(project.repo, tree, "data.csv")
    place = project.write("out.safetensors", model(20))
    import blake3

    out = blake3.blake3(place.read_bytes()).hexdigest()
    run = begin(project.repo.layout)
    run.note(Input(Usage("m.safetensors", source.oid, source.size, manifest=source.manifest)))
    run.note(Input(Usage("data.csv", data.oid, data.size, source_commit=base, source_path="data.csv")))
    run.note(Output(Usage("out.safetensors", out, 1, kept=False)))
    run.note(Derived(Derivation("out.safetensors", "distill", base, "m.safetensors")))
    run.note(End(START_MS, "finished"))
    run.close()
    expected = [("distill", "m.safetensors", run.id, "run"), ("trained-on", "data.csv", run.id, "run")]
    sql = "select relation, parent_path, run_id, evidence from lineage where run_id is not null order by 1"
    assert ask(project, sql) == expected
    made = project.commit("made").commit
    assert ask(project, sql) == expected
    assert ask(project, "select distinct commit_id from lineage where path = 'out.safetensors'") == [(made,)]
    found = ask(project, f"{PATHS} where commit_id = :c and path = 'out.safetensors' and distance = 1", c=made)
    assert {row[2] for row in found} == {"m.safetensors", "data.csv"}
    with open_current(project.repo) as connection:
        nodes, edges = read_lineage(connection, made, "out.safetensors", up=True, depth=1)
        below, _ = read_lineage(connection, chain[3], "m.safetensors", up=False)
    assert nodes[0].path == "out.safetensors"
    assert {(nodes[edge.parent].path, nodes[edge.parent].kind, edge.relation) for edge in edges} == {
        ("m.safetensors", "model", "distill"), ("data.csv", "data", "trained-on")
    }  # fmt: skip
    assert [node.path for node in below] == ["m.safetensors", "out.safetensors"]


def test_the_graph_stops_at_its_depth(project: Project, chain: list[str]) -> None:
    with open_current(project.repo) as connection:
        for depth in (0, 1, 2, None):
            nodes, edges = read_lineage(connection, chain[3], None, up=True, depth=depth)
            assert len(nodes) == 1 + min(3 if depth is None else depth, 3)
            assert len(edges) == len(nodes) - 1
        assert read_lineage(connection, chain[0], None, up=True) == (nodes[-1:], ())


def test_both_directions_give_the_same_pairs(project: Project, chain: list[str]) -> None:
    project.write("o.safetensors", model(9))
    project.commit("a", derive=(DeriveSpec(chain[1], "merge"), DeriveSpec(chain[2], "merge")))
    project.write("o.safetensors", model(10))
    project.commit("b", derive=(DeriveSpec(f"{chain[0]}:m.safetensors", "warm-start"),))
    with open_current(project.repo) as connection:
        files = [no for (no,) in connection.execute("select distinct file_no from mh_models order by 1")]
        edges = [no for (no,) in connection.execute("select no from mh_lineage order by 1")]
        up, down = LineageDistances(connection), LineageDistances(connection)
        by_file = {(file, edge): up.distance(file, edge) for file in files for edge in edges}
        by_edge = {(file, edge): down.distance(file, edge) for edge in edges for file in files}
    assert by_file == by_edge
    assert any(value and value > 1 for value in by_file.values())


def test_an_undone_commit_takes_its_edges_along(project: Project, chain: list[str]) -> None:
    from modelhub.porcelain.operations import undo

    project.save("m.safetensors", model(30))
    assert len(ask(project, "select * from lineage")) == 4
    undo(project.repo, act=project.act("undo"))
    assert len(ask(project, "select * from lineage")) == 3
