"""How long do `mh log` with 10,000 commits and `mh status` with 10,000 unchanged files take?"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from measure import git, median, mh, report, workplace

sys.path.insert(0, str(Path(__file__).parents[1]))

ROUNDS = 15
COUNT = 10_000


def many_commits(root: Path) -> None:
    """Make 10,000 commits through the library, each changing one small file."""
    from modelhub.porcelain.commit import commit
    from modelhub.porcelain.commit_facts import CommitFacts
    from modelhub.porcelain.init import init
    from modelhub.repository.objects import Person
    from modelhub.repository.repository import Act, Repository

    person = Person("bench", "bench@example.org")
    start = int(time.time() * 1000) - COUNT * 1000
    init(root, act=Act(person, start, 0, "init"))
    repo = Repository.find(root)
    for number in range(COUNT):
        (root / "params.txt").write_text(f"step {number}\n")
        act = Act(person, start + number * 1000, 0, "commit -m step")
        commit(repo, act=act, message=f"step {number}", facts=CommitFacts(metrics={"loss": 1 / (number + 1)}))


def many_files(root: Path) -> None:
    for number in range(COUNT):
        path = root / f"d{number // 100:03}" / f"f{number % 100:02}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"file {number}\n")
        os.utime(path, ns=(1_700_000_000_000_000_001, 1_700_000_000_000_000_001))


def main() -> None:
    with workplace() as root:
        os.environ["GIT_CEILING_DIRECTORIES"] = str(root.parent)
        many_commits(root)
        whole = median(ROUNDS, lambda: mh(root, "log").seconds)
        short = median(ROUNDS, lambda: mh(root, "log", "-n", "20").seconds)
        assert mh(root, "log", "--oneline").output.count("\n") == COUNT
    with workplace() as root:
        mh(root, "init")
        git(root, "init", "-q")
        many_files(root)
        mh(root, "commit", "-m", "many")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "many")
        status = median(ROUNDS, lambda: mh(root, "status").seconds)
        theirs = median(ROUNDS, lambda: git(root, "status").seconds)
    report(
        "Many commits, many files (medians of whole processes)",
        [
            ("`mh log` of 10,000 commits, all printed", f"{whole * 1000:.0f} ms", "", "<= 150 ms"),
            ("`mh log -n 20` there", f"{short * 1000:.0f} ms", "", "<= 150 ms"),
            (
                "`mh status` with 10,000 unchanged files",
                f"{status * 1000:.0f} ms",
                f"{theirs * 1000:.0f} ms (git)",
                "<= 500 ms",
            ),
        ],
    )


if __name__ == "__main__":
    main()
