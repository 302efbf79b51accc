"""The main job from end to end: train a small network for real, version it with mh, ask about it.

Every command is printed as `$ ...` and then run, in a temporary folder that is deleted at the end.
`python demo.py --transcript FILE` also writes everything to a file, `--keep FOLDER` works there and leaves it.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
CODE = ("digits.py", "train.py", "evaluate.py")

BEST = """\
select c.summary, m.value as accuracy
 from metrics m join commits c on c.id = m.commit_id
 where m.name = 'accuracy' order by m.value desc"""

MOVED = """\
select h.name, h.relative, h.cosine, h.largest
 from tensor_changes h join refs r on r.commit_id = h.commit_id
 where r.name = 'fine-tune' and h.path = 'model.safetensors'
 order by h.relative desc limit 4"""


CURVE = """\
select r.name, h.step, h.value as train_loss
 from metric_history h join runs r on r.run_id = h.run_id
 where h.name = 'train_loss' and h.step in (1, 2, 12, 17) order by h.step"""


class Demo:
    """Runs commands in one folder and shows them as a terminal would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self._environment = {
            "MH_AUTHOR_NAME": "Ada",
            "MH_AUTHOR_EMAIL": "ada@example.org",
            **os.environ,
            "MH_PAGER": "cat",
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")])),
        }

    def say(self, text: str = "") -> None:
        """Print a line and keep it for the transcript."""
        print(text, flush=True)
        self.lines.append(text)

    def run(self, command: str) -> str:
        """Show and run one command; return what it printed. Stops the demo where it fails."""
        self.say("$ " + command)
        done = subprocess.run(
            self._words(command), cwd=self.folder, env=self._environment, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        for line in done.stdout.splitlines():
            self.say(line.rstrip())
        self.say()
        if done.returncode != 0:
            sys.exit(f"the command ended with exit code {done.returncode}")
        return done.stdout

    def ask(self, command: str) -> str:
        """Run a command without showing it; return its stdout."""
        done = subprocess.run(
            self._words(command), cwd=self.folder, env=self._environment, text=True, encoding="utf-8",
            capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout

    @staticmethod
    def _words(command: str) -> list[str]:
        words = shlex.split(command)
        if words[0] == "mh":
            return [sys.executable, "-m", "modelhub", *words[1:]]
        return [sys.executable, *words[1:]] if words[0] == "python" else words

    def recorded_accuracy(self, revision: str) -> float:
        """Return the metric that was recorded with a version."""
        found = json.loads(self.ask(f"mh log -n 1 {revision} --format jsonl"))
        return float(found["metrics"]["accuracy"])


def show(demo: Demo) -> None:
    """Run the whole story."""
    demo.run("mh init")
    demo.say("# A baseline: the code, the weights, the optimizer and the run that made them are one version.")
    demo.run("python train.py --epochs 2")
    demo.run("mh commit -m 'baseline'")

    demo.say("# Train on from the checkpoint.")
    demo.run("python train.py --epochs 10 --resume checkpoint.pt")
    demo.run("mh commit -m 'longer run'")
    demo.run("mh tag v1")

    demo.say("# Fine-tune on the digits that are mixed up most, on a branch.")
    demo.run("mh switch -c fine-tune")
    tuning = "--epochs 5 --lr 0.0001 --resume checkpoint.pt --classes 3,5,8 --from main:model.safetensors"
    demo.run(f"python train.py {tuning}")
    demo.run("mh commit -m 'fine-tune on 3, 5 and 8'")

    demo.say("# What happened, and what moved?")
    demo.run("mh log --graph --oneline --all")
    demo.run("mh diff main fine-tune -- model.safetensors")
    demo.say("# Which version is best? Which layers moved most?")
    demo.run(f'mh query "{BEST}"')
    demo.run(f'mh query "{MOVED}"')
    demo.say("# How was it made? What did the loss do on the way?")
    demo.run("mh lineage fine-tune:model.safetensors")
    demo.run("mh verify fine-tune")
    demo.run(f'mh query "{CURVE}"')

    demo.say("# Back to the first version: it gives the very same accuracy again.")
    demo.run("mh checkout v1~1")
    accuracy = json.loads(demo.run("python evaluate.py"))["accuracy"]
    recorded = demo.recorded_accuracy("v1~1")
    if accuracy != recorded:
        sys.exit(f"the old version gives {accuracy}, its commit says {recorded}")
    demo.say(f"# {accuracy} now, {recorded} when it was committed: the same.")
    demo.run("mh switch main")

    demo.say("# What does all this take on the disk?")
    demo.run("mh du")


@contextmanager
def project(keep: Path | None) -> Iterator[Path]:
    """Give a folder that holds the training code and nothing else."""
    if keep is not None:
        keep.mkdir(parents=True)
    folder = keep if keep is not None else Path(tempfile.mkdtemp(prefix="mh-digits-"))
    try:
        for name in CODE:
            shutil.copy(HERE / name, folder / name)
        yield folder
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transcript", type=Path, metavar="FILE", help="write what is shown to this file too")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this new folder and leave it")
    arguments = parser.parse_args()
    started = time.monotonic()
    with project(arguments.keep) as folder:
        demo = Demo(folder)
        show(demo)
        if arguments.transcript is not None:
            text = "\n".join(demo.lines).replace(str(folder), "digits").rstrip()
            arguments.transcript.write_text(text + "\n", encoding="utf-8")
    print(f"done in {time.monotonic() - started:.0f} seconds", flush=True)


if __name__ == "__main__":
    main()
