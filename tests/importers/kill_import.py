"""Kill an import at every single thing it does to the disk, and look at what is left. Prints how often it died."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from crash.import_sweep import States, sweep_import, table  # noqa: E402

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


def run_import(source: Path, folder: Path) -> None:
    import_mlflow(Repository.find(folder), act=ACT, source=source)


def recover(source: Path, folder: Path, states: States) -> None:
    """What was there is there, and the same import can simply be made again."""
    assert table(folder) in states, "the refs are neither old nor new"
    assert fsck(Repository.find(folder), full=True).ok
    run_import(source, folder)
    assert table(folder) == states[1], "made again it came to something else"


def conclude(folder: Path) -> None:
    assert (folder / "notes.md").read_text() == "before"
    assert list(Repository.find(folder).layout.scratch.iterdir()) == []
    assert fsck(Repository.find(folder), full=True).ok


def sweep(home: Path, source: Path) -> int:
    work = partial(run_import, source)
    return sweep_import(home, prepare=prepare, work=work, recover=partial(recover, source), conclude=conclude)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        print(sweep(Path(home), Path(sys.argv[1])))
