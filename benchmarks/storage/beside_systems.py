"""How long do recording a fine-tune, bringing it back, and a small commit beside a large model take, beside peers?

`python -m benchmarks.storage.beside_systems MODELS`. Whole processes: for git-lfs and DVC that is the sum of the two or
three commands a user types. Systems are taken in turn, so that what disturbs the machine disturbs all.
"""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import mh, models_folder, workplace
from benchmarks.storage.results import keep
from benchmarks.storage.system_peers import GIT_THETA, MODELHUB, NAME, PEERS, Repository, System

ROUNDS = 5
SLOW = {GIT_THETA.name: 1}
"""Rounds of systems that take minutes otherwise."""

REACHES = {
    "git-lfs": "commit faster, checkout <= 1.0 x",
    "DVC": "commit faster",
    "Oxen (its calls alone)": "commit <= 1.5 x",
}


@dataclass(slots=True)
class Times:
    """Seconds of each round, the bytes that the store grew by, and whether the files came back exactly."""

    commit: list[float] = field(default_factory=list)
    checkout: list[float] = field(default_factory=list)
    grown: int = 0
    exact: bool = True

    def medians(self) -> tuple[float, float]:
        return statistics.median(self.commit), statistics.median(self.checkout)


def one_round(system: System, base: Path, tuned: Path, times: Times) -> None:
    """Record the base, then the fine-tune (timed), go back to the base, and bring the fine-tune back (timed)."""
    with workplace() as home, workplace() as root:
        repository = Repository(system, root, home).made()
        repository.save(base, "v0")
        before = repository.store_nbytes()
        times.commit.append(repository.save(tuned, "v1"))
        times.grown = repository.store_nbytes() - before
        repository.restore("v0")
        times.exact = (root / NAME).read_bytes() == base.read_bytes()
        times.checkout.append(repository.restore("v1"))
        times.exact = times.exact and (root / NAME).read_bytes() == tuned.read_bytes()


def fine_tune(base: Path, tuned: Path) -> dict[str, Times]:
    """Return the times of every system that is installed, by name."""
    systems = [system for system in (MODELHUB, *PEERS) if system.installed]
    found = {system.name: Times() for system in systems}
    for number in range(ROUNDS):
        for system in systems:
            if number < SLOW.get(system.name, ROUNDS):
                one_round(system, base, tuned, found[system.name])
    return found


def unchanged(model: Path) -> float:
    """Return the seconds of a commit of one changed text file beside a model that did not change."""
    seconds = []
    with workplace() as root:
        mh(root, "init")
        shutil.copyfile(model, root / NAME)
        (root / "notes.txt").write_text("first\n")
        mh(root, "commit", "-m", "model")
        for number in range(ROUNDS):
            (root / "notes.txt").write_text(f"note {number}\n")
            seconds.append(mh(root, "commit", "-m", f"note {number}").seconds)
    return statistics.median(seconds)


def main() -> None:
    models = models_folder()
    base, tuned = (models / f"minilm/{kind}/{NAME}" for kind in ("base", "finetuned"))
    found = fine_tune(base, tuned)
    raw = tuned.stat().st_size
    commit, checkout = found[MODELHUB.name].medians()
    print("\n## Recording a fine-tune (90.9 MB) after its base, and bringing it back\n")
    print("| system | add + commit | modelhub is | checkout | modelhub is | store grows by | same bytes back | reach |")
    print("|---|---|---|---|---|---|---|---|")
    for system in (MODELHUB, *PEERS):
        if system.name not in found:
            print(f"| {system.name} | not installed | | | | | | {REACHES.get(system.name, '')} |")
            continue
        times = found[system.name]
        theirs, back = times.medians()
        print(
            f"| {system.name} | {theirs:.2f} s | {commit / theirs:.2f} x | {back:.2f} s | {checkout / back:.2f} x"
            f" | {times.grown / raw:.3f} of raw | {'yes' if times.exact else 'no'} | {REACHES.get(system.name, '')} |"
        )
    print("\n| what | modelhub | reach |\n|---|---|---|")
    seconds = unchanged(models / "mpnet" / NAME)
    print(f"| `mh commit` of one changed text file beside an unchanged 438 MB model | {seconds:.2f} s | <= 0.3 s |")
    keep("beside_systems", {name: [*times.medians(), times.grown / raw, raw] for name, times in found.items()})


if __name__ == "__main__":
    main()
