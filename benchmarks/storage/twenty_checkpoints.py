"""How large are twenty checkpoints of one training run after `mh repack`, and how long takes any version?

`python -m benchmarks.storage.twenty_checkpoints MODELS CHECKPOINTS`, with the files that train_checkpoints.py wrote.
The yardstick of size is a chain: the base in byte planes, then the deltas of each checkpoint after the last by the
base's exponent alone. The yardsticks of time are the same version kept by modelhub without any delta, and git-lfs. All
times are whole processes that bring a version into a folder that holds another.
"""

from __future__ import annotations

import itertools
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import MH, mh, run, store_nbytes, workplace
from benchmarks.storage.codec_peers import BITX, EXPONENT_GROUPS, PLANES, Codec, encoded_nbytes
from benchmarks.storage.results import checkpoints, keep
from benchmarks.storage.system_peers import GIT_LFS, MODELHUB, NAME, Repository

COUNT = 20
BUDGETS = ("2x", "inf")
ROUNDS = 3


def chain_nbytes(files: Sequence[Path], delta: Codec) -> int:
    """Return the bytes of the first file in byte planes and of each other as a delta to the one before it."""
    first, *_ = encoded_nbytes(PLANES, files[0], None)
    return first + sum(encoded_nbytes(delta, new, old)[0] for old, new in itertools.pairwise(files))


def committed(repository: Repository, files: Sequence[Path]) -> list[float]:
    """Record every file as a version named after its place; return the seconds of each."""
    return [repository.save(file, f"v{at}") for at, file in enumerate(files)]


def restored(repository: Repository, files: Sequence[Path], label: str = "v{at}") -> list[float]:
    """Bring back every version ROUNDS times and return the median seconds of each; the bytes are compared.

    The version before it in the list is in the folder then, as after the last restore. `label` names a version by its
    place, from the first (`at`) or from the last (`back`).
    """
    seconds: list[list[float]] = [[] for _ in files]
    last = len(files) - 1
    repository.restore(label.format(at=last, back=0))
    for _ in range(ROUNDS):
        for at, file in enumerate(files):
            seconds[at].append(repository.restore(label.format(at=at, back=last - at)))
            assert (repository.root / NAME).read_bytes() == file.read_bytes(), f"{repository.system.name}, version {at}"
    return [statistics.median(times) for times in seconds]


def materialised(file: Path, home: Path) -> float:
    """Return the seconds that a version takes which is kept without a base: it is the only one of its repository."""
    seconds = []
    with workplace() as root:
        repository = Repository(MODELHUB, root, home).made()
        repository.save(file, "only")
        run([*MH, "checkout", "-b", "other"], root)
        shutil.copyfile(__file__, root / NAME)
        mh(root, "commit", "-m", "another file in its place")
        for _ in range(ROUNDS):
            run([*MH, "checkout", "other"], root)
            seconds.append(repository.restore("only"))
    return statistics.median(seconds)


def can_repack() -> bool:
    """Say whether this modelhub has the command."""
    return "repack" in run([*MH, "--help"], Path.cwd()).output


def repacked(source: Path, files: Sequence[Path], home: Path, budget: str) -> dict[str, float]:
    """Repack a copy of a repository; return its bytes, the seconds of repacking and of restoring.

    Without tags: versions that one names may take only half of the additional time.
    """
    with workplace() as folder:
        root = folder / "repository"
        shutil.copytree(source, root)
        for at in range(len(files)):
            mh(root, "tag", "-d", f"v{at}")
        done = mh(root, "repack", "--max-recreation", budget)
        size = store_nbytes(root)
        times = restored(Repository(MODELHUB, root, home), files, "main~{back}")
        return {"nbytes": size, "seconds": done.seconds, "slowest": max(times), "median": statistics.median(times)}


def sizes(rows: dict[str, float], raw: int) -> None:
    chain = rows["chain of exponent-group deltas"]
    print("\n| store of all versions, fp32 | bytes | of raw | against the chain |\n|---|---|---|---|")
    for name, nbytes in rows.items():
        print(f"| {name} | {nbytes / 1e6:.1f} MB | {nbytes / raw:.4f} | {nbytes / chain - 1:+.1%} |")


def times(rows: dict[str, tuple[float, float]], alone: float) -> None:
    print("\n| restoring a version | median | slowest | slowest against a materialised one |\n|---|---|---|---|")
    print(f"| modelhub, materialised | {alone:.2f} s | | |")
    for name, (median, slowest) in rows.items():
        print(f"| {name} | {median:.2f} s | {slowest:.2f} s | {slowest / alone:.2f} x |")


def main() -> None:
    files = checkpoints()[: COUNT + 1]
    raw = sum(file.stat().st_size for file in files)
    print(f"\n## {len(files) - 1} checkpoints after their base ({raw / 1e6:.0f} MB)")
    print("\nReach: 8 % smaller than the chain after `mh repack`, <= 2 x a materialised version, <= 1.0 x git-lfs.")
    stores: dict[str, float] = {
        "chain of exponent-group deltas": chain_nbytes(files, EXPONENT_GROUPS),
        "chain of BitX deltas": chain_nbytes(files, BITX),
    }
    restores: dict[str, tuple[float, float]] = {}
    with workplace() as home, workplace() as root, workplace() as lfs_root:
        alone = materialised(files[-1], home)
        ours = Repository(MODELHUB, root, home).made()
        commits = committed(ours, files)
        stores["modelhub, as committed"] = ours.store_nbytes()
        seconds = restored(ours, files)
        restores["modelhub, as committed"] = statistics.median(seconds), max(seconds)
        budgets = {}
        for budget in BUDGETS if can_repack() else ():
            budgets[budget] = found = repacked(root, files, home, budget)
            name = f"modelhub, `mh repack --max-recreation {budget}` ({found['seconds']:.0f} s)"
            stores[name] = found["nbytes"]
            restores[name] = found["median"], found["slowest"]
        if GIT_LFS.installed:
            lfs = Repository(GIT_LFS, lfs_root, home).made()
            committed(lfs, files)
            stores["git-lfs"] = lfs.store_nbytes()
            seconds = restored(lfs, files)
            restores["git-lfs"] = statistics.median(seconds), max(seconds)
        else:
            print("\ngit-lfs: not installed")
    sizes(stores, raw)
    times(restores, alone)
    print(f"\nA commit takes {statistics.median(commits):.2f} s (median), {max(commits):.2f} s at most.")
    if not budgets:
        print("\nThis modelhub has no `mh repack`.")
    keep(
        "twenty_checkpoints",
        {"raw": raw, "stores": stores, "materialised": alone, "budgets": budgets, "restores": restores},
    )


if __name__ == "__main__":
    main()
