"""How small do int8, GGUF's quantised types, sparse updates, pruned weights and optimizer states get?

`python -m benchmarks.storage.kinds_of_numbers MODELS CHECKPOINTS [STATES]`. Quantised are three layers of MiniLM's
encoder and 4,096 rows of its embedding: the base, its fine-tune after the base, step 500 after step 450. STATES is
where train_checkpoints.py left optimizer states. Shares of the raw bytes, tensors alone; "earlier" is the smallest of
the codecs up to 16, "entropy" what frequencies alone demand.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zstandard
from numpy.typing import NDArray

from benchmarks.measure import models_folder
from benchmarks.storage.entropies import items_bound, places_bound, planes_bound
from benchmarks.storage.model_files import tensors
from benchmarks.storage.quantised import QUANTISED, int8_by_row, int8_by_tensor
from benchmarks.storage.results import checkpoints_folder
from modelhub.store.block_encoder import encode_block
from modelhub.store.codecs.registry import NAMES, codec
from modelhub.store.item import NO_ROWS, Item, Rows

Floats = NDArray[np.float32]

WIDTH = 384
ROWS = slice(2000, 2000 + 4096)
LAYERS = (0, 2, 5)
MATRICES = ("attention.self.query", "attention.self.value", "intermediate.dense", "output.dense")
EMBEDDING = "embeddings.word_embeddings.weight"
EARLIER = {0: (1, 2, 8), 1: (1, 2, 8, 3, 5, 12, 13), 2: (1, 2, 8, 3, 5, 12, 13, 14)}
MOVED = 2e-3
TIMES = 5


@dataclass(frozen=True, slots=True)
class Case:
    """A block, the blocks it may build on, and what it must take by frequencies."""

    block: bytes
    item: Item
    bases: Sequence[bytes] = ()
    rows: Rows = NO_ROWS
    bound: float = 0.0


def earlier(case: Case) -> int:
    """Return the bytes that the codecs up to 16 take."""
    found = [len(case.block)]
    for codec_id in EARLIER[len(case.bases)]:
        frame = codec(codec_id).encode(case.block, case.item, case.bases, case.rows)
        found += [] if frame is None else [len(frame)]
    return min(found)


def print_row(what: str, cases: Sequence[Case]) -> None:
    """Print what some blocks take together, and how fast the first is encoded for a commit and decoded."""
    raw = sum(len(case.block) for case in cases)
    fast, small = (
        [encode_block(case.block, case.item, case.bases, case.rows, effort=effort) for case in cases]
        for effort in ("fast", "small")
    )
    shares = [
        sum(len(zstandard.ZstdCompressor(level=3).compress(case.block)) for case in cases),
        sum(map(earlier, cases)),
        sum(len(one.data) for one in fast),
        sum(len(one.data) for one in small),
        sum(case.bound for case in cases),
    ]
    names = sorted({NAMES[one.frame.codec] for one in small})
    speeds = nanoseconds(cases[0], fast[0].frame.codec)
    cells = " | ".join([*(f"{share / raw:.4f}" for share in shares), ", ".join(names), *speeds])
    print(f"| {what} | {cells} |", flush=True)


def nanoseconds(case: Case, codec_id: int) -> list[str]:
    """Return what encoding and decoding take for each byte of the block, the best of some."""
    how = codec(codec_id)
    frame = how.encode(case.block, case.item, case.bases, case.rows)
    if frame is None:
        return ["", ""]
    found = []
    for work in (
        lambda: how.encode(case.block, case.item, case.bases, case.rows),
        lambda: how.decode(frame, len(case.block), case.item, case.bases),
    ):
        times = []
        for _ in range(TIMES):
            started = time.thread_time()
            work()
            times.append(time.thread_time() - started)
        found.append(f"{min(times) / len(case.block) * 1e9:.1f}")
    return found


def weights(file: Path) -> tuple[list[Floats], list[Floats]]:
    """Return matrices of the encoder, and rows of the embedding."""
    wanted = {f"encoder.layer.{layer}.{name}.weight" for layer in LAYERS for name in MATRICES}
    found = {one.name: np.frombuffer(one.raw, "<f4") for one in tensors(file) if one.name in {*wanted, EMBEDDING}}
    encoder = [found[name] for name in sorted(wanted)]
    shapes = [(1536, WIDTH) if "intermediate" in name else (WIDTH, -1) for name in sorted(wanted)]
    matrices = [matrix.reshape(shape) for matrix, shape in zip(encoder, shapes, strict=True)]
    return matrices, [found[EMBEDDING].reshape(-1, WIDTH)[ROWS]]


def quantised(models: Path, folder: Path) -> Iterator[tuple[str, list[Case]]]:
    """Yield int8 and each type of GGML, of encoder and embedding: alone, a fine-tune, the next checkpoint."""
    base, tuned = (weights(models / f"minilm/{name}/model.safetensors") for name in ("base", "finetuned"))
    before, after = (weights(folder / f"step-{step:04}.safetensors") for step in (450, 500))
    kinds = {"int8 by row": (Item.of("int8"), int8_by_row), "int8 by tensor": (Item.of("int8"), int8_by_tensor)}
    kinds |= {name: (Item("bytes", width), quantise) for name, (width, quantise) in QUANTISED.items()}
    for kind, (item, quantise) in kinds.items():
        for part, name in enumerate(("encoder", "embedding")):
            for what, new, old in (("alone", tuned, None), ("fine-tune", tuned, base), ("next", after, before)):
                cases = []
                for at, matrix in enumerate(new[part]):
                    block = quantise(np.ascontiguousarray(matrix))
                    bases = [] if old is None else [quantise(np.ascontiguousarray(old[part][at]))]
                    bound = items_bound(block, item, bases[0] if bases else None)
                    cases.append(Case(block, item, bases, bound=bound))
                yield f"{kind}, {name}, {what}", cases


def sparse(models: Path) -> Iterator[tuple[str, list[Case]]]:
    """Yield rows of the embedding of which some numbers, or all of some rows, moved a little; and pruned ones."""
    old = np.ascontiguousarray(weights(models / "minilm/base/model.safetensors")[1][0][:2730])
    rng = np.random.default_rng(1)
    for how, shape in (("scattered", old.shape), ("rows", (len(old), 1))):
        for share in (0.1, 0.01, 0.001) if how == "scattered" else (0.1, 0.01):
            chosen = np.broadcast_to(rng.random(shape) < share, old.shape)
            new = np.where(chosen, old + rng.standard_normal(old.shape) * MOVED, old).astype(np.float32)
            for kind in ("float32", "bfloat16"):
                yield f"{kind}, {share:.1%} {how}", [_moved(_as(kind, new), _as(kind, old), Item.of(kind), shape)]
    for share in (0.5, 0.8):
        new = np.where(np.abs(old) < np.quantile(np.abs(old), share), np.float32(0), old)
        for kind in ("float32", "bfloat16"):
            block, item = _as(kind, new), Item.of(kind)
            chosen = new.reshape(-1) != 0
            inner = encode_block(np.frombuffer(block, f"V{item.nbytes}")[chosen].tobytes(), item, effort="small")
            bound = places_bound(chosen) + len(inner.data)
            yield f"{kind}, {share:.0%} pruned", [Case(block, item, [], bound=bound)]


def _moved(block: bytes, base: bytes, item: Item, shape: tuple[int, int]) -> Case:
    """Return a block with its base; its bound is the places, and what differs encoded as a block of its own."""
    new, old = (np.frombuffer(data, f"<u{item.nbytes}") for data in (block, base))
    differs = new != old
    places = differs if shape[1] > 1 else differs.reshape(len(differs) // WIDTH, WIDTH).any(axis=1)
    inner = encode_block(new[differs].tobytes(), item, [old[differs].tobytes()])
    return Case(block, item, [base], Rows(WIDTH), places_bound(places) + len(inner.data))


def _as(kind: str, values: Floats) -> bytes:
    """Return numbers as float32, or rounded to bfloat16."""
    bits = values.astype("<f4").view("<u4").astype(np.uint64)
    if kind == "bfloat16":
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes()
    return values.astype("<f4").tobytes()


def states(folder: Path) -> Iterator[tuple[str, list[Case]]]:
    """Yield Adam's moments after the last of some states, alone, after the one before, and after the last two."""
    import torch

    known = [torch.load(path, weights_only=True) for path in sorted(folder.glob("step-*.pt"))[-3:]]
    names = [name for name in known[0]["model"] if not name.endswith("position_ids")]
    encoder = [f"encoder.layer.{layer}.{name}.weight" for layer in LAYERS for name in MATRICES]
    for part, wanted in (("encoder", encoder), ("embedding", [EMBEDDING])):
        for moment in ("exp_avg", "exp_avg_sq"):
            tensors_of = [
                [state["optimizer"]["state"][names.index(name)][moment].numpy() for state in known] for name in wanted
            ]
            part_of = slice(ROWS.start, ROWS.start + 2730) if part == "embedding" else slice(None)
            for bases, what in enumerate(("alone", "next", "next of two")):
                cases = []
                for versions in tensors_of:
                    *olds, block = (one[part_of].tobytes() for one in versions)
                    near = olds[::-1][:bases]
                    cases.append(Case(block, Item.of("float32"), near, Rows(versions[0].shape[1]), planes_bound(block)))
                yield f"{moment}, {part}, {what}", cases


def main() -> None:
    print("\n## Other kinds of numbers\n")
    print("| what | zstd 3 | earlier | commit | repack | entropy | codecs | encode, ns a byte | decode |")
    print("|---|---|---|---|---|---|---|---|---|")
    models, folder = models_folder(), checkpoints_folder()
    asked = [quantised(models, folder), sparse(models)]
    asked += [states(Path(sys.argv[3]))] if len(sys.argv) > 3 else []
    for rows in asked:
        for what, cases in rows:
            print_row(what, cases)


if __name__ == "__main__":
    main()
