"""Kill an import at every single thing it does to the disk, and look at what is left. Prints how often it died."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from crash.sweep import Death, Reaper, deaths, in_child, must  # noqa: E402

from modelhub.importers.mlflow_import import import_mlflow  # noqa: E402
from modelhub.porcelain.commit import commit  # noqa: E402
from modelhub.porcelain.fsck import fsck  # noqa: E402
from modelhub.repository.objects import Person  # noqa: E402
from modelhub.repository.repository import Act, Repository  # noqa: E402

ACT = Act(Person("Ada", "ada@example.org"), 1_700_000_000_000, 60, "import")


def prepare(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.md").write_text("before")
    commit(Repository.create(folder, ACT), act=ACT, message="before")


def run_import(folder: Path, source: Path, death: Death | None) -> list[str]:
    reaper = Reaper(death)
    import_mlflow(Repository.find(folder), act=ACT, source=source)
    return reaper.seen


def table(folder: Path) -> dict[str, str]:
    return Repository.find(folder).refs.table


def examine(folder: Path, source: Path, states: list[dict[str, str]]) -> None:
    """What was there is there, and the same import can simply be made again."""
    assert table(folder) in states, "the refs are neither old nor new"
    assert fsck(Repository.find(folder), full=True).ok
    import_mlflow(Repository.find(folder), act=ACT, source=source)
    assert table(folder) == states[1], "made again it came to something else"
    assert (folder / "notes.md").read_text() == "before"
    assert list(Repository.find(folder).layout.scratch.iterdir()) == []
    assert fsck(Repository.find(folder), full=True).ok


def sweep(home: Path, source: Path) -> int:
    prepared, done = home / "prepared", home / "done"
    must(in_child(lambda: prepare(prepared)))
    shutil.copytree(prepared, done, symlinks=True)
    calls = json.loads(must(in_child(lambda: run_import(done, source, None))))
    states = [json.loads(must(in_child(partial(table, folder)))) for folder in (prepared, done)]
    assert states[0] != states[1]
    count = 0
    for death in deaths(calls):
        folder = home / "attempt"
        shutil.copytree(prepared, folder, symlinks=True)
        in_child(partial(run_import, folder, source, death))
        status, answer = in_child(partial(examine, folder, source, states))
        if status:
            raise SystemExit(f"killed {death.moment} call {death.call} ({calls[death.call - 1]})\n{answer}")
        shutil.rmtree(folder)
        count += 1
    return count


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        print(sweep(Path(home), Path(sys.argv[1])))
