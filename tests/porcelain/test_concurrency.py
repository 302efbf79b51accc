from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from contracts.project import Project, safetensors, weights

from modelhub.porcelain.log import log

WRITERS = 4
COMMITS = 3

SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from contracts.project import Project, safetensors, weights
from modelhub.repository.repository import Repository
project = Project(Path(sys.argv[2]), Repository.find(Path(sys.argv[2])))
writer = int(sys.argv[3])
for number in range(int(sys.argv[4])):
    path = f"{writer}-{number}.safetensors"
    project.write(path, safetensors({"w": weights(writer * 100 + number, 40, 40), "same": weights(1, 40, 40)}))
    print(project.commit(path, paths=[path]).commit)
"""

READER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from contracts.project import START_MS, ADA
from modelhub.porcelain.gc import gc
from modelhub.porcelain.log import log
from modelhub.porcelain.status import status
from modelhub.repository.repository import Act, Repository
seen = 0
for number in range(8):
    repo = Repository.find(Path(sys.argv[2]))
    found = len(list(log(repo)))
    assert found >= seen, "history went backwards"
    seen = found
    status(repo)
    gc(repo, act=Act(ADA, START_MS + number, 0, "gc"), grace_days=0)
"""


def test_writers_readers_and_gc_at_once_lose_nothing(project: Project) -> None:
    first = project.save("first.safetensors", safetensors({"same": weights(1, 40, 40)}))
    tests, root = str(Path(__file__).parents[1]), str(project.root)
    writers = [_start(SCRIPT, tests, root, str(number), str(COMMITS)) for number in range(WRITERS)]
    reader = _start(READER, tests, root)
    told = [first]
    for process in (*writers, reader):
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        told += out.split()
    assert len(told) == WRITERS * COMMITS + 1
    assert {entry.commit for entry in log(project.again())} == set(told)
    assert len(project.files_of(project.again().head_commit())) == len(told)
    project.assert_sound()


def _start(script: str, *arguments: str) -> subprocess.Popen[str]:
    source = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": source},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
