"""Print the validation accuracy of model.safetensors as JSON: {"accuracy": 0.98}."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from digits import build_network, evaluate, load_digits
from safetensors.torch import load_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="?", default=Path("model.safetensors"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = build_network()
    network.load_state_dict(load_file(arguments.model))
    _, _, images, labels = load_digits()
    print(json.dumps({"accuracy": evaluate(network, images, labels)}))


if __name__ == "__main__":
    main()
