"""Where benchmarks leave their figures for the pictures: one JSON file a benchmark in build/benchmarks."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "build/benchmarks"


def keep(name: str, figures: Any) -> None:
    """Leave the figures of one benchmark behind, in place of those of its last run."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(figures, indent=1))


def kept(name: str) -> Any:
    """Return what a benchmark left behind. Raises SystemExit where it has not been run yet."""
    try:
        return json.loads((FOLDER / f"{name}.json").read_text())
    except FileNotFoundError:
        raise SystemExit(f"run benchmarks/storage/{name}.py first") from None


def checkpoints_folder() -> Path:
    """Return the folder of checkpoints from the command line or CHECKPOINTS."""
    text = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("CHECKPOINTS", "")
    if not text or not Path(text).is_dir():
        raise SystemExit("name the folder that train_checkpoints.py wrote: benchmarks/README.md says how")
    return Path(text).absolute()


def checkpoints() -> list[Path]:
    """Return the files of the checkpoints, the base first."""
    return sorted(checkpoints_folder().glob("step-*.safetensors"))
