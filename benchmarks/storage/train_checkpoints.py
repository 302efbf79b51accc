"""Really fine-tune MiniLM with AdamW and keep every fiftieth step: what a training run leaves on the disk.

The text is the documentation of Python itself, which every machine that runs this has: an utterance is a window of a
docstring, its positive the window after it, its negatives the other positives of the batch (a contrastive loss, as the
model was made with). Words are cut up by `vocab.txt` beside the base where it is there; otherwise each word is hashed
into an id of the vocabulary, so that the base weights are all that is needed. One thread, so that sums are made in one
order: the same seed on the same machine gives the same bytes. 1,000 steps take about 12 minutes.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import struct
import sysconfig
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy, normalize

Encode = Callable[[str], list[int]]

LEARNING_RATE = 2e-5
WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 20
PAIRS = 8
TOKENS = 32
WORDS = 24
SCALE = 20.0
SEED = 1
OPTIMIZER_STATES = 3
START, END, FIRST_WORD, VOCABULARY = 101, 102, 1996, 30522


def documentation() -> list[str]:
    """Return the docstrings of the standard library and the topics of its help, in the order of their files."""
    texts = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if "site-packages" in path.parts or "test" in path.parts:
            continue
        if path.parent.name == "pydoc_data":
            texts += [value for value in _constants(path) if len(value) > 200]
        else:
            texts += _docstrings(path)
    return texts


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _constants(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text


def pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return each window of words with the window that follows it in the same text."""
    found = []
    for text in texts:
        words = text.split()
        windows = [" ".join(words[at : at + WORDS]) for at in range(0, len(words) - WORDS // 2, WORDS)]
        found += list(zip(windows[::2], windows[1::2], strict=False))
    return found


def word_pieces(base: Path) -> Encode:
    """Return the model's own way to cut text into ids, or a hash of each word where its vocabulary is not at hand."""
    vocabulary = base.with_name("vocab.txt")
    if not vocabulary.exists():
        return lambda text: [
            FIRST_WORD + zlib.crc32(word.lower().encode()) % (VOCABULARY - FIRST_WORD) for word in text.split()
        ]
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)


def batches(base: Path) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield ids and mask, both (2 x PAIRS, TOKENS) int64, without end: all first windows, then what follows each."""
    encode = word_pieces(base)
    examples = pairs(documentation())
    order = random.Random(SEED)
    while True:
        order.shuffle(examples)
        for at in range(0, len(examples) - PAIRS + 1, PAIRS):
            chosen = examples[at : at + PAIRS]
            ids = torch.zeros(2 * PAIRS, TOKENS, dtype=torch.long)
            for row, text in enumerate([first for first, _ in chosen] + [second for _, second in chosen]):
                tokens = [START, *encode(text)[: TOKENS - 2], END]
                ids[row, : len(tokens)] = torch.tensor(tokens)
            yield ids, (ids != 0).long()


class Checkpoint:
    """The base's file, whose float32 tensors are replaced in place: names, order and header never change."""

    def __init__(self, base: Path) -> None:
        self._data = bytearray(base.read_bytes())
        (length,) = struct.unpack_from("<Q", self._data)
        header = json.loads(self._data[8 : 8 + length])
        header.pop("__metadata__", None)
        self._tensors = {
            name: torch.frombuffer(self._data, dtype=torch.float32, offset=8 + length + info["data_offsets"][0])[
                : (info["data_offsets"][1] - info["data_offsets"][0]) // 4
            ].view(info["shape"])
            for name, info in header.items()
            if info["dtype"] == "F32"
        }

    def weights(self) -> dict[str, torch.Tensor]:
        """Return a copy of the weights by name."""
        return {name: tensor.clone() for name, tensor in self._tensors.items()}

    def write(self, path: Path, weights: dict[str, torch.Tensor]) -> None:
        """Write the file with these weights. Raises KeyError where one is missing."""
        for name, tensor in self._tensors.items():
            tensor.copy_(weights[name])
        path.write_bytes(self._data)


def minilm(weights: dict[str, torch.Tensor]) -> Any:
    """Return the model that the base's weights belong to: BERT, 6 layers of 384."""
    from transformers import BertConfig, BertModel

    config = BertConfig(hidden_size=384, intermediate_size=1536, num_hidden_layers=6, num_attention_heads=12)
    model = BertModel(config)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    wrong = [name for name in [*missing, *unexpected] if not name.endswith(("position_ids", "token_type_ids"))]
    if wrong:
        raise SystemExit(f"this base is not MiniLM: {', '.join(wrong)}")
    return model.train()


def loss_of(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return how badly each window's mean vector, of (2 x PAIRS, TOKENS) ids, tells its successor from the others."""
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weight = mask.unsqueeze(-1).float()
    vectors = normalize((hidden * weight).sum(1) / weight.sum(1))
    scores = SCALE * vectors[:PAIRS] @ vectors[PAIRS:].T
    return cross_entropy(scores, torch.arange(PAIRS))


def train(base: Path, folder: Path, *, between: int, count: int, states: Path | None) -> None:
    """Write step-0000.safetensors, the base, and one more file after every so many steps."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    checkpoint = Checkpoint(base)
    model = minilm(checkpoint.weights())
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / WARM_UP_STEPS))
    checkpoint.write(folder / "step-0000.safetensors", checkpoint.weights())
    started = time.perf_counter()
    for step, (ids, mask) in enumerate(batches(base), 1):
        loss = loss_of(model, ids, mask)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % between:
            continue
        checkpoint.write(folder / f"step-{step:04}.safetensors", model.state_dict())
        if states is not None and step // between <= OPTIMIZER_STATES:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
            torch.save(state, states / f"step-{step:04}.pt")
        print(f"step {step}, loss {loss.item():.3f}, {time.perf_counter() - started:.0f} s", flush=True)
        if step == between * count:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the checkpoints go")
    parser.add_argument("--base", type=Path, required=True, help="minilm/base/model.safetensors")
    parser.add_argument("--steps-between", type=int, default=50)
    parser.add_argument("--count", type=int, default=20, help="checkpoints after the base")
    parser.add_argument(
        "--optimizer-state",
        type=Path,
        metavar="FOLDER",
        help=f"where the first {OPTIMIZER_STATES} also go with the optimizer's state, as torch saves them",
    )
    arguments = parser.parse_args()
    for folder in (arguments.folder, arguments.optimizer_state):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    train(
        arguments.base,
        arguments.folder,
        between=arguments.steps_between,
        count=arguments.count,
        states=arguments.optimizer_state,
    )


if __name__ == "__main__":
    main()
