"""Kill an import of a git history at every single thing it does to the disk. Prints how often it died."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from contracts.git_project import GitProject  # noqa: E402
from crash.sweep import Death, Reaper, deaths, in_child, must  # noqa: E402

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


def run_import(folder: Path, source: Path, death: Death | None) -> list[str]:
    reaper = Reaper(death)
    import_git_lfs(Repository.find(folder), act=ACT, request=ImportRequest(source))
    return reaper.seen


def table(folder: Path) -> dict[str, str]:
    return Repository.find(folder).refs.table


def examine(folder: Path, source: Path, states: list[dict[str, str]]) -> None:
    """The refs are the old or the new ones, and the same import can simply be made again."""
    assert table(folder) in states, "the refs are neither old nor new"
    import_git_lfs(Repository.find(folder), act=ACT, request=ImportRequest(source))
    assert table(folder) == states[1], "made again it came to something else"
    assert fsck(Repository.find(folder), full=True).ok


def sweep(home: Path) -> int:
    source, prepared, done = home / "source", home / "prepared", home / "done"
    make_source(source)
    prepared.mkdir()
    must(in_child(lambda: Repository.create(prepared, ACT) and None))
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
        print(sweep(Path(home)))
