"""Train a small convolutional network on the handwritten digits that scikit-learn carries.

Writes model.safetensors (the weights) and checkpoint.pt (weights and optimizer, to go on from), and records the run:
its params, the loss and the accuracies of every epoch, and what it started from.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from digits import ALIKE, build_network, evaluate, load_digits, only
from torch import Tensor, nn

import modelhub as mh

CHECKPOINT = "checkpoint.pt"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2, help="passes over the training images (default: 2)")
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate of AdamW (default: 0.001)")
    parser.add_argument("--batch", type=int, default=64, help="images in a step (default: 64)")
    parser.add_argument("--resume", type=Path, metavar="CHECKPOINT", help="go on from this checkpoint.pt")
    parser.add_argument("--classes", metavar="3,5,8", help="train on these digits only (default: all)")
    parser.add_argument("--from", dest="source", metavar="REV:PATH", help="the model that this is a fine-tune of")
    parser.add_argument("--seed", type=int, default=7, help="of the first weights and of the order of images")
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
    epochs = epochs_before + arguments.epochs
    params = {"epochs": epochs, "lr": arguments.lr, "classes": ",".join(map(str, classes)), "seed": arguments.seed}
    with mh.run(f"{epochs} epochs", params=params, from_=arguments.source) as run:
        run.measured_on("accuracy", "accuracy_358", data="digits.py")
        for epoch in range(epochs_before + 1, epochs + 1):
            torch.manual_seed(arguments.seed + epoch - 1)
            loss = train_epoch(network, optimizer, images, labels, batch=arguments.batch)
            accuracy = evaluate(network, val_images, val_labels)
            alike = evaluate(network, *only(val_images, val_labels, ALIKE))
            run.log(epoch, train_loss=loss, accuracy=accuracy, accuracy_358=alike)
        run.log_model("model.safetensors", network)
        torch.save({"model": network.state_dict(), "optimizer": optimizer.state_dict(), "epochs": epochs}, CHECKPOINT)
        run.output(CHECKPOINT)
    print(f"{epochs} epochs, val accuracy {accuracy:.4f}, of 3, 5 and 8 {alike:.4f}")


if __name__ == "__main__":
    main()
