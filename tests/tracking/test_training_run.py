"""Tests of a run as a training script sees it."""

from __future__ import annotations

import decimal
import os
import threading

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

import modelhub as mh
from modelhub.errors import InvalidInputError, PathNotFound, RefNotFound, RepositoryNotFound, StateError
from modelhub.oid import oid_of
from modelhub.repository.content import read_file
from modelhub.repository.objects import Commit, Derivation, Entry, Run, Usage
from modelhub.repository.trees import find_entry, read_files
from modelhub.runs.pending import list_pending, pending_points, read_pending
from modelhub.tracking.training_run import TrainingRun


def recorded(project: Project, run: TrainingRun) -> Run:
    (pending,) = (item for item in list_pending(project.repo.layout) if item.id == run.id)
    return read_pending(project.repo, pending)


def content(project: Project, usage: Usage) -> bytes:
    return read_file(project.repo, Entry(usage.mode, usage.oid, usage.size, usage.manifest))


def test_a_block_that_is_left_has_finished(project: Project) -> None:
    with mh.run("first", params={"lr": 0.1}, tags={"machine": "a"}, goals={"loss": "min"}) as run:
        assert recorded(project, run).status == "running"
        run.log(loss=0.5)
        run.params(lr=0.2, layers=np.int64(3))
        run.tag(machine="b")
        run.goal("acc", "max")
    found = recorded(project, run)
    assert (found.name, found.status, found.exit_code) == ("first", "finished", None)
    assert found.params == {"lr": 0.2, "layers": 3}
    assert found.tags == {"machine": "b"}
    assert found.goals == {"loss": "min", "acc": "max"}
    assert found.ended is not None
    assert found.ended >= found.started
    assert found.environment["python"]
    assert b"numpy==" in project.repo.store.read(found.packages or "")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(0), "finished"),
        (SystemExit(2), "failed"),
    ],
)
def test_what_ends_a_block_is_its_status_and_is_never_masked(
    project: Project, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)) as caught, mh.run() as run:
        raise error
    assert caught.value is error
    assert recorded(project, run).status == status


def test_an_exception_is_not_masked_where_the_end_cannot_be_recorded(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ValueError, match="the real one") as caught, mh.run():
        monkeypatch.setattr(os, "fsync", refuse)
        raise ValueError("the real one")
    assert "No space left" in caught.value.__notes__[0]


def test_steps_count_on_from_the_last(project: Project) -> None:
    with mh.run() as run:
        run.log(loss=3.0)
        run.log(10, {"loss": 2.0, "val/loss": 2.5})
        run.log({"loss": 1.0}, acc=0.5)
        run.log(step=np.int32(20), values=7)
    steps, times, values = pending_points(project.repo, run.id)["loss"]
    assert steps.tolist() == [0, 10, 11]
    assert values.tolist() == [3.0, 2.0, 1.0]
    assert (np.diff(times) >= 0).all()
    found = {series.name: (series.last_step, series.last) for series in recorded(project, run).series}
    assert found == {"loss": (11, 1.0), "val/loss": (10, 2.5), "acc": (11, 0.5), "values": (20, 7.0)}


def test_anything_that_is_one_number_can_be_logged(project: Project) -> None:
    torch = pytest.importorskip("torch")
    with mh.run() as run:
        run.log(
            a=True,
            b=np.float16(0.5),
            c=torch.tensor(0.25, requires_grad=True) * 2,
            d=torch.tensor([2.0], dtype=torch.bfloat16),
            e=decimal.Decimal("1.5"),
            f=np.array(3),
            g=float("nan"),
            h=10**300,
        )
    last = {series.name: series.last for series in recorded(project, run).series}
    assert last == {"a": 1.0, "b": 0.5, "c": 0.5, "d": 2.0, "e": 1.5, "f": 3.0, "g": "nan", "h": 1e300}


@pytest.mark.parametrize("value", ["0.5", None, [1.0], np.zeros(2), 1j, b"1", 10**400, object()])
def test_anything_else_is_refused_by_name_and_none_of_the_call_is_logged(project: Project, value: object) -> None:
    with mh.run() as run:
        with pytest.raises(InvalidInputError, match="'acc'"):
            run.log(loss=1.0, acc=value)
        with pytest.raises(InvalidInputError, match="step"):
            run.log(1.5, {"loss": 1.0})  # type: ignore[arg-type]
        with pytest.raises(InvalidInputError, match="name of a metric"):
            run.log({" x": 1.0})
    assert recorded(project, run).series == ()


def test_params_are_plain_values_and_tags_texts(project: Project) -> None:
    with mh.run(params={"a": np.float32(0.5), "b": None, "c": True, "d": project.root}, tags={"n": 3}) as run:  # type: ignore[dict-item]
        for value in (float("inf"), {1}, 1 << 63, "\ud800", np.zeros(2)):
            with pytest.raises(InvalidInputError, match="'bad'"):
                run.params(bad=value)
        with pytest.raises(InvalidInputError, match="goal"):
            run.goal("loss", "low")
    found = recorded(project, run)
    assert found.params == {"a": 0.5, "b": None, "c": True, "d": str(project.root)}
    assert found.tags == {"n": "3"}


def test_a_run_that_has_ended_takes_nothing_more(project: Project) -> None:
    run = mh.run()
    run.finish("failed")
    run.finish()
    project.write("a.txt", "a")
    for late in (lambda: run.log(loss=1.0), lambda: run.params(a=1), lambda: run.output("a.txt")):
        with pytest.raises(StateError, match="has ended: it is failed"):
            late()
    assert recorded(project, run).status == "failed"
    with pytest.raises(InvalidInputError, match="cannot end as"):
        mh.run().finish("done")  # type: ignore[arg-type]


def test_two_runs_go_on_at_once(project: Project) -> None:
    with mh.run("a") as one, mh.run("b") as other:
        one.log(loss=1.0)
        other.log(loss=2.0)
    assert [recorded(project, run).series[0].last for run in (one, other)] == [1.0, 2.0]


def test_threads_may_log_to_one_run(project: Project) -> None:
    with mh.run() as run:
        threads = [threading.Thread(target=lambda: [run.log(loss=1.0) for _ in range(200)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    steps, _, _ = pending_points(project.repo, run.id)["loss"]
    assert steps.tolist() == list(range(800))


def test_outside_a_repository_the_error_says_what_to_do(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RepositoryNotFound) as caught:
        mh.run()
    assert "mh init" in (caught.value.hint or "")


def test_a_repository_that_cannot_be_written_is_a_state_error(project: Project) -> None:
    project.write(".mh/runs", "in the way")
    with pytest.raises(StateError, match="cannot be"):
        mh.run()


def test_the_folder_is_kept_as_it_was_when_the_run_began(project: Project) -> None:
    project.save("train.py", "lr = 1")
    project.write("train.py", "lr = 2")
    project.write("new.txt", "new")
    project.write("skipped.pyc", "x")
    before = project.status()
    with mh.run() as run:
        project.write("train.py", "lr = 3")
    found = recorded(project, run)
    files = read_files(project.repo, found.tree)
    assert {path: read_file(project.repo, entry) for path, entry in files.items()} == {
        "train.py": b"lr = 2",
        "new.txt": b"new",
    }
    assert found.head == project.repo.head_commit()
    assert (
        (project.status().staged, project.status().untracked) == (before.staged, before.untracked) == ((), ("new.txt",))
    )
    with mh.run(snapshot=False) as run:
        pass
    assert recorded(project, run).tree is None


def test_what_a_run_is_made_from_must_exist(project: Project) -> None:
    base = project.save("model.safetensors", safetensors({"w": weights(1, 8)}))
    with mh.run(from_="HEAD:model.safetensors", relation="quantize") as run:
        run.derived("HEAD", "uses")
        run.derived("org/model", "distill", outside=True)
        with pytest.raises(InvalidInputError, match="no relation"):
            run.derived("org/model", "cousin", outside=True)
    assert recorded(project, run).derivations == (
        Derivation("", "quantize", base, "model.safetensors"),
        Derivation("", "uses", base, ""),
        Derivation("", "distill", "", "", source_name="org/model"),
    )
    with pytest.raises(RefNotFound):
        mh.run(from_="nowhere")
    with pytest.raises(PathNotFound):
        mh.run(from_="HEAD:other.pt")
    with pytest.raises(InvalidInputError, match="no relation"):
        mh.run(from_={"HEAD": "cousin"})
    assert len(list_pending(project.repo.layout)) == 1


def test_a_model_that_is_overwritten_later_is_kept(project: Project) -> None:
    project.write(".mhignore", "out/\n")
    with mh.run() as run:
        for step in range(3):
            run.log(step, {"loss": 1.0})
            project.write("out/model.safetensors", safetensors({"w": weights(step, 2000)}))
            run.log_model("out/model.safetensors")
    outputs = recorded(project, run).outputs
    assert [usage.step for usage in outputs] == [0, 1, 2]
    assert [content(project, usage) for usage in outputs] == [
        safetensors({"w": weights(step, 2000)}) for step in range(3)
    ]
    assert all(usage.kept and usage.manifest for usage in outputs)


def test_weights_are_written_as_safetensors(project: Project) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with mh.run() as run:
        for _ in range(5):
            loss = net(torch.randn(16, 4)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss)
        run.log_model("deep/net.safetensors", net)
    loaded = load_file(project.root / "deep" / "net.safetensors")
    assert all(torch.equal(loaded[name], value) for name, value in net.state_dict().items())
    (usage,) = recorded(project, run).outputs
    assert (usage.path, usage.step) == ("deep/net.safetensors", 4)
    assert content(project, usage) == project.read("deep/net.safetensors")


def test_a_model_must_lie_in_the_folder_and_weights_in_a_safetensors_file(project: Project) -> None:
    with mh.run() as run:
        with pytest.raises(InvalidInputError, match="outside the repository"):
            run.log_model("../model.pt")
        with pytest.raises(InvalidInputError, match="does not end"):
            run.log_model("model.pt", {"w": np.zeros(2)})
        with pytest.raises(InvalidInputError, match="'epoch' is of type int"):
            run.log_model("model.safetensors", {"w": np.zeros(2), "epoch": 3})
        with pytest.raises(PathNotFound):
            run.log_model("missing.pt")
        with pytest.raises(InvalidInputError, match="empty"):
            run.output("")
    assert "model.safetensors" not in project.folder()
    assert recorded(project, run).outputs == ()


def test_a_file_of_a_version_is_read_where_it_lies_or_beside_the_log(project: Project) -> None:
    first = project.save("model.bin", b"one")
    project.save("model.bin", b"two")
    with mh.run() as run:
        here = run.input("HEAD:model.bin")
        there = run.input(f"{first[:12]}:model.bin")
        assert (here, here.read_bytes()) == (project.root / "model.bin", b"two")
        assert (there.name, there.read_bytes()) == ("model.bin", b"one")
        with pytest.raises(PathNotFound):
            run.input("HEAD:other.bin")
        with pytest.raises(PathNotFound, match=r"no 'nothing\.csv'"):
            run.input("nothing.csv")
    found = recorded(project, run).inputs
    assert [(usage.path, usage.source_path, usage.oid) for usage in found] == [
        ("model.bin", "model.bin", oid_of(b"two")),
        ("model.bin", "model.bin", oid_of(b"one")),
    ]
    assert found[1].source_commit == first


def test_a_folder_of_a_version_is_an_input(project: Project) -> None:
    project.write("data/a.csv", "1")
    first = project.save("data/b.csv", "2")
    project.save("data/b.csv", "3")
    with mh.run() as run:
        assert run.input("HEAD:data") == project.root / "data"
        old = run.input("HEAD~1:data")
        assert {path.name: path.read_text() for path in old.iterdir()} == {"a.csv": "1", "b.csv": "2"}
    usages = recorded(project, run).inputs
    tree = project.repo.get(first, Commit).tree
    assert (usages[1].mode, usages[1].oid) == ("tree", find_entry(project.repo, tree, "data").oid)


def test_inputs_inside_are_kept_and_outside_or_ignored_only_hashed(project: Project, tmp_path) -> None:
    (tmp_path / "big.csv").write_bytes(b"outside")
    project.write(".mhignore", "*.tmp\ndata/\n")
    project.write("a.csv", "inside")
    project.write("b.tmp", "ignored")
    project.write("data/c.csv", "ignored too")
    (project.root / "link.csv").symlink_to(tmp_path / "big.csv")
    with mh.run() as run:
        project.write("late.csv", "made by the run")
        for path in ("a.csv", "late.csv", "b.tmp", "data", "link.csv", tmp_path / "big.csv"):
            assert run.input(path).exists()
    found = {usage.path: usage for usage in recorded(project, run).inputs}
    kept = {path: usage.kept for path, usage in found.items()}
    outside = str(tmp_path / "big.csv")
    assert kept == {
        "a.csv": True, "late.csv": True, "b.tmp": False, "data": False, "link.csv": True, outside: False
    }  # fmt: skip
    assert found[outside].oid == oid_of(b"outside")
    assert content(project, found["late.csv"]) == b"made by the run"


def test_metrics_say_what_they_were_measured_on(project: Project) -> None:
    project.write("test/a.csv", "1")
    project.write("test/b.csv", "2")
    project.write("eval.py", "code")
    with mh.run() as run:
        run.log(acc=0.5, f1=0.4)
        run.measured_on("acc", "f1", data="test", code="eval.py")
        with pytest.raises(InvalidInputError, match="no metric"):
            run.measured_on(data="test")
    commit = run.commit("with a run")
    tree = project.repo.get(commit.commit, Commit).tree
    made = project.repo.get(project.repo.get(commit.commit, Commit).runs[0], Run)
    for name in ("acc", "f1"):
        evaluation = made.evaluations[name]
        assert evaluation.data == find_entry(project.repo, tree, "test").oid
        assert (evaluation.data_path, evaluation.code_path) == ("test", "eval.py")
        assert evaluation.code == oid_of(b"code")


def test_the_record_of_operations_has_python_commits_as_the_shell_would_write_them(project: Project) -> None:
    import shlex

    commands = []
    with mh.run() as run:
        run.log(loss=1.0)
    for record in (run.commit, mh.open().commit):
        project.write("notes.txt", str(record))
        record("half the size, isn't it")
        commands.append(project.again().operation().command)
    mh.open().checkout("HEAD", force=True)
    assert [shlex.split(command) for command in commands] == [["commit", "-m", "half the size, isn't it"]] * 2


def test_a_commit_ends_the_run_and_takes_it_in_with_its_facts(project: Project) -> None:
    mh.run("another").finish()
    with mh.run(params={"lr": 0.1}) as run:
        run.log(loss=2.0)
        run.log(loss=1.0)
        run.log_model("model.safetensors", {"w": np.ones(4, np.float32)})
        made = run.commit("trained", metrics={"acc": np.float32(0.5)})
    commit = project.repo.get(made.commit, Commit)
    assert run.id in made.runs
    assert (commit.params, commit.metrics) == ({"lr": 0.1}, {"loss": 1.0, "acc": 0.5})
    assert "model.safetensors" in read_files(project.repo, commit.tree)
    assert list_pending(project.repo.layout) == ()
    project.assert_sound()


def test_logging_survives_a_kill(project: Project, script) -> None:
    script(
        "import modelhub as mh, os, signal\n"
        "run = mh.run('killed')\n"
        "for i in range(1000): run.log(loss=i)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n",
        code=-9,
    )
    (pending,) = list_pending(project.repo.layout)
    found = read_pending(project.repo, pending)
    assert (found.status, found.series[0].points) == ("interrupted", 1000)


def test_a_forked_child_logs_to_the_run_and_does_not_end_it(project: Project, script) -> None:
    script(
        "import modelhub as mh, os\n"
        "with mh.run() as run:\n"
        "    run.log(loss=1.0)\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        run.log(worker=2.0)\n"
        "        raise SystemExit(3)\n"
        "    os.waitpid(pid, 0)\n"
        "    run.log(loss=0.5)\n"
    )
    (pending,) = list_pending(project.repo.layout)
    found = read_pending(project.repo, pending)
    assert found.status == "finished"
    assert {series.name: series.points for series in found.series} == {"loss": 2, "worker": 1}


def test_gc_keeps_what_a_pending_run_needs(project: Project) -> None:
    from modelhub.porcelain.gc import gc

    project.write("train.py", "lr = 1")
    with mh.run() as run:
        run.log_model("model.safetensors", {"w": weights(1, 4000)})
        gc(project.repo, act=project.act("gc"), grace_days=0)
        run.log_model("model.safetensors", {"w": weights(2, 4000)})
    gc(project.repo, act=project.act("gc"), grace_days=0)
    found = recorded(project, run)
    assert [len(content(project, usage)) > 16000 for usage in found.outputs] == [True, True]
    assert read_files(project.repo, found.tree).keys() == {"train.py"}
    project.assert_sound()


@pytest.mark.parametrize(
    ("ending", "code", "status"),
    [
        ("", 0, "finished"),
        ("raise ValueError('no')", 1, "failed"),
        ("raise KeyboardInterrupt", -2, "interrupted"),
        ("import os; os._exit(0)", 0, "interrupted"),
        ("run.finish('failed')", 0, "failed"),
        ("del run", 0, "finished"),
    ],
)
def test_a_run_that_nobody_ends_ends_with_the_interpreter(
    project: Project, script, ending: str, code: int, status: str
) -> None:
    script(f"import modelhub as mh\nrun = mh.run('open')\nrun.log(loss=0.5)\n{ending}\n", code=code)
    (pending,) = list_pending(project.repo.layout)
    found = read_pending(project.repo, pending)
    assert (found.status, found.series[0].points) == (status, 1)


def test_a_forked_child_that_exits_does_not_end_the_run(project: Project, script) -> None:
    done = script(
        "import modelhub as mh, os, sys, time\n"
        "run = mh.run('parent')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(open(f'.mh/runs/{run.id}/log', 'rb').read().count(b'\"end\"'))\n"
        "run.log(loss=0.5)\n"
    )
    assert done.stdout == b"0\n"
    (pending,) = list_pending(project.repo.layout)
    assert read_pending(project.repo, pending).status == "finished"


def test_params_and_tags_may_be_given_as_a_mapping(project: Project) -> None:
    with mh.run() as run:
        run.params({"model/layers": 3}, lr=0.1)
        run.params(values="a param of this name")
        run.tag({"machine": "a"}, owner="b")
    found = recorded(project, run)
    assert found.params == {"model/layers": 3, "lr": 0.1, "values": "a param of this name"}
    assert found.tags == {"machine": "a", "owner": "b"}


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"params": [1]}, "params are a mapping from names to values, not a list"),
        ({"tags": "gpu"}, "tags are a mapping from names to values, not 'gpu'"),
        ({"goals": ["loss"]}, "goals are a mapping"),
        ({"from_": ["v1"]}, r"from_ is \['v1'\], not a place"),
        ({"params": {"when": {1, 2}}}, "the param 'when' is a set"),
    ],
)
def test_what_cannot_be_said_of_a_run_is_refused_before_it_begins(
    project: Project, about: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        mh.run(**about)  # type: ignore[arg-type]
    assert list_pending(project.repo.layout) == ()


def test_a_commit_says_what_its_metrics_were_measured_on(project: Project) -> None:
    project.write("test.csv", "1,2\n")
    project.write("score.py", "print(1)\n")
    made = mh.open().commit("measured", metrics={"acc": 0.5}, measured_on="test.csv", measured_by="score.py")
    (evaluation,) = project.repo.get(made.commit, Commit).evaluations.values()
    assert (evaluation.data, evaluation.data_path, evaluation.code_path) == (
        oid_of(b"1,2\n"), "test.csv", "score.py"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"metrics": {"acc": "b"}}, "the metric 'acc' is 'b', not one number"),
        ({"metrics": [0.5]}, "metrics are a mapping"),
        ({"params": "lr"}, "params are a mapping"),
        ({"from_": 3}, "from_ is 3, not a place"),
    ],
)
def test_facts_of_a_commit_that_cannot_be_are_refused_in_words(
    project: Project, facts: dict[str, object], said: str
) -> None:
    project.write("a.txt", "a")
    with pytest.raises(InvalidInputError, match=said):
        mh.open().commit("no", **facts)  # type: ignore[arg-type]


def test_a_run_reads_a_file_of_another_run(project: Project) -> None:
    project.write("points.csv", "old")
    with mh.run("first") as first:
        first.output("points.csv")
    project.write("points.csv", "new")
    with mh.run("second") as second:
        assert second.input("first:points.csv").read_bytes() == b"old"
    (usage,) = recorded(project, second).inputs
    assert (usage.path, usage.oid, usage.source_commit) == ("points.csv", oid_of(b"old"), "")


def test_a_model_starts_from_the_weights_of_another_run(project: Project) -> None:
    arrays = {"w": weights(1, 8, 8)}
    with mh.run("first") as first:
        first.log_model("model.safetensors", arrays, step=5)
    target = {"w": np.zeros((8, 8), np.float32)}
    with mh.run("second") as second:
        result = mh.open().load_into(target, "first@5:model.safetensors", run=second)
    assert np.array_equal(target["w"], arrays["w"])
    assert (result.commit, result.run, result.from_) == ("", first.id, {})
    assert [usage.path for usage in recorded(project, second).inputs] == ["model.safetensors"]
    commit = project.commit("take it in").commit
    with mh.run("third", from_="first:model.safetensors") as third:
        result = mh.load_into(target, "first:model.safetensors", run=third)
    assert result.from_ == {f"{commit}:model.safetensors": "warm-start"}
    derivations = recorded(project, third).derivations
    assert [(item.source_commit, item.relation) for item in derivations] == [
        (commit, "fine-tune"), (commit, "warm-start")
    ]  # fmt: skip


def test_an_output_that_is_not_there_is_told_from_an_input(project: Project) -> None:
    with mh.run() as run:
        for call in (run.output, run.log_model):
            with pytest.raises(PathNotFound, match=r"there is no 'nosuch\.pt'") as caught:
                call("nosuch.pt")
            assert caught.value.hint == "what a run wrote is kept once it is there"
