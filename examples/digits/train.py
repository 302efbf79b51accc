"""Train a small convolutional network on the handwritten digits that scikit-learn carries.

Writes three files: model.safetensors (the weights), checkpoint.pt (weights and optimizer, to go on from) and
metrics.json (the params it ran with and what came out).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from digits import ALIKE, build_network, evaluate, load_digits, only
from safetensors.torch import save_file
from torch import Tensor, nn


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2, help="passes over the training images (default: 2)")
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate of AdamW (default: 0.001)")
    parser.add_argument("--batch", type=int, default=64, help="images in a step (default: 64)")
    parser.add_argument("--resume", type=Path, metavar="CHECKPOINT", help="go on from this checkpoint.pt")
    parser.add_argument("--classes", metavar="3,5,8", help="train on these digits only (default: all)")
    parser.add_argument("--seed", type=int, default=7, help="of the first weights and of the order of images")
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where to write (default: here)")
    return parser.parse_args()


def train_epoch(
    network: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, *, batch: int
) -> float:
    """Go over all images once, in random order; return the mean loss."""
    network.train()
    total = 0.0
    for picked in torch.randperm(len(labels)).split(batch):
        loss = nn.functional.cross_entropy(network(images[picked]), labels[picked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(picked)
    return total / len(labels)


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(arguments.seed)
    classes = tuple(sorted(map(int, arguments.classes.split(","))) if arguments.classes else range(10))
    train_images, train_labels, val_images, val_labels = load_digits()
    network = build_network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.lr)
    epochs_before = 0
    if arguments.resume is not None:
        checkpoint = torch.load(arguments.resume, weights_only=True)
        network.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        for group in optimizer.param_groups:
            group["lr"] = arguments.lr
        epochs_before = checkpoint["epochs"]

    images, labels = only(train_images, train_labels, classes)
    loss = float("nan")
    for epoch in range(arguments.epochs):
        torch.manual_seed(arguments.seed + epochs_before + epoch)
        loss = train_epoch(network, optimizer, images, labels, batch=arguments.batch)
    epochs = epochs_before + arguments.epochs

    metrics = {
        "accuracy": evaluate(network, val_images, val_labels),
        "accuracy_358": evaluate(network, *only(val_images, val_labels, ALIKE)),
        "train_loss": round(loss, 6),
    }
    params = {"epochs": epochs, "lr": arguments.lr, "classes": ",".join(map(str, classes)), "seed": arguments.seed}
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), arguments.out / "model.safetensors")
    state = {"model": network.state_dict(), "optimizer": optimizer.state_dict(), "epochs": epochs}
    torch.save(state, arguments.out / "checkpoint.pt")
    text = json.dumps({"params": params, "metrics": metrics}, indent=2)
    (arguments.out / "metrics.json").write_text(text + "\n")
    print(f"{epochs} epochs, val accuracy {metrics['accuracy']:.4f}, of 3, 5 and 8 {metrics['accuracy_358']:.4f}")


if __name__ == "__main__":
    main()
