"""Tests of running a command and recording it, with real commands."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from contracts.project import Project

from modelhub.oid import oid_of
from modelhub.repository.content import read_file
from modelhub.repository.objects import Entry, Run, Usage
from modelhub.repository.trees import read_files
from modelhub.runs.pending import list_pending, read_pending

PYTHON = sys.executable


def runs_of(project: Project) -> list[Run]:
    return [read_pending(project.repo, item) for item in list_pending(project.repo.layout)]


def only_run(project: Project) -> Run:
    (run,) = runs_of(project)
    return run


def captured(project: Project, stream: str) -> bytes:
    (pending,) = list_pending(project.repo.layout)
    return (pending.folder / stream).read_bytes()


def content(project: Project, usage: Usage) -> bytes:
    return read_file(project.repo, Entry(usage.mode, usage.oid, usage.size, usage.manifest))


def wait_for(condition, seconds: float = 30.0) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_output_is_shown_and_kept_byte_for_byte(project: Project, mh) -> None:
    done = mh("run", "--", "sh", "-c", r"printf 'out\000\377'; printf 'err\r' >&2")
    assert done.stdout == b"out\x00\xff"
    assert done.stderr.startswith(b"err\r")
    assert (captured(project, "stdout"), captured(project, "stderr")) == (b"out\x00\xff", b"err\r")
    run = only_run(project)
    assert (run.status, run.exit_code) == ("finished", 0)
    assert run.command == ("sh", "-c", r"printf 'out\000\377'; printf 'err\r' >&2")
    assert f"run {run.id} finished".encode() in done.stderr


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("kill -SEGV $$", 139)])
def test_the_exit_code_is_the_commands(project: Project, mh, command: str, code: int) -> None:
    mh("run", "--", "sh", "-c", command, code=code)
    assert (only_run(project).status, only_run(project).exit_code) == ("failed", code)


def test_a_command_that_is_not_there_is_a_failed_run(project: Project, mh) -> None:
    done = mh("run", "--", "no-such-command", code=127)
    assert b"error: 'no-such-command' cannot be run: there is no such command" in done.stderr
    assert (only_run(project).status, only_run(project).exit_code) == ("failed", 127)
    project.write("plain.txt", "text")
    assert b"cannot be run" in mh("run", "--", "./plain.txt", code=126).stderr


def test_everything_is_hashed_before_the_command_starts(project: Project, mh, tmp_path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("outside")
    project.write("data.csv", "before")
    project.write("train.py", "import os; os.remove('data.csv'); os.remove('train.py'); os.remove(os.sys.argv[1])\n")
    mh("run", "--input", "data.csv", "--input", str(outside), "--", PYTHON, "train.py", str(outside))
    run = only_run(project)
    files = read_files(project.repo, run.tree)
    assert read_file(project.repo, files["data.csv"]) == b"before"
    assert "train.py" in files
    assert [(usage.path, usage.oid, usage.kept) for usage in run.inputs] == [
        ("data.csv", oid_of(b"before"), True),
        (str(outside), oid_of(b"outside"), False),
    ]


def test_a_missing_input_stops_it_before_it_starts(project: Project, mh) -> None:
    done = mh("run", "--input", "data.csv", "--", "touch", "made.txt", code=4)
    assert b"there is no 'data.csv'" in done.stderr
    assert not (project.root / "made.txt").exists()
    assert runs_of(project) == []
    mh("run", "--from", "v1", "--", "touch", "made.txt", code=4)
    mh("run", "--relation", "quantize", "--", "touch", "made.txt", code=2)
    assert runs_of(project) == []


def test_what_is_said_of_a_run_is_kept(project: Project, mh) -> None:
    commit = project.save("model.bin", b"one")
    mh(
        "run", "--name", "tuned", "--param", "lr=1e-3", "--param", "opt=adam", "--tag", "gpu=a100", "--from",
        "HEAD:model.bin", "--relation", "adapter", "--input", "HEAD:model.bin", "--", "true",
    )  # fmt: skip
    run = only_run(project)
    assert (run.name, run.params, run.tags) == ("tuned", {"lr": 0.001, "opt": "adam"}, {"gpu": "a100"})
    assert [(item.relation, item.source_commit, item.source_path) for item in run.derivations] == [
        ("adapter", commit, "model.bin")
    ]
    assert run.inputs[0].source_commit == commit


def test_outputs_are_kept_whatever_the_exit_code_and_missed_only_after_success(project: Project, mh) -> None:
    project.write(".mhignore", "out/\n")
    done = mh("run", "--output", "out", "--output", "b", "--", "sh", "-c", "mkdir out; echo x > out/a; exit 1", code=1)
    assert b"warning" not in done.stderr
    (usage,) = only_run(project).outputs
    assert (usage.path, usage.mode) == ("out", "tree")
    assert read_file(project.repo, read_files(project.repo, usage.oid)["a"]) == b"x\n"
    assert b"warning: the output 'b' was not made" in mh("run", "--output", "b", "--", "true").stderr


def test_a_script_joins_the_run_of_its_command(project: Project, mh) -> None:
    project.write(
        "train.py",
        "import modelhub as mh, numpy as np\n"
        "with mh.run('inner', params={'lr': 0.5}) as run:\n"
        "    run.log(loss=1.0)\n"
        "    run.log_model('model.safetensors', {'w': np.ones(3, np.float32)})\n",
    )
    mh("run", "--param", "a=1", "--output", "model.safetensors", "--", PYTHON, "train.py")
    run = only_run(project)
    assert (run.status, run.exit_code, run.params) == ("finished", 0, {"a": 1, "lr": 0.5})
    assert run.tags == {"name": "inner"}
    assert [series.name for series in run.series] == ["loss"]
    assert [(usage.path, usage.step) for usage in run.outputs] == [("model.safetensors", 0)]


def test_a_commit_of_a_joined_script_leaves_the_run_to_the_next_version(project: Project, mh) -> None:
    project.write("train.py", "import modelhub as mh\nrun = mh.run()\nrun.log(loss=1.0)\nrun.commit('inside')\n")
    mh("run", "--", PYTHON, "train.py")
    assert only_run(project).status == "finished"
    mh("commit", "-m", "after")
    assert runs_of(project) == []


def test_a_script_that_fails_fails_the_run(project: Project, mh) -> None:
    project.write("train.py", "import modelhub as mh\nwith mh.run() as run:\n    run.log(loss=1.0)\n    1 / 0\n")
    done = mh("run", "--", PYTHON, "train.py", code=1)
    assert b"ZeroDivisionError" in done.stderr
    assert only_run(project).status == "failed"


def test_a_run_inside_a_run_is_a_run_of_its_own(project: Project, mh) -> None:
    mh("run", "--name", "outer", "--", PYTHON, "-m", "modelhub", "run", "--name", "inner", "--", "true")
    assert sorted(run.name for run in runs_of(project)) == ["inner", "outer"]
    assert all(run.status == "finished" for run in runs_of(project))


def test_a_script_of_another_repository_makes_its_own_run(project: Project, mh, tmp_path) -> None:
    other = Project(tmp_path / "other")
    text = "import modelhub as mh, sys\nmh.run('elsewhere', folder=sys.argv[1]).finish()\n"
    project.write("train.py", text)
    mh("run", "--", PYTHON, "train.py", str(other.root))
    assert only_run(other).name == "elsewhere"
    assert only_run(project).tags == {}


def test_a_run_that_has_ended_cannot_be_joined(project: Project, mh, script) -> None:
    mh("run", "--", "true")
    run = only_run(project)
    project.write("late.py", "import modelhub as mh\nmh.run()\n")
    env = os.environ | {"MH_RUN": run.id, "MH_REPOSITORY": str(project.root)}
    done = subprocess.run([PYTHON, "late.py"], cwd=project.root, env=env, capture_output=True, check=False, timeout=60)
    assert b"has ended" in done.stderr


def test_stdin_reaches_the_command(project: Project, mh) -> None:
    assert mh("run", "--", "cat", stdin=b"typed").stdout == b"typed"


def test_much_output_does_not_grow_memory(project: Project, mh) -> None:
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'modelhub', 'run', '--', 'head', '-c', '200000000', '/dev/zero'],"
        " stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run([PYTHON, "-c", code], cwd=project.root, capture_output=True, check=True, timeout=120)
    assert int(done.stdout) < 150_000
    (pending,) = list_pending(project.repo.layout)
    assert (pending.folder / "stdout").stat().st_size == 200_000_000


def test_a_reader_that_goes_away_costs_nothing_of_the_record(project: Project) -> None:
    process = subprocess.Popen(
        [PYTHON, "-m", "modelhub", "run", "--", "seq", "200000"],
        cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 0
    process.stderr.close()
    assert captured(project, "stdout").splitlines()[-1] == b"200000"


def test_a_process_left_in_the_background_does_not_hold_the_run(project: Project, mh) -> None:
    begun = time.monotonic()
    mh("run", "--", "sh", "-c", "sleep 40 & echo started")
    assert time.monotonic() - begun < 30
    assert captured(project, "stdout") == b"started\n"


def test_a_signal_to_mh_reaches_the_command_and_is_waited_for(project: Project) -> None:
    project.write(
        "train.py",
        "import time\n"
        "try:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('saved', flush=True)\n"
        "    raise SystemExit(130)\n",
    )
    process = subprocess.Popen(
        [PYTHON, "-m", "modelhub", "run", "--", PYTHON, "train.py"],
        cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"saved\n")
    assert (only_run(project).status, only_run(project).exit_code) == ("interrupted", 130)


def test_a_run_whose_mh_is_killed_is_interrupted_and_keeps_its_points(project: Project) -> None:
    project.write(
        "train.py",
        "import modelhub as mh, time, os\n"
        "run = mh.run()\n"
        "for i in range(50): run.log(loss=i)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)\n",
    )
    process = subprocess.Popen(
        [PYTHON, "-m", "modelhub", "run", "--", PYTHON, "train.py"], cwd=project.root, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait(60)
    process.stdout.close()
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: only_run(project).status == "interrupted")
    assert only_run(project).series[0].points == 50


def test_ctrl_c_on_a_terminal_reaches_the_command_once(project: Project) -> None:
    project.write(
        "train.py",
        "import signal, sys, time\n"
        "count = 0\n"
        "def take(*_):\n"
        "    global count\n"
        "    count += 1\n"
        "signal.signal(signal.SIGINT, take)\n"
        "print('ready', flush=True)\n"
        "while not count: time.sleep(0.05)\n"
        "time.sleep(1)\n"
        "open('count.txt', 'w').write(str(count))\n",
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project.root)
        os.execv(PYTHON, [PYTHON, "-m", "modelhub", "run", "--", PYTHON, "train.py"])
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert project.read("count.txt") == b"1"
    assert only_run(project).status == "interrupted"


def test_mh_run_may_be_started_below_the_top(project: Project, mh) -> None:
    project.write("sub/a.txt", "a")
    mh("run", "--input", "a.txt", "--output", "b.txt", "--", "cp", "a.txt", "b.txt", cwd=project.root / "sub")
    run = only_run(project)
    assert (run.inputs[0].path, run.outputs[0].path, run.environment["folder"]) == ("sub/a.txt", "sub/b.txt", "sub")


def test_the_state_of_git_is_recorded_with_its_changes(project: Project, mh) -> None:
    project.write("train.py", "one\n")
    for words in (
        ["init", "-q"],
        ["add", "train.py"],
        ["-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=project.root, check=True)
    project.write("train.py", "two\n")
    mh("run", "--", "true")
    code = only_run(project).code
    assert code is not None
    assert code.dirty
    assert b"+two" in project.repo.store.read(code.diff or "")


def test_what_the_command_left_is_the_last_even_if_its_script_kept_that_before(project: Project, mh) -> None:
    project.write(
        "train.py",
        "import modelhub, pathlib\n"
        "run, file = modelhub.run(), pathlib.Path('model.txt')\n"
        "for step, text in ((1, 'best'), (2, 'worse')):\n"
        "    file.write_text(text)\n"
        "    run.log_model('model.txt', step=step)\n"
        "file.write_text('best')\n",
    )
    mh("run", "--name", "early", "--output", "model.txt", "--", sys.executable, "train.py")
    assert [usage.step for usage in only_run(project).outputs] == [1, 2, None]
    assert mh("cat", "early:model.txt").stdout == b"best"
    assert mh("cat", "early@2:model.txt").stdout == b"worse"
    mh("run", "--name", "plain", "--output", "model.txt", "--", "true")
    assert mh("cat", "plain:model.txt").stdout == b"best"
