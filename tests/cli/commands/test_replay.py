"""Tests of `mh replay`."""

from __future__ import annotations


def test_a_replay_says_what_is_identical_and_what_is_not(mh, project):
    mh("run", "--name", "same", "--output", "a.txt", "--", "sh", "-c", "echo 1 > a.txt")
    done = mh("replay", "same", "--strict")
    assert "a.txt  identical" in done.out
    assert done.out.splitlines()[-1] == "identical"
    mh("run", "--name", "other", "--output", "b.txt", "--", "sh", "-c", "echo $$ > b.txt; date +%N >> b.txt")
    assert "b.txt  differs" in mh("replay", "other").out
    assert mh("replay", "other", "--strict", code=1).out.splitlines()[-1] == "not identical"


def test_programs_get_a_replay_as_json(mh, project, tmp_path):
    mh("run", "--name", "same", "--output", "a.txt", "--", "sh", "-c", "echo 1 > a.txt; echo shown")
    found = mh("replay", "same", "--json", "--keep", str(tmp_path / "again")).json()
    assert (found["status"], found["exit_code"], found["exit_code_before"]) == ("finished", 0, 0)
    assert found["outputs"][0]["verdict"] == "identical"
    assert (tmp_path / "again" / "a.txt").read_text() == "1\n"
    assert (tmp_path / "again" / "model.safetensors").exists()


def test_what_is_missing_in_the_clean_folder_is_hinted_at(mh, project):
    (project / ".mhignore").write_text("secret.txt\n")
    (project / "secret.txt").write_text("1")
    mh("run", "--name", "reads", "--", "cat", "secret.txt")
    done = mh("replay", "reads")
    assert "exit code  0 then, 1 now" in done.out
    assert "perhaps the command needs a file that was not kept: name it with --input" in done.err


def test_nothing_is_guessed_about_a_command_that_failed_before_or_was_stopped(mh, project):
    (project / ".mhignore").write_text("code.txt\n")
    (project / "code.txt").write_text("exit 3\n")
    mh("run", "--name", "bad", "--", "sh", "-c", ". ./code.txt", code=3)
    assert "perhaps" not in mh("replay", "bad").err
    (project / "code.txt").write_text("exit 0\n")
    mh("run", "--name", "stopped", "--", "sh", "-c", "test -e code.txt || kill -9 $$")
    assert "perhaps" not in mh("replay", "stopped").err


def test_a_run_that_cannot_be_replayed_is_refused(mh, project):
    mh("run", "--name", "bare", "--no-snapshot", "--", "true")
    assert "cannot be replayed: the folder was not recorded" in mh("replay", "bare", code=7).err
    mh("replay", "nothing", code=4)
