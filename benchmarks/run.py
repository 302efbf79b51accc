"""Run every benchmark, one after the other; `--storage` for the questions of size alone."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
QUESTIONS = ("storage/sharing", "peak_memory", "many_things", "runs_and_queries")
STORAGE = (
    "storage/size_of_deltas",
    "storage/reading_less",
    "storage/twenty_checkpoints",
    "storage/beside_systems",
    "storage/figures",
)
PLANS = "storage/plan_quality"
"""Needs no models; only its short part is asked here."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=os.environ.get("MODELS", ""), help="folder of real model files")
    parser.add_argument(
        "--checkpoints", default="", help="folder that storage/train_checkpoints.py wrote; made if absent"
    )
    parser.add_argument("--peers-bin", default="", help="bin of the virtual environment with dvc, oxenai and git-theta")
    parser.add_argument("--storage", action="store_true", help="only what is in storage/")
    arguments = parser.parse_args()
    models = Path(arguments.models).absolute()
    checkpoints = Path(arguments.checkpoints or HERE.parent / "build/checkpoints").absolute()
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "PEERS_BIN": str(Path(arguments.peers_bin).absolute()) if arguments.peers_bin else "",
    }

    def ask(question: str, *words: str) -> None:
        subprocess.run([sys.executable, str(HERE / f"{question}.py"), *words], check=True, env=env)

    if not list(checkpoints.glob("step-*.safetensors")):
        ask("storage/train_checkpoints", str(checkpoints), "--base", str(models / "minilm/base/model.safetensors"))
    for question in STORAGE if arguments.storage else (*QUESTIONS, *STORAGE):
        ask(question, str(models), str(checkpoints))
    if (HERE / f"{PLANS}.py").exists():
        ask(PLANS, "curve")


if __name__ == "__main__":
    main()
