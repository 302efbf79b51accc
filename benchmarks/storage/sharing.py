"""What do equal tensors and models without kinship cost? Sizes are exact and need no peer's clock.

`python -m benchmarks.storage.sharing MODELS`.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import mh, mh_json, models_folder, report, store_nbytes, workplace


def grown_by(root: Path, files: Sequence[tuple[Path, str]], message: str) -> tuple[int, int]:
    """Commit files and return what the store grew by and their raw size, in bytes."""
    before = store_nbytes(root)
    raw = 0
    for source, name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / name)
        raw += source.stat().st_size
    mh(root, "commit", "--allow-empty", "-m", message)
    return store_nbytes(root) - before, raw


def sharing(models: Path) -> list[tuple[str, str, str, str]]:
    rows = []
    with workplace() as root:
        mh(root, "init")
        grown_by(root, [(models / "minilm/base/model.safetensors", "model.safetensors")], "base")
        grown, raw = grown_by(root, [(models / "minilm/copy/model.safetensors", "copy.safetensors")], "copy")
        rows.append(("the same file from another publisher", f"{grown:,} bytes", f"{raw:,} raw", "tensors once"))
        before = store_nbytes(root)
        (root / "model.safetensors").rename(root / "renamed.safetensors")
        mh(root, "commit", "-m", "rename")
        rows.append(("a renamed file", f"{store_nbytes(root) - before:,} bytes", f"{raw:,} raw", "tensors once"))
        resaved = root / "resaved.pt"
        resave_as_torch(root / "copy.safetensors", resaved)
        size = resaved.stat().st_size
        before = store_nbytes(root)
        mh(root, "commit", "-m", "saved again by torch")
        rows.append(
            ("the same weights saved as .pt", f"{store_nbytes(root) - before:,} bytes", f"{size:,} raw", "tensors once")
        )
    with workplace() as root:
        mh(root, "init")
        folder = models / "silero-vad/6.2.3"
        jit, onnx = folder / "silero_vad.jit", folder / "silero_vad.onnx"
        first, first_raw = grown_by(root, [(onnx, "silero_vad.onnx")], "onnx")
        second, raw = grown_by(root, [(jit, "silero_vad.jit")], "jit")
        shared = mh_json(
            root,
            "query",
            "select count(distinct tensor_id) as kept, count(*) as named, sum(nbytes) as raw from tensors"
            " where commit_id = (select commit_id from refs where name = 'HEAD')",
        )
        rows.append(
            (
                "silero-vad: jit after onnx",
                f"{second:,} bytes",
                f"{raw:,} raw ({first:,} of {first_raw:,} for the onnx)",
                "tensors once",
            )
        )
        rows.append(("silero-vad: tensors kept / named", str(shared), "", ""))
    return rows


def resave_as_torch(source: Path, target: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(source), target)


def retrained(models: Path) -> list[tuple[str, str, str, str]]:
    """Versions trained from scratch: a delta never pays, so the history must be no larger than each alone."""
    rows = []
    for name in ("silero_vad.jit", "silero_vad.onnx", "silero_vad_half.onnx"):
        versions = [models / f"silero-vad/{version}/{name}" for version in ("5.1.2", "6.0.0", "6.2.3")]
        alone = 0
        for path in versions:
            with workplace() as root:
                mh(root, "init")
                alone += grown_by(root, [(path, name)], "alone")[0]
        with workplace() as root:
            mh(root, "init")
            together = sum(grown_by(root, [(path, name)], path.parent.name)[0] for path in versions)
        rows.append(
            (
                f"three versions of {name}",
                f"{together:,} bytes",
                f"{alone:,}, each alone: {together / alone:.4f} x",
                "<= 1.0 x",
            )
        )
    return rows


def main() -> None:
    models = models_folder()
    report("What is shared, and what has nothing in common", [*sharing(models), *retrained(models)])


if __name__ == "__main__":
    main()
