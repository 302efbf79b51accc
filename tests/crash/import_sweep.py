"""Kills an import of another tool's history at every single thing it does to the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from crash.children import in_child, must
from crash.oracle import Oracle
from crash.sweep import Death, Reaper, deaths, import_everything

from modelhub.repository.repository import Repository

States = list[dict[str, str]]


def table(folder: Path) -> dict[str, str]:
    return Repository.find(folder).refs.table


def sweep_import(
    home: Path,
    *,
    prepare: Callable[[Path], object],
    work: Callable[[Path], object],
    recover: Callable[[Path, States], None],
    conclude: Callable[[Path], None],
) -> int:
    """Return how often it died. `recover` gets the folder that was left, and the refs before and after the import."""

    def run(folder: Path, death: Death | None) -> list[str]:
        reaper = Reaper(death)
        work(folder)
        return reaper.seen

    import_everything()
    prepared, done = home / "prepared", home / "done"
    must(in_child(lambda: prepare(prepared) and None))
    shutil.copytree(prepared, done, symlinks=True)
    calls = json.loads(must(in_child(lambda: run(done, None))))
    states = [json.loads(must(in_child(partial(table, folder)))) for folder in (prepared, done)]
    assert states[0] != states[1]
    oracle = Oracle(lambda folder: recover(folder, states), conclude)
    count = 0
    for death in deaths(calls):
        folder = home / "attempt"
        shutil.copytree(prepared, folder, symlinks=True)
        in_child(partial(run, folder, death))
        complaint = oracle.complaint(folder)
        if complaint is not None:
            raise SystemExit(f"killed {death.moment} call {death.call} ({calls[death.call - 1]})\n{complaint}")
        shutil.rmtree(folder)
        count += 1
    return count
