"""How long do `add`, `commit` and `checkout` of a real fine-tune take, whole processes, beside git-lfs?"""

from __future__ import annotations

import shutil
from pathlib import Path

from measure import git, median, mh, models_folder, report, workplace

ROUNDS = 7
NAME = "model.safetensors"


def ours(base: Path, tuned: Path) -> tuple[float, float, float]:
    """Return the seconds of add, of commit, and of checking the base out again."""
    with workplace() as root:
        mh(root, "init")
        shutil.copyfile(base, root / NAME)
        mh(root, "commit", "-m", "base")
        shutil.copyfile(tuned, root / NAME)
        add = mh(root, "add", NAME).seconds
        commit = mh(root, "commit", "-m", "fine-tune").seconds
        mh(root, "checkout", "HEAD~1")
        checkout = mh(root, "checkout", "main").seconds
        assert (root / NAME).read_bytes() == tuned.read_bytes()
        return add, commit, checkout


def git_lfs(base: Path, tuned: Path) -> tuple[float, float, float]:
    """The same with git-lfs."""
    with workplace() as root:
        git(root, "init", "-q", "-b", "main")
        git(root, "lfs", "install", "--local")
        git(root, "lfs", "track", "*.safetensors")
        git(root, "add", ".gitattributes")
        shutil.copyfile(base, root / NAME)
        git(root, "add", NAME)
        git(root, "commit", "-q", "-m", "base")
        shutil.copyfile(tuned, root / NAME)
        add = git(root, "add", NAME).seconds
        commit = git(root, "commit", "-q", "-m", "fine-tune").seconds
        git(root, "checkout", "-q", "HEAD~1")
        checkout = git(root, "checkout", "-q", "main").seconds
        assert (root / NAME).read_bytes() == tuned.read_bytes()
        return add, commit, checkout


def main() -> None:
    models = models_folder()
    base, tuned = (models / f"minilm/{kind}/{NAME}" for kind in ("base", "finetuned"))
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(ours(base, tuned))
        theirs.append(git_lfs(base, tuned))
    rows = []
    for what, pick in (
        ("add + commit of the fine-tune", lambda row: row[0] + row[1]),
        ("of that: add", lambda row: row[0]),
        ("of that: commit", lambda row: row[1]),
        ("checkout of the fine-tune", lambda row: row[2]),
    ):
        values, peer = iter([pick(row) for row in mine]), iter([pick(row) for row in theirs])
        one, other = median(ROUNDS, lambda: next(values)), median(ROUNDS, lambda: next(peer))  # noqa: B023
        rows.append(
            (
                what,
                f"{one:.2f} s",
                f"{other:.2f} s (git-lfs): {one / other:.2f} x",
                "<= 1.5 x" if "of that" not in what else "",
            )
        )
    report("Time beside git-lfs (medians of whole processes)", rows)


if __name__ == "__main__":
    main()
