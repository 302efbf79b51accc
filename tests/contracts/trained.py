"""Tiny networks that are really trained, and their fine-tunes."""

from __future__ import annotations

import copy
import functools

import numpy as np
import torch

Weights = dict[str, np.ndarray]


def network(seed: int, outputs: int = 4) -> torch.nn.Sequential:
    """Return a network with a norm layer, whose weights are alike in all networks."""
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(20, 48), torch.nn.LayerNorm(48), torch.nn.ReLU(), torch.nn.Linear(48, 48), torch.nn.ReLU(),
        torch.nn.Linear(48, outputs),
    )  # fmt: skip


def train(model: torch.nn.Module, *, steps: int, rate: float, task: int = 0) -> torch.nn.Module:
    """Train a copy of a network on one of several tasks."""
    model = copy.deepcopy(model)
    points = torch.Generator().manual_seed(1)
    inputs = torch.randn(512, 20, generator=points)
    rule = torch.randn(20, 4, generator=torch.Generator().manual_seed(100 + task))
    classes = (inputs @ rule).argmax(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(steps):
        chosen = torch.randint(0, len(inputs), (64,), generator=points)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs[chosen]), classes[chosen]).backward()
        optimizer.step()
    return model


@functools.cache
def trained(seed: int = 0) -> torch.nn.Module:
    """Return a network trained from a seed; networks of two seeds have nothing in common."""
    return train(network(seed), steps=250, rate=3e-3)


@functools.cache
def tuned(seed: int = 0, task: int = 1) -> torch.nn.Module:
    """Return the network of a seed, fine-tuned on another task."""
    return train(trained(seed), steps=80, rate=3e-4, task=task)


def arrays(model: torch.nn.Module) -> Weights:
    """Return the weights of a network."""
    return {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}
