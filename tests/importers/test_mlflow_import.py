"""Tests of the import from MLflow: against stores of MLflow 2 and 3, old ones and one made on the spot."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from contracts.imported import Imported

from modelhub.errors import FormatError, InvalidInputError, PathNotFound
from modelhub.importers.imported_runs import ImportedRuns, run_id
from modelhub.importers.mlflow_import import import_mlflow
from modelhub.porcelain.fsck import fsck

pytest.importorskip("yaml")

DATA = Path(__file__).parent / "data"
STORES = ("mlflow-2-file", "mlflow-2-sqlite", "mlflow-3-file", "mlflow-3-sqlite")
STATUSES = {"FINISHED": "finished", "FAILED": "failed", "RUNNING": "running"}


def unpack(name: str, folder: Path) -> Path:
    """A store made elsewhere, in a folder that its notes know nothing of."""
    place = folder / name
    with tarfile.open(DATA / f"{name}.tar.xz") as archive:
        archive.extractall(place, filter="data")
    return place


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return unpack(request.param, tmp_path)


def take(imported: Imported, source: Path, **options: Any) -> ImportedRuns:
    return import_mlflow(imported.repo, act=imported.act, source=source, **options)


def uuids(expected: dict[str, Any], name: str) -> str:
    (found,) = [uuid for uuid, run in expected.items() if run["name"] == name]
    return found


def check(imported: Imported, expected: dict[str, Any]) -> None:
    """Every fact and every point is what MLflow's client says."""
    runs = imported.runs()
    for uuid, told in expected.items():
        run = runs[f"mlflow:{uuid}"]
        assert run.id == run_id(f"mlflow:{uuid}")
        assert (run.name, run.status, run.author.name) == (told["name"], STATUSES[told["status"]], told["user"])
        assert (run.started, run.ended) == (told["start"], told["end"])
        assert {name: str(value) for name, value in run.params.items()} == told["params"]
        assert told["tags"].items() <= run.tags.items()
        assert run.tags["mlflow.experiment"] == "digits"
        points = imported.points(run)
        assert {name: sorted(found) for name, found in points.items()} == {
            name: sorted(tuple(point) for point in found) for name, found in told["points"].items()
        }
        assert all(found == sorted(found, key=lambda point: point[:2]) for found in points.values())


def test_everything_that_the_client_tells_is_there(store: Path, imported: Imported) -> None:
    expected = json.loads((store / "expected.json").read_text())
    result = take(imported, store)
    check(imported, expected)
    assert len(result.new) == len(expected) + ("-3-" in store.name)
    assert result.updated == ()
    assert result.unchanged == 0
    assert [warning for warning in result.warnings if "trash" not in warning] == []
    (commit,) = imported.commits()
    assert len(commit.runs) == len(result.new)
    assert result.message == commit.message == f"import {len(result.new)} runs from MLflow: digits"
    assert fsck(imported.repo, full=True).problems == ()


def test_params_are_numbers_again_only_where_nothing_is_lost(store: Path, imported: Imported) -> None:
    take(imported, store)
    params = imported.named("first").params
    assert params == {
        "lr": 0.001, "batch": 64, "depth": 4, "optimizer": "adam", "note": "two\nlines", "odd": "1.0e-3",
    }  # fmt: skip


def test_files_of_runs_and_models_are_stored_byte_for_byte(store: Path, imported: Imported) -> None:
    result = take(imported, store)
    run = imported.named("first")
    outputs = {usage.path: usage for usage in run.outputs}
    (here,) = [place.parent for place in store.glob("mlruns/*/*/artifacts/notes")]
    assert imported.content(outputs["artifacts/notes/hello world.txt"]) == b"hello\n"
    weights = outputs["artifacts/checkpoints/weights.npy"]
    assert imported.content(weights) == (here / "checkpoints" / "weights.npy").read_bytes()
    assert weights.manifest is not None
    assert {path.rsplit("/", 1)[-1] for path in outputs} >= {"MLmodel", "python_model.pkl", "conda.yaml"}
    everything = [usage for found in imported.runs().values() for usage in found.outputs]
    assert result.files == len(everything)
    on_disk = [place for place in store.glob("mlruns/**/artifacts/**/*") if place.is_file()]
    assert len(everything) == len(on_disk)
    assert result.models == sum(usage.path.endswith(".npy") for usage in everything)
    assert result.raw_nbytes == sum(place.stat().st_size for place in on_disk)


def test_datasets_are_inputs_with_mlflows_description(store: Path, imported: Imported) -> None:
    take(imported, store)
    run = imported.named("first")
    (usage,) = run.inputs
    assert usage.path == "datasets/train set-0a1b2c3d.json"
    told = json.loads(imported.content(usage))
    assert (told["name"], told["digest"], told["source"]) == ("train set", "0a1b2c3d", '{"uri": "data/train.csv"}')
    assert run.tags["mlflow.data.context.train set"] == "training"


@pytest.mark.parametrize("name", ["mlflow-3-file", "mlflow-3-sqlite"])
def test_logged_models_belong_to_the_runs_that_made_or_read_them(name: str, tmp_path: Path, imported: Imported) -> None:
    take(imported, unpack(name, tmp_path))
    made = {usage.path.split("/")[1]: usage for usage in imported.named("first").outputs if "models/" in usage.path}
    assert made.keys() == {"model", "net"}
    assert made["net"].step == 7
    read = imported.named("third").inputs
    assert [usage.path.split("/")[1] for usage in read] == ["net", "net"]
    assert {usage.oid for usage in read} <= {usage.oid for usage in imported.named("first").outputs}
    alone = imported.named("alone")
    assert alone.status == "finished"
    assert {usage.path.rsplit("/", 1)[-1] for usage in alone.outputs} == {"MLmodel", "net.npy"}
    assert any(value == "test" for value in alone.tags.values())


def test_the_git_commit_and_the_script_are_kept(store: Path, imported: Imported) -> None:
    take(imported, store)
    run = imported.named("first")
    assert run.code is not None
    assert run.code.commit == "a" * 40
    assert run.command == ("train.py",)


def test_importing_again_makes_nothing(store: Path, imported: Imported, tmp_path: Path) -> None:
    first = take(imported, store)
    pointer = imported.repo.pointer()
    moved = tmp_path / "moved"
    shutil.copytree(store, moved)
    for source in (store, moved, store / "mlruns"):
        again = take(imported, source)
        assert (again.commit, again.new, again.updated) == (None, (), ())
        assert again.unchanged == len(first.new)
    assert imported.repo.pointer() == pointer


def test_the_same_store_gives_the_same_runs_in_another_repository(
    store: Path, imported: Imported, tmp_path: Path, act: Any
) -> None:
    from modelhub.repository.repository import Repository

    take(imported, store)
    (tmp_path / "other").mkdir()
    other = Imported(Repository.create(tmp_path / "other", act), act)
    take(other, store)
    assert other.commits()[0].runs == imported.commits()[0].runs


def test_a_run_that_went_on_is_recorded_anew(tmp_path: Path, imported: Imported) -> None:
    store = unpack("mlflow-3-file", tmp_path)
    take(imported, store)
    uuid = imported.named("third").origin.removeprefix("mlflow:")
    (metrics,) = store.glob(f"mlruns/*/{uuid}/metrics")
    with open(metrics / "loss", "a") as lines:
        lines.write("1700000002000 0.05 2\n")
    result = take(imported, store)
    assert (result.new, result.updated, result.unchanged) == ((), (run_id(f"mlflow:{uuid}"),), 3)
    assert imported.points(imported.named("third"))["loss"][-1] == (2, 1_700_000_002_000, "0.05")
    assert imported.commits()[0].tree == imported.commits()[1].tree
    assert take(imported, store).commit is None


def test_a_dry_run_tells_the_same_and_changes_nothing(store: Path, imported: Imported) -> None:
    pointer = imported.repo.pointer()
    objects = set(imported.repo.store.ids())
    told = take(imported, store, dry_run=True)
    assert imported.repo.pointer() == pointer
    assert set(imported.repo.store.ids()) == objects
    assert told.commit is None
    done = take(imported, store)
    assert (told.new, told.points, told.files, told.models) == (done.new, done.points, done.files, done.models)


def test_the_source_is_never_written(store: Path, imported: Imported) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        return {
            str(place): (place.stat().st_mtime_ns, place.read_bytes()) for place in store.rglob("*") if place.is_file()
        }

    before = state()
    take(imported, store)
    assert state() == before


def test_the_files_of_the_folder_and_what_is_staged_stay(store: Path, imported: Imported) -> None:
    from modelhub.porcelain.add import add
    from modelhub.porcelain.commit import commit
    from modelhub.repository.status import load_index

    root = imported.repo.layout.root
    (root / "a.txt").write_text("one")
    commit(imported.repo, act=imported.act, message="first")
    (root / "b.txt").write_text("two")
    add(imported.repo, paths=["b.txt"])
    before = load_index(imported.repo).entries
    take(imported, store)
    assert (root / "a.txt").read_text() == "one"
    assert imported.commits()[0].tree == imported.commits()[1].tree
    assert load_index(imported.repo).entries == before


def test_what_lies_outside_of_the_store_is_only_taken_where_it_was_named(tmp_path: Path, imported: Imported) -> None:
    store = unpack("mlflow-2-sqlite", tmp_path)
    elsewhere = tmp_path / "elsewhere"
    shutil.move(store / "mlruns", elsewhere)
    with sqlite3.connect(store / "mlflow.db") as connection:
        connection.execute(
            "update runs set artifact_uri = replace(artifact_uri, '/tmp/training/mlruns', ?)", (str(elsewhere),)
        )
    connection.close()
    result = take(imported, store)
    assert result.files == 0
    assert any(f"'{elsewhere}'" in warning for warning in result.warnings)
    assert take(imported, store, artifacts=elsewhere).files == 8


def test_artifacts_on_a_server_are_told(tmp_path: Path, imported: Imported) -> None:
    store = unpack("mlflow-2-sqlite", tmp_path)
    shutil.rmtree(store / "mlruns")
    with sqlite3.connect(store / "mlflow.db") as connection:
        connection.execute("update runs set artifact_uri = replace(artifact_uri, '/tmp/training', 's3://bucket')")
    connection.close()
    result = take(imported, store)
    assert [warning for warning in result.warnings if "'s3://bucket/mlruns'" in warning]


def test_an_artifact_folder_that_climbs_out_is_not_read(tmp_path: Path, imported: Imported) -> None:
    store = unpack("mlflow-2-file", tmp_path)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    for meta in store.glob("mlruns/*/*/meta.yaml"):
        shutil.rmtree(meta.parent / "artifacts", ignore_errors=True)
        lines = [line for line in meta.read_text().splitlines() if not line.startswith("artifact_uri")]
        meta.write_text("\n".join([*lines, f"artifact_uri: file://{store}/mlruns/../../secret", ""]))
    (run,) = [place.parent for place in store.glob("mlruns/*/*/params/lr")]
    (run.parent / "artifacts").mkdir()
    os.symlink(secret / "key", run.parent / "artifacts" / "link")
    result = take(imported, store)
    assert result.files == 0
    assert any("link" in warning for warning in result.warnings)


def test_lines_that_are_no_points_and_notes_that_are_torn_are_told(tmp_path: Path, imported: Imported) -> None:
    store = unpack("mlflow-2-file", tmp_path)
    (metrics,) = [place.parent for place in store.glob("mlruns/*/*/metrics/val/odd")]
    (metrics / "odd").write_text(
        "1700000000000 0.5 3\nwhat is this\n1700000000001 0.25\n\n1700000000002 0.125 9 data 0a1b\n"
    )
    (torn,) = [
        place.parents[1] / "meta.yaml"
        for place in store.glob("mlruns/*/*/tags/mlflow.runName")
        if place.read_text() == "second"
    ]
    torn.write_text("run_id: [")
    result = take(imported, store)
    assert imported.points(imported.named("first"))["val/odd"] == [
        (0, 1_700_000_000_001, "0.25"), (3, 1_700_000_000_000, "0.5"), (9, 1_700_000_000_002, "0.125"),
    ]  # fmt: skip
    assert len([warning for warning in result.warnings if "1 line left out" in warning]) == 1
    assert len([warning for warning in result.warnings if "cannot be understood" in warning]) == 1
    assert {run.name for run in imported.runs().values()} == {"first", "third"}


def test_what_is_no_store_is_refused(tmp_path: Path, imported: Imported) -> None:
    with pytest.raises(PathNotFound):
        take(imported, tmp_path / "nowhere")
    (tmp_path / "text").write_text("no database")
    with pytest.raises(InvalidInputError, match="SQLite"):
        take(imported, tmp_path / "text")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="no runs of MLflow"):
        take(imported, tmp_path / "empty")
    sqlite3.connect(tmp_path / "other.db").execute("create table notes (text)").connection.close()
    with pytest.raises(FormatError, match="no database of MLflow"):
        take(imported, tmp_path / "other.db")
    (tmp_path / "torn.db").write_bytes((unpack("mlflow-2-sqlite", tmp_path) / "mlflow.db").read_bytes()[:9000])
    with pytest.raises(FormatError):
        take(imported, tmp_path / "torn.db")


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_the_installed_mlflow_and_the_import_agree(kind: str, tmp_path: Path, imported: Imported) -> None:
    if importlib.util.find_spec("mlflow") is None or importlib.util.find_spec("alembic") is None:
        pytest.skip("mlflow-skinny and alembic are not installed")
    done = subprocess.run(
        [sys.executable, DATA / "make_mlflow_store.py", kind, tmp_path / "store"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    take(imported, tmp_path / "store")
    check(imported, json.loads(done.stdout))


def test_an_import_can_be_undone_and_made_again(tmp_path: Path, imported: Imported) -> None:
    from modelhub.porcelain.operations import undo
    from modelhub.runs.pending import list_pending

    store = unpack("mlflow-2-file", tmp_path)
    first = take(imported, store)
    undo(imported.repo, act=imported.act)
    assert {pending.id for pending in list_pending(imported.repo.layout)} == set(first.new)
    again = take(imported, store)
    assert again.new == first.new
    assert list_pending(imported.repo.layout) == ()
    assert again.stored_nbytes < first.stored_nbytes


def test_killed_at_any_instant_an_import_leaves_the_old_or_the_new_and_can_be_made_again(tmp_path: Path) -> None:
    store = unpack("mlflow-2-file", tmp_path)
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("kill_import.py"), store], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_artifacts_that_a_server_served_are_found_beside_the_database(tmp_path: Path, imported: Imported) -> None:
    store = unpack("mlflow-2-sqlite", tmp_path)
    shutil.move(store / "mlruns", store / "mlartifacts")
    with sqlite3.connect(store / "mlflow.db") as connection:
        connection.execute(
            "update runs set artifact_uri = replace(artifact_uri, '/tmp/training/mlruns', 'mlflow-artifacts:')"
        )
    connection.close()
    assert take(imported, store).files == 8


@pytest.mark.parametrize("is_open", [False, True])
def test_a_database_in_wal_mode_is_read_and_nothing_is_put_beside_it(
    is_open: bool, tmp_path: Path, imported: Imported
) -> None:
    store = unpack("mlflow-3-sqlite", tmp_path)
    writer = sqlite3.connect(store / "mlflow.db")
    writer.execute("pragma journal_mode = wal")
    writer.execute("update runs set name = 'renamed' where name = 'second'")
    writer.commit()
    if not is_open:
        writer.close()
    before = sorted(place.name for place in store.iterdir())
    assert ("mlflow.db-wal" in before) == is_open
    take(imported, store)
    assert sorted(place.name for place in store.iterdir()) == before
    assert imported.named("renamed").status == "failed"
    writer.close()


def test_notes_with_anything_in_them_end_no_import(tmp_path: Path, imported: Imported) -> None:
    store = unpack("mlflow-3-file", tmp_path)
    for place in store.glob("mlruns/*/**/meta.yaml"):
        lines = place.read_text().splitlines()
        kept = [line for line in lines if line.startswith(("run_id", "model_id", "source_type", "destination_id"))]
        broken = [line.partition(":")[0] + ": [--5, {x: 1}]" for line in lines if ": " in line and line not in kept]
        place.write_text("\n".join([*kept, *broken, ""]))
    result = take(imported, store)
    assert len(result.new) == 4 + 3
    assert fsck(imported.repo, full=True).ok


def test_the_views_show_the_newest_object_of_a_run(tmp_path: Path, imported: Imported) -> None:
    from modelhub.porcelain.query import query

    store = unpack("mlflow-2-file", tmp_path)
    take(imported, store)
    uuid = imported.named("third").origin.removeprefix("mlflow:")
    (metrics,) = store.glob(f"mlruns/*/{uuid}/metrics")
    with open(metrics / "loss", "a") as lines:
        lines.write("1700000002000 0.05 2\n")
    take(imported, store)
    found = query(imported.repo, sql="select name, points from runs order by name")
    assert list(found.rows()) == [("first", 205), ("second", 1), ("third", 2)]
