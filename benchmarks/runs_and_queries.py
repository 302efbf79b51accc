"""What do logging, asking, rebuilding and walking cost in a large history, beside MLflow and plain sqlite3?

The repository: 1,000 commits with a model file of 500 tensors each, 2,000 runs, 5 million points. MLflow gets the same
2,000 runs with params and metrics (and few points: its search does not read them) in its SQLite store.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import statistics
import sys
import time
from pathlib import Path

from measure import mh, report, run, workplace

sys.path.insert(0, str(Path(__file__).parents[1]))

COMMITS = 1_000
RUNS = 2_000
POINTS = 5_000_000
METRICS = ("loss", "val_loss", "acc", "val_acc", "lr")
TENSORS = 500
CHANGED = 10
ROUNDS = 7
LOGGED = 1_000_000
DERIVATIONS = 1_000

TOP_RUNS = (
    "select m.run_id, m.best, p.value as lr, l.parent_path, l.relation"
    " from run_metrics m"
    " join run_params p on p.run_id = m.run_id and p.name = 'lr'"
    " join commit_runs c on c.run_id = m.run_id"
    " join lineage l on l.commit_id = c.commit_id and l.path = 'model.safetensors'"
    " where m.name = 'val_acc' order by m.best desc limit 10"
)
PLAIN = (
    "select m.run, m.best, p.value, l.parent from metrics m join params p on p.run = m.run and p.name = 'lr'"
    " join edges l on l.run = m.run where m.name = 'val_acc' order by m.best desc limit 10"
)
SEARCH = (
    "import time, mlflow; client = mlflow.MlflowClient('sqlite:///mlflow.db')\n"
    "import mlflow.tracking, sqlalchemy; client.get_experiment('0'); best = []\n"
    "for _ in range(5):\n"
    "    started = time.perf_counter()\n"
    "    found = client.search_runs(['0'], filter_string='metrics.val_acc > 0.1',\n"
    "                               order_by=['metrics.val_acc DESC'], max_results=10)\n"
    "    best.append(time.perf_counter() - started)\n"
    "assert len(found) == 10; print(sorted(best)[2])\n"
)


def build(root: Path) -> None:
    """Make the repository through the library, as the importers and `mh commit` do."""
    import numpy as np

    from modelhub.porcelain.commit import commit
    from modelhub.porcelain.commit_facts import CommitFacts
    from modelhub.porcelain.init import init
    from modelhub.repository.objects import Person
    from modelhub.repository.repository import Act, Repository
    from modelhub.runs.seal import release, seal_imported

    random.seed(1)
    numbers = np.random.default_rng(1)
    person = Person("bench", "bench@example.org")
    start = int(time.time() * 1000) - COMMITS * 100_000
    init(root, act=Act(person, start, 0, "init"))
    repo = Repository.find(root)
    tensors = {f"layer.{number}.weight": numbers.normal(size=16).astype("float32") for number in range(TENSORS)}
    for number in range(COMMITS):
        for name in random.sample(list(tensors), CHANGED):
            tensors[name] = tensors[name] + np.float32(0.01) * numbers.normal(size=16).astype("float32")
        (root / "model.safetensors").write_bytes(safetensors(tensors))
        moment = start + number * 100_000
        with repo.writing(), repo.store.writer() as writer:
            made = [
                seal_imported(writer, *training(numbers, person, moment, 2 * number + one))
                for one in range(RUNS // COMMITS)
            ]
            writer.publish()
            for one, oid in enumerate(made):
                release(repo.layout, run_id(2 * number + one), oid)
        act = Act(person, moment + 90_000, 0, "commit -m step")
        facts = CommitFacts(metrics={"val_acc": random.random()}, params={"lr": random.random()})
        commit(repo, act=act, message=f"step {number}", facts=facts)


def run_id(number: int) -> str:
    return f"{number:016x}"


def training(numbers, person, moment: int, number: int):  # type: ignore[no-untyped-def]
    """Return one run with five series whose values are float32, as training gives them, and jittered times."""
    import numpy as np

    from modelhub.repository.objects import Run

    length = POINTS // RUNS // len(METRICS)
    steps = np.arange(length, dtype=np.int64)
    times = moment + np.cumsum(numbers.integers(90, 120, length))
    series = {
        name: (steps, times, (np.exp(-steps / 200) + numbers.normal(scale=0.01, size=length)).astype("f4").astype("f8"))
        for name in METRICS
    }
    made = Run(
        id=run_id(number), name=f"run {number}", status="finished", author=person, started=moment,
        ended=int(times[-1]), offset=0, params={"lr": round(float(numbers.random()), 6), "seed": number},
    )  # fmt: skip
    return made, series


def safetensors(tensors) -> bytes:  # type: ignore[no-untyped-def]
    header, data = {}, b""
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": [16], "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def build_mlflow(folder: Path) -> None:
    """Log the same 2,000 runs into MLflow's SQLite store, 20 points a metric."""
    import mlflow
    from mlflow.entities import Metric, Param

    os.chdir(folder)
    client = mlflow.MlflowClient("sqlite:///mlflow.db")
    random.seed(1)
    for number in range(RUNS):
        started = client.create_run("0")
        points = [Metric(name, random.random(), 1_700_000_000_000, step) for name in METRICS for step in range(20)]
        params = [Param("lr", str(random.random())), Param("seed", str(number))]
        client.log_batch(started.info.run_id, metrics=points, params=params)
        client.set_terminated(started.info.run_id)


def build_plain(path: Path) -> None:
    """Put the same rows into tables made for the one question: the least that an answer can cost."""
    random.seed(1)
    with sqlite3.connect(path) as base:
        base.execute("create table metrics (run integer, name text, best real, primary key (run, name))")
        base.execute("create table params (run integer, name text, value text, primary key (run, name))")
        base.execute("create table edges (run integer primary key, parent text)")
        base.execute("create index by_name on metrics (name, best)")
        rows = [(number, name, random.random()) for number in range(RUNS) for name in METRICS]
        base.executemany("insert into metrics values (?, ?, ?)", rows)
        base.executemany("insert into params values (?, 'lr', '0.1')", [(number,) for number in range(RUNS)])
        base.executemany("insert into edges values (?, 'model')", [(number,) for number in range(RUNS)])


ASK = f"""
import time, modelhub as mh
repo, took = mh.open(), []
for _ in range(5):
    started = time.perf_counter()
    found = repo.query({TOP_RUNS!r})
    took.append(time.perf_counter() - started)
assert len(list(found)) == 10
print(sorted(took)[2])
"""


def seconds(root: Path, *arguments: str) -> float:
    return statistics.median(mh(root, *arguments).seconds for _ in range(ROUNDS))


def asking(root: Path, folder: Path) -> list[tuple[str, str, str, str]]:
    startup = seconds(root, "query", "select 1")
    whole = seconds(root, "query", TOP_RUNS) - startup
    ours = float(run([sys.executable, "-c", ASK], root).output.split()[-1])
    theirs = float(run([sys.executable, "-W", "ignore", "-c", SEARCH], folder).output.split()[-1])
    code = f"import sqlite3; sqlite3.connect('plain.db').execute({PLAIN!r}).fetchall()"
    bare = statistics.median(run([sys.executable, "-c", "import sqlite3"], folder).seconds for _ in range(ROUNDS))
    plain = statistics.median(run([sys.executable, "-c", code], folder).seconds for _ in range(ROUNDS)) - bare
    curve = seconds(root, "query", f"select step, value from metric_history where run_id = '{run_id(7)}'") - startup
    scan = seconds(
        root, "query", "--timeout", "100", "select name, count(*), avg(value) from metric_history group by name"
    )
    return [
        ("ten best runs with params and lineage, after start-up", f"{whole * 1000:.0f} ms",
         f"sqlite3 by hand {plain * 1000:.0f} ms", "<= 100 ms"),
        ("the same as a call from Python", f"{ours * 1000:.1f} ms",
         f"MLflow's `search_runs` {theirs * 1000:.0f} ms = {theirs / ours:.0f} x", ">= 20 x MLflow"),
        ("`mh query 'select 1'` there: start-up", f"{startup * 1000:.0f} ms", "", ""),
        ("one run's 2,500 points, after start-up", f"{curve * 1000:.0f} ms", "", ""),
        ("mean of each metric over all 5 million points, whole process", f"{scan:.1f} s", "", ""),
    ]  # fmt: skip


LOG_OURS = f"""
import random, time, modelhub as mh
with mh.run("logging", snapshot=False) as run:
    started = time.perf_counter()
    for step in range({LOGGED} // 2):
        run.log(step, loss=random.random(), acc=0.5 + random.random())
    print((time.perf_counter() - started) / {LOGGED})
"""
LOG_MLFLOW = """
import time, mlflow
client = mlflow.MlflowClient("sqlite:///mlflow.db"); run = client.create_run("0").info.run_id
for step in range(20): client.log_metric(run, "warm", 1.0, step=step)
started = time.perf_counter()
for step in range(1000):
    client.log_metric(run, "loss", 1.0 / (step + 1), step=step)
    client.log_metric(run, "acc", step / 7.0, step=step)
print((time.perf_counter() - started) / 2000)
"""


def logging(folder: Path) -> list[tuple[str, str, str, str]]:
    root = folder / "logging"
    root.mkdir()
    mh(root, "init")
    ours = statistics.median(float(run([sys.executable, "-c", LOG_OURS], root).output.split()[-1]) for _ in range(3))
    theirs = float(run([sys.executable, "-W", "ignore", "-c", LOG_MLFLOW], folder).output.split()[-1])
    before = kept_nbytes(root)
    mh(root, "commit", "-m", "three runs")
    stored = (kept_nbytes(root) - before) / (3 * LOGGED)
    return [
        ("one logged point of a million", f"{ours * 1e6:.2f} us",
         f"MLflow {theirs * 1e6:.0f} us = {theirs / ours:.0f} x", "<= 5 us, >= 50 x"),
        ("a stored point of random float64 values, the worst there is", f"{stored:.2f} bytes", "", "<= 10 bytes"),
    ]  # fmt: skip


def kept_nbytes(root: Path) -> int:
    """The bytes of everything in .mh, catalog included, but the logs of runs that no version holds yet."""
    runs = root / ".mh/runs"
    return sum(
        path.stat().st_size for path in (root / ".mh").rglob("*") if path.is_file() and not path.is_relative_to(runs)
    )


VIEWS = ("runs", "run_metrics", "run_params", "commit_runs", "lineage", "models", "metrics", "refs")


def rebuilding(root: Path) -> list[tuple[str, str, str, str]]:
    def answers() -> list[str]:
        return [
            mh(root, "query", f"select * from {view}", "--format", "csv", "--limit", "20000").output for view in VIEWS
        ]

    before = answers()
    done = mh(root, "reindex")
    same = before == answers()
    (root / ".mh/catalog.db").unlink()
    anew = mh(root, "reindex")
    same = same and before == answers()
    rows = int(
        mh(root, "query", "--timeout", "100", "--format", "csv", "select count(*) from tensors").output.split()[-1]
    )
    catalog = (root / ".mh/catalog.db").stat().st_size
    return [
        ("`mh reindex`", f"{done.seconds:.1f} s, {done.peak_nbytes / 1e6:.0f} MB", "", "<= 60 s, <= 500 MB"),
        ("the same with the catalog lost", f"{anew.seconds:.1f} s, {anew.peak_nbytes / 1e6:.0f} MB", "", ""),
        ("the same answers before and after", "yes" if same else "NO", "", "yes"),
        ("rows of the view `tensors`; the catalog on disk", f"{rows:,}; {catalog / 1e6:.0f} MB", "", "500,000"),
    ]


def walking(folder: Path) -> list[tuple[str, str, str, str]]:
    """A model 1,000 fine-tunes deep, each a new file made from the one before."""
    import numpy as np

    from modelhub.porcelain.commit import commit
    from modelhub.porcelain.commit_facts import CommitFacts, DeriveSpec
    from modelhub.porcelain.init import init
    from modelhub.repository.objects import Person
    from modelhub.repository.repository import Act, Repository

    root = folder / "deep"
    person = Person("bench", "bench@example.org")
    init(root, act=Act(person, 1, 0, "init"))
    repo = Repository.find(root)
    numbers = np.random.default_rng(2)
    for number in range(DERIVATIONS + 1):
        path = root / f"model-{number}.safetensors"
        path.write_bytes(safetensors({"w": numbers.normal(size=16).astype("float32")}))
        source = (DeriveSpec(f"HEAD:model-{number - 1}.safetensors"),) if number else ()
        act = Act(person, 1000 * (number + 2), 0, "commit -m tuned")
        commit(repo, act=act, message="tuned", facts=CommitFacts(derive=source), find_parents=False)
        path.unlink()
    startup = seconds(root, "query", "select 1")
    last = f"model-{DERIVATIONS}.safetensors"
    question = (
        "select count(*), max(distance) from lineage_paths where path = '" + last + "'"
        " and commit_id = (select commit_id from refs where name = 'HEAD')"
    )
    took = seconds(root, "query", question) - startup
    found = mh(root, "query", "--format", "csv", question).output.split()[-1]
    return [
        (
            "ancestors of a model 1,000 derivations deep, after start-up",
            f"{took * 1000:.0f} ms ({found})",
            "",
            "<= 50 ms",
        )
    ]


def main() -> None:
    import mlflow

    with workplace() as root, workplace() as folder:
        os.environ["GIT_CEILING_DIRECTORIES"] = f"{root.parent}"
        build(root)
        build_mlflow(folder)
        build_plain(folder / "plain.db")
        rows = [*asking(root, folder), *logging(folder), *rebuilding(root), *walking(folder)]
    report(f"Runs and queries (medians; MLflow {mlflow.__version__} with its SQLite store)", rows)


if __name__ == "__main__":
    main()
