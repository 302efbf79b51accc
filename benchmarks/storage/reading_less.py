"""How much is read for one, two or three bytes of every number, and what do separate planes cost? Bytes only, exact.

A base and its published fine-tune are recorded and repacked, in float32 and in bfloat16, then the fine-tune is marked
as progressive: `python -m benchmarks.storage.reading_less MODELS`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import modelhub
from benchmarks.measure import mh, models_folder, report, store_nbytes, workplace
from benchmarks.storage.model_files import cast_to_bfloat16
from modelhub.store.stored_file import StoredFile

FINE_TUNE = "HEAD:model.safetensors"
ROWS = slice(20_000, 20_010)


def read_nbytes(root: Path, read: Callable[[modelhub.Repo], object]) -> int:
    """Return the bytes that are read from objects and packs while something is read; opening them included."""
    total = 0
    original = StoredFile.read_at

    def counted(file: StoredFile, offset: int, nbytes: int) -> bytes:
        nonlocal total
        total += nbytes
        return original(file, offset, nbytes)

    with mock.patch.object(StoredFile, "read_at", counted):
        read(modelhub.open(root))
    return total


def all_tensors(precision: int | None) -> Callable[[modelhub.Repo], object]:
    if precision is None:
        return lambda repo: [array.size for array in repo.load(FINE_TUNE).values()]
    return lambda repo: [one.lower.size for one in repo.load(FINE_TUNE, precision=precision).values()]


def some_rows(repo: modelhub.Repo) -> object:
    loaded = repo.load(FINE_TUNE, rows=ROWS)
    return loaded[next(name for name in loaded if name.endswith("word_embeddings.weight"))]


def asked(root: Path, when: str, width: int, raw: int) -> list[tuple[str, str, str, str]]:
    questions = [(f"{count} of {width} bytes", all_tensors(count)) for count in range(1, width)]
    questions += [("everything", all_tensors(None)), ("ten rows of the embedding", some_rows)]
    stored = store_nbytes(root)
    rows = [(f"store {when}", f"{stored:,} bytes", f"{stored / raw:.4f} of a raw model", "")]
    for question, read in questions:
        nbytes = read_nbytes(root, read)
        rows.append((f"{question}, {when}", f"{nbytes:,} bytes", f"{nbytes / raw:.4f} of a raw model", ""))
    return rows


def reading_less(models: Path, *, narrow: bool) -> list[tuple[str, str, str, str]]:
    rows = []
    with workplace() as root:
        mh(root, "init")
        for name in ("base", "finetuned"):
            source = models / f"minilm/{name}/model.safetensors"
            target = root / "model.safetensors"
            cast_to_bfloat16(source, target) if narrow else shutil.copyfile(source, target)
            mh(root, "commit", "-m", name)
        raw = target.stat().st_size
        mh(root, "repack")
        rows += asked(root, "as a delta", 2 if narrow else 4, raw)
        mh(root, "repack", "--progressive", "HEAD")
        rows += asked(root, "progressive", 2 if narrow else 4, raw)
    return rows


def main() -> None:
    models = models_folder()
    for narrow in (False, True):
        title = f"read a part of a fine-tune, {'bfloat16' if narrow else 'float32'}"
        report(title, reading_less(models, narrow=narrow))


if __name__ == "__main__":
    main()
