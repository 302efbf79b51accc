"""Tests of `mh import mlflow` and `mh import tensorboard`."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

STORE = Path(__file__).parents[2] / "importers" / "data" / "mlflow-2-file.tar.xz"


@pytest.fixture
def store(folder, mh, tmp_path):
    """A repository, and a store of MLflow's beside it."""
    pytest.importorskip("yaml")
    mh("init")
    with tarfile.open(STORE) as archive:
        archive.extractall(tmp_path / "store", filter="data")
    return tmp_path / "store"


def test_an_import_says_what_it_took_in_and_the_next_that_nothing_is_new(mh, store):
    done = mh("import", "mlflow", "../store/mlruns")
    assert done.out.startswith("[main ")
    assert "] import 3 runs from MLflow: digits\n  3 runs imported\n" in done.out
    assert "warning: 1 deleted run in MLflow's trash left out" in done.err
    assert mh("import", "mlflow", str(store)).out == "nothing new: 3 runs are here already\n"
    assert mh("query", "select count(*) from runs", "--format", "csv").out.splitlines()[-1] == "3"


def test_a_dry_run_says_the_same_without_a_commit(mh, store):
    dry = mh("import", "mlflow", str(store), "--dry-run").out
    assert dry.startswith("  3 runs would be imported\n")
    assert mh("import", "mlflow", str(store), "-n", "--json").json()["dry_run"] is True
    done = mh("import", "mlflow", str(store), "--json").json()
    assert len(done["new"]) == 3
    assert done["commit"] is not None
    assert mh("undo").err.startswith("undone: mh import mlflow")


def test_what_is_no_store_is_an_error_with_a_hint(mh, store):
    assert "error: there is no" in mh("import", "mlflow", "nowhere", code=4).err
    done = mh("import", "mlflow", str(store / "mlruns" / "0" / "nothing"), code=4)
    assert "error: there is no" in done.err
    (store / "text").write_text("text")
    assert "hint: name 'mlflow.db'" in mh("import", "mlflow", str(store / "text"), code=2).err
    assert "no event files" in mh("import", "tensorboard", str(store), code=2).err


def test_the_group_lists_its_commands(mh, folder):
    done = mh("import", "--help")
    assert "mlflow" in done.out
    assert "tensorboard" in done.out
