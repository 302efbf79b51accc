"""The prompt on a real terminal: what is typed, what is answered, and what ends it."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCES = str(Path(__file__).parents[3])
SLOW = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n, commits"


class Conversation:
    """A running `mh query` and the terminal it believes to be on."""

    def __init__(self, folder, *words, **env):
        self.ours, theirs = pty.openpty()
        settings = {"PYTHONPATH": SOURCES, "TERM": "xterm", "PAGER": "cat", "COLUMNS": "100", "LINES": "40"}
        settings |= {"PROMPT_TOOLKIT_NO_CPR": "1", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "modelhub", "query", *words],
            cwd=folder,
            env={**os.environ, **settings, **env},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self.shown = b""
        self.read = 0

    def type(self, text):
        os.write(self.ours, text.encode())

    def until(self, wanted):
        """Read until a text was shown, and return all up to it; what was read is not seen again."""
        end = time.monotonic() + 20
        while wanted not in (unread := _plain(self.shown)[self.read :]):
            ready, _, _ = select.select([self.ours], [], [], max(0, end - time.monotonic()))
            assert ready, f"'{wanted}' was not shown, but:\n{unread}"
            self.shown += os.read(self.ours, 65536)
        seen = unread[: unread.index(wanted) + len(wanted)]
        self.read += len(seen)
        return seen

    def ask(self, text, shown):
        self.type(text + "\r")
        seen = self.until(shown)
        self.until("mh>")
        return seen

    def leave(self, keys):
        self.type(keys)
        shown = b""
        with contextlib.suppress(OSError):
            while block := os.read(self.ours, 65536):
                shown += block
        os.close(self.ours)
        return self.process.wait(timeout=60)


def _take_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _plain(shown):
    text = shown.decode("utf-8", "replace")
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "")


@pytest.fixture
def talk(project):
    running = []

    def start(*words, **env):
        running.append(Conversation(project, *words, **env))
        running[-1].until("mh>")
        return running[-1]

    yield start
    for conversation in running:
        if conversation.process.poll() is None:
            conversation.process.send_signal(signal.SIGKILL)
            conversation.process.wait()


def test_a_query_may_take_lines_and_ends_with_a_semicolon(talk):
    prompt = talk()
    prompt.type("select summary\r")
    prompt.until(" >")
    prompt.ask("from commits order by generation;", "summary\nbaseline\nlower rate\n")
    assert prompt.leave("\x04") == 0


def test_an_empty_line_ends_a_whole_query(talk):
    talk().ask("select count(*) as versions\rfrom commits\r", "versions\n       2\n")


def test_a_mistake_is_pointed_at_and_the_prompt_goes_on(talk):
    prompt = talk()
    shown = prompt.ask("select messages from commits;", "hint: did you mean 'message'?")
    assert "  select messages from commits\n         ^\n" in shown
    prompt.ask("select 41 + 1 as answer;", "answer\n    42\n")


def test_tab_completes(talk):
    prompt = talk()
    prompt.type("select count(*) as found from metrics where name = 'acc\t")
    prompt.until("accuracy'")
    prompt.ask(";", "found\n    2\n")


def test_ctrl_c_clears_the_line(talk):
    prompt = talk()
    prompt.type("select nonsense")
    prompt.until("nonsense")
    prompt.type("\x03")
    prompt.until("mh>")
    prompt.ask("select 7 as seven;", "seven\n    7\n")


def test_ctrl_c_stops_a_query_that_runs(talk):
    prompt = talk("--timeout", "100")
    prompt.type(SLOW + ";\r")
    time.sleep(2)
    prompt.type("\x03")
    prompt.until("stopped")
    prompt.until("mh>")
    assert prompt.leave(".quit\r") == 0


def test_what_was_asked_is_kept_for_the_user_alone(talk, tmp_path):
    kept = tmp_path / "state" / "asked"
    prompt = talk(MH_HISTORY=str(kept))
    prompt.ask("select 1 as kept;", "kept\n   1\n")
    prompt.ask(" select 2 as secret;", "secret\n     2\n")
    assert prompt.leave("\x04") == 0
    assert "kept" in kept.read_text()
    assert "secret" not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
    talk(MH_HISTORY=str(kept)).ask("\x1b[A", "kept\n   1\n")


def test_dot_commands(talk, project):
    prompt = talk()
    for typed, shown in [
        (".views", "tensors"),
        (".schema metrics", "for example"),
        (".help", ".quit"),
        (".timer on", "the timer is on"),
        (".format csv", "printed as csv"),
        (".as-of v1", "as of v1"),
        ("select count(*) as versions from commits;", "versions\n1\n"),
        (".as-of", "as it is"),
        ("select 1 as a, 2 as b;", "1,2\n1 row in "),
        (".format parquet", "-o FILE"),
        (".veiws", "did you mean '.views'?"),
        (".save", "needs a name"),
        (".save ones the ones", "saved as 'queries/ones.sql'"),
        (".queries", "the ones"),
        ("@ones", "1,2\n"),
    ]:
        prompt.ask(typed, shown)
    assert (project / "queries" / "ones.sql").read_text() == "-- the ones\nselect 1 as a, 2 as b\n"
    assert prompt.leave(".quit\r") == 0


def test_the_prompt_sees_what_was_committed_meanwhile(talk, project, mh):
    prompt = talk()
    prompt.ask("select count(*) as versions from commits;", "versions\n       2\n")
    (project / "train.py").write_text("lr = 3\n")
    mh("commit", "-m", "third")
    prompt.ask("select count(*) as versions from commits;", "versions\n       3\n")


def test_without_a_repository_no_prompt_opens(screen):
    assert "mh init" in screen("query", code=4).out
