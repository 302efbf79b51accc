"""The data and the network that train.py and evaluate.py share."""

from __future__ import annotations

from collections import OrderedDict

from sklearn import datasets
from sklearn.model_selection import train_test_split
from torch import Tensor, from_numpy, isin, nn, no_grad, tensor

ALIKE = (3, 5, 8)
"""The digits that are mixed up most; their accuracy is a metric of its own."""


def load_digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return training images and labels, then validation images and labels; always the same split.

    Images are float32 of shape (n, 1, 8, 8) from 0 to 1, labels int64.
    """
    data = datasets.load_digits()
    images = (data.images / 16.0).astype("float32")[:, None]
    labels = data.target.astype("int64")
    train_x, val_x, train_y, val_y = train_test_split(images, labels, test_size=0.3, random_state=0, stratify=labels)
    return from_numpy(train_x), from_numpy(train_y), from_numpy(val_x), from_numpy(val_y)


def build_network() -> nn.Sequential:
    """Return a network of about 280,000 weights, from an 8 x 8 image to ten scores."""
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(1, 32, 3, padding=1),
        "relu1": nn.ReLU(),
        "conv2": nn.Conv2d(32, 64, 3, padding=1),
        "relu2": nn.ReLU(),
        "pool": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "hidden": nn.Linear(64 * 4 * 4, 256),
        "relu3": nn.ReLU(),
        "output": nn.Linear(256, 10),
    }
    return nn.Sequential(OrderedDict(layers))


def only(images: Tensor, labels: Tensor, classes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the images of some digits, and their labels."""
    chosen = isin(labels, tensor(classes))
    return images[chosen], labels[chosen]


@no_grad()
def evaluate(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the share of images whose digit the network gets right."""
    network.eval()
    hits = int((network(images).argmax(1) == labels).sum())
    return round(hits / len(labels), 6)
