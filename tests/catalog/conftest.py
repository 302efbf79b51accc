"""A small catalog with a row in every table: three commits in a row, one beside, a merge, and one model file."""

import shutil

import numpy as np
import pytest

from modelhub.catalog import database, rows, run_tables


def oid(number):
    return f"{number:064x}"


def fill(connection):
    """Commits 1 <- 2 <- 3 <- 5 and 2 <- 4 <- 5 (a merge); trees 11 to 15; manifests 21, 22; tensor blobs 31, 32."""
    no = {number: rows.oid_no(connection, oid(number)) for number in range(1, 60)}
    parents = {1: [], 2: [1], 3: [2], 4: [2], 5: [3, 4]}
    for commit, above in parents.items():
        level = rows.generation(connection, [no[parent] for parent in above])
        who = ("Ada", "ada@example.org")
        message = f"commit {commit}\n\nwhy: because"
        row = (
            no[commit],
            no[10 + commit],
            level,
            *who,
            1_700_000_000_000 + commit * 1000,
            60,
            message,
            "c0ffee",
            "main",
            0,
            "{}",
        )
        rows.add_commits(connection, [row])
        rows.add_parents(connection, [(no[commit], position, no[parent]) for position, parent in enumerate(above)])
        rows.add_directories(connection, [(no[commit], "", no[10 + commit]), (no[commit], "sub/dir", no[19])])
        manifest = no[21] if commit == 1 else no[22]
        rows.add_entries(connection, [(no[10 + commit], "m.safetensors", "file", 100, no[40 + commit], manifest)])
    rows.add_entries(connection, [(no[19], "read me.txt", "exec", 7, no[50], None)])
    for manifest, blob, fill_value in ((21, 31, 1.0), (22, 32, 1.5)):
        row = (no[blob], "float32", 6, 24, fill_value, 0.0, 1.0, 2.0, 3.0, 0.25, 0, 0, np.ones(6, "<f4").tobytes(), 0)
        tensor = rows.tensor_no(connection, row)
        assert rows.tensor_no(connection, row) == tensor
        named = [(no[manifest], 0, "w", "float32", "[2,3]", 6, 24, 0, tensor)]
        named += [(no[manifest], 1, "part", "float32", "[3]", 3, 12, 1, tensor)]
        rows.add_manifest_tensors(connection, named)
        rows.add_manifests(
            connection, [(no[manifest], "safetensors", 100, no[40 + manifest - 20], 2, None, 6, "float32:1")]
        )
    before, after = (rows.known_tensor_no(connection, no[blob], "float32") for blob in (31, 32))
    rows.add_differences(connection, [(before, after, 0.5, 0.9, 0.5, 1.0, 0, 0)])
    rows.put_storage(
        connection, [(no[31], "blob", 24, 20, None, 0, "planes"), (no[32], "blob", 24, 5, no[31], 1, "delta")]
    )
    rows.add_metrics(
        connection,
        [
            (no[2], "val_loss", 0.5, no[50], "read me.txt", None),
            (no[3], "val_loss", float("inf"), None, None, None),
            (no[4], "acc", float("nan"), None, None, None),
        ],
    )
    rows.add_params(connection, [(no[2], "lr", "0.001", 0.001), (no[2], "optimizer", "adam", None)])
    rows.add_lint(connection, [(no[3], "m.safetensors", "w", "nan", "warning", "'w' has NaN")])
    rows.add_derivations(connection, [(no[4], "m.safetensors", "fine-tune", no[1], "m.safetensors", "", 1)])
    rows.replace_refs(connection, [("head", "HEAD", no[5], 1), ("branch", "main", no[5], 1), ("tag", "v1", no[2], 0)])
    operations = [(no[56], 1, None, 1, 0, "Ada", "", "init", "refs/heads/main", None)]
    operations += [(no[57], 2, no[56], 2000, 0, "Ada", "", "commit", "refs/heads/main", no[56])]
    rows.add_operations(connection, operations)
    rows.add_ref_changes(connection, [(no[57], "refs/heads/main", None, no[5])])
    if not connection.execute("select 1 from mh_runs").fetchone():
        fill_runs(connection, no)
    database.mark_current(connection, oid(57))


def fill_runs(connection, no):
    """One run that commit 5 took in, with a series of 3 points, and one that waits; edges 5 <- 1 and from outside."""
    for commit in (1, 2, 3, 4, 5):
        parent = connection.execute("select parent_no from mh_parents where commit_no = ?", (no[commit],)).fetchone()
        run_tables.add_models(connection, no[commit], parent and parent[0])
        run_tables.add_lineage(connection, [])
    facts = ("train", "finished", "Ada", "ada@example.org", 1_700_000_000_000, 1_700_000_060_000, "python train.py", 0)
    code = ("c0ffee", 1, no[51], no[4], no[14])
    run = run_tables.add_run(connection, ("a" * 16, no[52], 0, *facts, 3, *code, None, "", no[53], no[54], no[55]))
    waiting = run_tables.add_run(
        connection, ("b" * 16, None, 1, "", "running", "Ada", "", 1_700_000_000_000, None, "", None, 0, *[None] * 6, "",
                     None, None, None)
    )  # fmt: skip
    run_tables.add_commit_runs(connection, [(no[5], run)])
    run_tables.add_run_params(connection, [(run, "lr", "0.1", 0.1), (waiting, "lr", "0.2", 0.2)])
    run_tables.add_run_tags(connection, [(run, "purpose", "test")])
    summary = (3, 0, 1, 2, 0, 2, 0.5, 0.25, 1, 1.0, 0, 0.25, 1, "min", 0)
    run_tables.add_series(connection, [(run, "loss", *summary, no[50], "read me.txt", None)])
    usages = [(run, 0, 0, "data.csv", no[50], 7, 1, no[1], "data.csv", None)]
    run_tables.add_usages(connection, [*usages, (run, 1, 1, "m.safetensors", no[42], 100, 1, None, None, 2)])
    packages = [(0, no[5], "3.11", "Linux", "box", None, no[58]), (1, run, "3.11", "Linux", "box", "L4", no[58])]
    run_tables.add_environments(connection, packages)
    run_tables.add_packages(connection, [(no[58], "numpy", "2.0")])
    file = connection.execute("select file_no from mh_models where commit_no = ?", (no[5],)).fetchone()[0]
    made = (no[5], run, "m.safetensors", file, "fine-tune")
    parent = connection.execute("select file_no from mh_models where commit_no = ?", (no[1],)).fetchone()[0]
    run_tables.add_lineage(connection, [(*made, no[1], no[1], "m.safetensors", parent, None, "run")])
    run_tables.add_lineage(connection, [(no[5], None, *made[2:], None, None, None, None, "org/base", "metadata")])


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """The path of a filled catalog that is only copied."""
    path = tmp_path_factory.mktemp("filled") / "catalog.db"
    connection = database.create_catalog(path)
    with database.transaction(connection):
        fill(connection)
    connection.close()
    return path


@pytest.fixture
def catalog(tmp_path, filled):
    """The path of a filled catalog, alone in its folder."""
    folder = tmp_path / "repository with spaces?#%"
    folder.mkdir()
    return shutil.copy(filled, folder / "catalog.db")
