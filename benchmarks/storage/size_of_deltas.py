"""How small are a base, a fine-tune after its base, and the next checkpoint, beside the codecs of others?

`python -m benchmarks.storage.size_of_deltas MODELS CHECKPOINTS`. modelhub's figure is what the object store grows by,
manifest, tree, commit and pack index included, and it finds the base itself; the peers encode the tensors alone, with
the base named by hand. Sizes are exact; the speeds are those of one quiet run.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measure import mh, models_folder, store_nbytes, workplace
from benchmarks.storage.codec_peers import CODECS, Measured, measured
from benchmarks.storage.model_files import cast_to_bfloat16
from benchmarks.storage.results import checkpoints, keep

NAME = "model.safetensors"
OURS = "modelhub, `mh commit`"
REPACKED = "modelhub, `mh repack --max-recreation inf`"
REACHES = {
    ("base", "fp32"): "no worse than zipnn",
    ("base", "bf16"): "no worse than zipnn",
    ("fine-tune", "fp32"): "<= 0.359, aim 0.345; 24 % below the best peer",
    ("fine-tune", "bf16"): "<= 0.149, aim 0.140; 24 % below the best peer",
    ("next checkpoint", "fp32"): "<= 0.31, aim 0.29; 30 % below BitX",
    ("next checkpoint", "bf16"): "<= 0.085, aim 0.078; 40 % below BitX",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Versions of one file, oldest first; what the last of them costs is asked."""

    what: str
    kind: str
    files: Sequence[Path]


def questions(models: Path, casts: Path) -> list[Question]:
    """Return every question in fp32 and bf16; rounded files are written into `casts`."""
    base, tuned = (models / f"minilm/{name}/{NAME}" for name in ("base", "finetuned"))
    steps = checkpoints()
    asked = (("base", [base]), ("fine-tune", [base, tuned]), ("next checkpoint", steps[:5]))
    found = []
    for what, files in asked:
        rounded = [cast_to_bfloat16(file, casts / f"{what}-{at}.safetensors") for at, file in enumerate(files)]
        found += [Question(what, "fp32", files), Question(what, "bf16", rounded)]
    return found


def ours(files: Sequence[Path], *repack: str) -> Measured:
    """Return what committing the last file adds to the store, and how fast its commit is, whole process.

    With the words of a `repack` that is done before and after, and its time counts too.
    """
    with workplace() as root:
        mh(root, "init")
        before, seconds = store_nbytes(root), 0.0
        for at, file in enumerate(files):
            if repack and 0 < at == len(files) - 1:
                mh(root, *repack)
            before = store_nbytes(root)
            shutil.copyfile(file, root / NAME)
            seconds = mh(root, "commit", "-m", f"version {at}").seconds
        if repack:
            seconds += mh(root, *repack).seconds
        raw = files[-1].stat().st_size
        return Measured((store_nbytes(root) - before) / raw, raw / 1e6 / seconds)


def answers(question: Question) -> dict[str, Measured | None]:
    """Return size and speed of modelhub and of each codec that fits the question, by name; None where not installed."""
    *olds, new = question.files
    base = olds[-1] if olds else None
    found: dict[str, Measured | None] = {
        OURS: ours(question.files),
        REPACKED: ours(question.files, "repack", "--max-recreation", "inf"),
    }
    for codec in CODECS:
        if base is not None or not codec.needs_base:
            found[codec.name] = measured(codec, new, base)
    return found


def print_table(question: Question, found: dict[str, Measured | None]) -> None:
    """Print the answers to one question, the smallest first."""
    mine = found[REPACKED]
    assert mine is not None
    print(f"\n### {question.what}, {question.kind} (reach: {REACHES[question.what, question.kind]})\n")
    print("| codec | share of raw | MB/s | repacked, modelhub is |\n|---|---|---|---|")
    for name, figure in sorted(found.items(), key=lambda item: item[1].share if item[1] else 2):
        if figure is None:
            print(f"| {name} | not installed | | |")
        else:
            print(f"| {name} | {figure.share:.4f} | {figure.speed:.0f} | {beside(mine, figure)} |")


def beside(mine: Measured, other: Measured) -> str:
    """Say how much smaller or larger than another's ours is."""
    less = 1 - mine.share / other.share
    return "" if not less else f"{abs(less) * 100:.1f} % {'smaller' if less > 0 else 'larger'}"


def main() -> None:
    print("\n## Size of bases, fine-tunes and next checkpoints")
    figures = []
    with workplace() as casts:
        for question in questions(models_folder(), casts):
            found = answers(question)
            print_table(question, found)
            plain = {name: figure and asdict(figure) for name, figure in found.items()}
            figures.append({"what": question.what, "kind": question.kind, "codecs": plain})
    keep("size_of_deltas", figures)


if __name__ == "__main__":
    main()
