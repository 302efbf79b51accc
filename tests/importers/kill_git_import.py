"""Kill an import of a git history at every single thing it does to the disk. Prints how often it died."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from contracts.git_project import GitProject  # noqa: E402
from crash.import_sweep import States, sweep_import, table  # noqa: E402

from modelhub.importers import git_contents  # noqa: E402
from modelhub.importers.git_history import ImportRequest  # noqa: E402
from modelhub.importers.git_lfs import import_git_lfs  # noqa: E402
from modelhub.porcelain.fsck import fsck  # noqa: E402
from modelhub.repository.objects import Person  # noqa: E402
from modelhub.repository.repository import Act, Repository  # noqa: E402

ACT = Act(Person("Ada", "ada@example.org"), 1_700_000_000_000, 60, "import git-lfs source")

git_contents.BATCH_OBJECTS = 3


def make_source(folder: Path) -> None:
    source = GitProject(folder)
    for step in range(2):
        source.keep_by_lfs("b.bin", bytes([step]) * 3000)
        source.commit(f"step {step}")


def prepare(folder: Path) -> None:
    folder.mkdir()
    Repository.create(folder, ACT)


def run_import(source: Path, folder: Path) -> None:
    import_git_lfs(Repository.find(folder), act=ACT, request=ImportRequest(source))


def recover(source: Path, folder: Path, states: States) -> None:
    """The refs are the old or the new ones, and the same import can simply be made again."""
    assert table(folder) in states, "the refs are neither old nor new"
    run_import(source, folder)
    assert table(folder) == states[1], "made again it came to something else"


def conclude(folder: Path) -> None:
    assert fsck(Repository.find(folder), full=True).ok


def sweep(home: Path) -> int:
    source = home / "source"
    make_source(source)
    work = partial(run_import, source)
    return sweep_import(home, prepare=prepare, work=work, recover=partial(recover, source), conclude=conclude)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        print(sweep(Path(home)))
