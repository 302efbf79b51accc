import ctypes
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelhub.cli import main
from modelhub.cli.commands import status

SOURCES = Path(__file__).parents[2]


def start(*words, cwd, **settings):
    env = {**os.environ, "PYTHONPATH": str(SOURCES), **settings.pop("env", {})}
    command = [sys.executable, "-m", "modelhub", *words]
    return subprocess.Popen(
        command, cwd=cwd, env=env, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
    )


def finish(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("stauts", "status"),
        ("comit", "commit"),
        ("ci", "commit"),
        ("st", "status"),
        ("reflog", "op"),
        ("experiments", "runs"),
        ("metrics", "compare"),
    ],
)
def test_an_unknown_command_names_the_nearest(mh, typed, meant):
    done = mh(typed, code=2)
    assert done.err.startswith(f"error: there is no command '{typed}'; did you mean 'mh {meant}'?\n")
    assert done.out == ""


def test_an_unknown_command_that_is_like_none_is_just_unknown(mh):
    assert "did you mean" not in mh("xyzzy", code=2).err


@pytest.mark.parametrize(
    "line",
    ["log --nope", "tag --format xml", "cat", "log -n many", "--nope", "query --limit -1 x", "log --json --format csv"],
)
def test_a_wrong_argument_is_an_error_without_the_usage_text(mh, line):
    done = mh(*line.split(), code=2)
    assert done.err.startswith("error: ")
    assert "Usage" not in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["log"],
        ["commit", "-m", "x"],
        ["diff"],
        ["query", "select 1"],
        ["fsck"],
        ["gc"],
        ["undo"],
        ["add", "."],
        ["ls"],
    ],
)
def test_outside_a_repository_every_command_says_so(mh, words):
    done = mh(*words, code=4)
    assert done.err.startswith("error: no modelhub repository in ")
    assert "hint: 'mh init'" in done.err


@pytest.mark.parametrize("words", [["log"], ["show"], ["ls"], ["cat", "HEAD:a"], ["tag", "v1"], ["diff", "HEAD"]])
def test_before_the_first_commit_commands_say_so(mh, words):
    mh("init")
    assert "no commit yet" in mh(*words, code=4).err


@pytest.mark.parametrize(
    "words", [["status"], ["branch"], ["tag"], ["op", "log"], ["du"], ["fsck"], ["gc"], ["diff"], ["config"]]
)
def test_an_empty_repository_is_nothing_special(mh, words):
    mh("init")
    mh(*words)


def test_no_arguments_show_the_help(mh):
    assert mh(code=2).out == mh("--help").out
    assert mh("op", code=2).out == mh("op", "--help").out


def test_the_version_is_shown(mh):
    assert mh("--version").out.startswith("mh")


def test_a_folder_can_be_named(mh, project, tmp_path):
    done = mh("-C", str(project), "log", "--oneline")
    assert "baseline" in done.out
    assert "no such file" in mh("-C", str(tmp_path / "nowhere"), "log", code=74).err


def test_quiet_leaves_only_data_and_errors(mh, project):
    assert mh("-q", "tag", "v3").err == ""
    assert mh("-q", "tag", "v3", code=3).err.startswith("error:")


def test_a_bug_prints_no_stack_unless_asked(mh, project, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(status, "status", fail)
    done = mh("status", code=70)
    assert done.err.startswith("error: a bug in modelhub: ZeroDivisionError: division by zero\nhint: ")
    assert "Traceback" not in done.err
    monkeypatch.setenv("MH_DEBUG", "1")
    assert "Traceback" in mh("status", code=70).err


@pytest.mark.parametrize(
    ("number", "word"), [(errno.ENOSPC, "make room"), (errno.EACCES, "rights"), (errno.EROFS, "read-only")]
)
def test_what_the_system_refuses_is_a_clear_error(mh, project, monkeypatch, number, word):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number), "/data/pack")

    monkeypatch.setattr(status, "status", fail)
    done = mh("status", code=74)
    assert done.err.startswith("error: '/data/pack': ")
    assert word in done.err


def test_an_interruption_exits_with_130(mh, project, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "status", interrupt)
    assert "interrupted; nothing was lost" in mh("status", code=130).err


def test_ctrl_c_ends_a_waiting_command_without_a_stack(project):
    process = start("query", "-", cwd=project, stdin=subprocess.PIPE)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert b"interrupted; nothing was lost" in err
    assert b"Traceback" not in err


def test_a_closed_pipe_ends_a_command_quietly(project):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        code, _, err = finish(start("log", cwd=project, stdout=closed))
    assert (code, err) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("line", ["log", "ls --json", "cat HEAD:train.py", "diff v1 v2"])
def test_a_full_disk_under_the_output_is_an_error(project, line):
    with open("/dev/full", "wb") as full:
        code, _, err = finish(start(*line.split(), cwd=project, stdout=full))
    assert code == 74
    assert err.startswith(b"error: no space left on device\n")
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_output_encoding_will_do(mh, project, encoding):
    mh("commit", "--allow-empty", "-m", "größer → 模型")
    for words in (["log", "--oneline", "--graph"], ["diff", "v1", "v2"], ["op", "log"], ["log", "--json"]):
        code, out, err = finish(start(*words, cwd=project, env={"PYTHONIOENCODING": encoding}))
        assert (code, err) == (0, b"")
        out.decode(encoding)


def test_the_current_folder_may_be_gone(tmp_path, capsys, monkeypatch):
    def gone():
        raise FileNotFoundError

    monkeypatch.setattr(main.Path, "cwd", gone)
    assert main.run(["status"]) == 4
    assert "the folder you are in was deleted" in capsys.readouterr().err


def without_root_s_power():
    """Take the right to write anywhere from a process that root runs."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for power in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, power, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_a_read_only_repository_can_be_read(project):
    places = [project, *project.rglob("*")]
    try:
        for place in places:
            place.chmod(0o555 if place.is_dir() else 0o444)
        for line in ("status", "log", "diff v1 v2", "ls", "query -", "fsck", "du"):
            process = start(*line.split(), cwd=project, stdin=subprocess.PIPE, preexec_fn=without_root_s_power)
            out, err = process.communicate(b"select 1 as one", timeout=60)
            assert (process.returncode, err) == (0, b""), line
            assert out
        code, _, err = finish(start("tag", "v9", cwd=project, preexec_fn=without_root_s_power))
        assert code == 7
        assert err.startswith(b"error: the repository cannot be written")
    finally:
        for place in places:
            place.chmod(0o755 if place.is_dir() else 0o644)


@pytest.mark.parametrize("words", [["-q", "tag", "v3"], ["tag", "-q", "v3"], ["tag", "v3", "--quiet"]])
def test_quiet_is_understood_before_and_after_the_command(mh, project, words):
    assert mh(*words).err == ""


def test_quiet_is_understood_by_a_command_of_a_group(mh, project):
    assert mh("op", "log", "-q").out == mh("op", "log").out


@pytest.mark.parametrize(
    "word", ["push", "pull", "clone", "remote", "stash", "rm", "mv", "rebase", "cherry-pick", "ui", "login"]
)
def test_a_command_that_only_others_have_is_explained(mh, word):
    lines = mh(word, code=2).err.splitlines()
    assert lines[0] == f"error: there is no command '{word}'"
    assert lines[1].startswith("hint: ")
    assert "--help" not in lines[1]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("log --no-pager", "it goes before the command: mh --no-pager log"),
        ("op log --color always", "it goes before the command: mh --color WHEN op log"),
        ("commit -am x", "'mh commit' records every change"),
        ("commit --amend", "mh undo"),
        ("merge --abort", "changes nothing"),
        ("log --nope", "'mh log --help' shows how to use it"),
        ("merge main --ours", "'mh merge --help' shows how to use it"),
    ],
)
def test_a_wrong_option_leads_to_the_right_place(mh, line, hint):
    assert hint in mh(*line.split(), code=2).err.splitlines()[-1]


@pytest.mark.parametrize("line", ["log", "status", "--help", "query -", "cat HEAD:train.py", "nope"])
@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_standard_streams_are_no_bug(project, line, closed):
    process = start(*line.split(), cwd=project, stdin=subprocess.DEVNULL, preexec_fn=lambda: [*map(os.close, closed)])
    code, _, err = finish(process)
    assert code == (2 if line in ("nope", "query -") else 0)
    assert b"Traceback" not in err
    assert b"bug" not in err


@pytest.mark.parametrize("line", ["--help", "--version", "log --help", "help"])
def test_help_into_a_closed_pipe_ends_quietly(project, line):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        code, _, err = finish(start(*line.split(), cwd=project, stdout=closed))
    assert (code, err) == (141, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_a_file_that_cannot_be_read_is_no_wrong_argument(project):
    (project / "train.py").write_text("secret")
    (project / "train.py").chmod(0)
    process = start("add", "train.py", cwd=project, preexec_fn=without_root_s_power)
    code, _, err = finish(process)
    assert code == 7
    assert b"cannot be read" in err
    assert b"--help" not in err
