"""Run every benchmark, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

QUESTIONS = ("storage_size", "beside_git_lfs", "peak_memory", "many_things", "runs_and_queries")


def main() -> None:
    models = sys.argv[sys.argv.index("--models") + 1] if "--models" in sys.argv else ""
    for question in QUESTIONS:
        subprocess.run([sys.executable, str(Path(__file__).with_name(f"{question}.py")), models], check=True)


if __name__ == "__main__":
    main()
