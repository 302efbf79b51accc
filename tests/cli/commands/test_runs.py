"""Tests of `mh runs`."""

from __future__ import annotations

from cli.conftest import plain_text

import modelhub


def make(name: str, steps: int = 8, *, status: str = "finished") -> str:
    run = modelhub.run(name, params={"lr": 0.1}, tags={"kind": "test"})
    for step in range(steps):
        run.log(loss=1 / (step + 1), acc=step)
    if steps:
        run.measured_on("acc", data="train.py")
    run.finish(status)  # type: ignore[arg-type]
    return run.id


def test_runs_are_listed_newest_first_with_their_last_values(mh, project):
    first = make("first")
    make("second", 0, status="failed")
    lines = mh("runs").out.splitlines()
    assert lines[0].split() == ["run", "status", "started", "took", "name", "last", "values", "version"]
    assert [line.split()[1] for line in lines[1:]] == ["failed", "finished"]
    assert lines[2].startswith(first[:10])
    assert "acc 7  loss 0.125" in lines[2]
    assert mh("runs", "-n", "1").err.startswith("there are more")
    assert len(mh("runs", "--status", "finished", "--json").json()) == 1


def test_no_runs_say_how_to_make_one(mh, project):
    done = mh("runs")
    assert (done.out, "mh run -- CMD" in done.err) == ("", True)


def test_programs_get_all_values(mh, project):
    make("first")
    (run,) = mh("runs", "--json").json()
    assert run["metrics"] == {
        "acc": {"last": 7.0, "best": 7.0, "goal": "max"},
        "loss": {"last": 0.125, "best": 0.125, "goal": "min"},
    }
    head, row = mh("runs", "--format", "csv").out.splitlines()
    assert head.endswith(",points,commit,acc,loss")
    assert row.endswith(",7.0,0.125")
    assert mh("runs", "--format", "md").out.startswith("| run")


def test_one_run_is_shown_with_all_that_is_known(mh, project):
    make("first")
    text = mh("runs", "first").out
    for part in ("name", "lr  0.1", "kind  test", "▁▂▃▄▅▆▇█", "measured     acc on train.py", "none yet", "no replay"):
        assert part in text
    mh("commit", "--allow-empty", "-m", "take it in")
    assert "none yet" not in mh("runs", "first").out
    shown = mh("runs", "first", "--json").json()
    assert shown["run"]["params"] == {"lr": 0.1}
    assert shown["series"][0]["summary"]["points"] == 8


def test_replays_are_listed_on_request(mh, project):
    mh("run", "--name", "first", "--", "true")
    mh("replay", "first")
    done = mh("runs")
    assert ("replay of" in done.out, done.err) == (False, "1 replay left out: --replays lists them too\n")
    done = mh("runs", "--replays")
    assert ("replay of first" in done.out, done.err) == (True, "")
    assert "replay of" in mh("runs", "replay of first").out


def test_a_narrow_terminal_shows_every_param_whole(mh, project, screen):
    run = modelhub.run("narrow", params={"path": "data/" * 20, "betas": [0.9, 0.999]})
    for step in range(64):
        run.log({"a/rather/long/name/of/a/metric": step})
    run.finish()
    for columns in (80, 40):
        lines = screen("runs", "narrow", columns=columns).out.splitlines()
        assert max(map(len, map(plain_text, lines))) <= columns
        assert "data/" * 20 in "".join(line.strip() for line in lines)
        assert any("█" in line and "63" in line for line in lines)
        assert max(len(plain_text(line)) for line in screen("runs", columns=columns).out.splitlines()) <= columns


def test_values_that_are_no_numbers_come_last_in_the_list(mh, project):
    run = modelhub.run("odd")
    run.log(broken=float("nan"), loss=1 / 3)
    run.finish()
    assert "loss 0.3333  broken nan" in mh("runs").out


def test_the_end_of_the_output_is_shown_on_request(mh, project):
    mh("run", "--name", "talk", "--", "sh", "-c", r"seq 100; printf '10%%\r20%%\rdone\n\033[31mred' >&2")
    assert "100" not in mh("runs", "talk").out.splitlines()
    for _ in range(2):
        text = mh("runs", "talk", "--output").out
        assert "stdout\n  91\n" in text
        assert "stderr\n  done\n" in text
        assert "\x1b" not in text
        mh("commit", "--allow-empty", "-m", "take it in")
    mh("runs", "--output", code=2)


def test_an_unknown_run_is_not_found(mh, project):
    assert "'mh runs' lists the runs" in mh("runs", "ffff", code=4).err
    mh("runs", "ffff", "--format", "csv", code=2)
