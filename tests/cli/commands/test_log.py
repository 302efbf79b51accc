import csv
import io
import json


def test_the_long_form_shows_facts_and_message(mh, project):
    lines = mh("log").out.splitlines()
    assert lines[0].endswith(" (HEAD -> main, tag: v2)")
    assert lines[1] == "Author:  Ada <ada@example.org>"
    assert "Metrics: accuracy=0.93" in lines
    assert "    lower rate" in lines
    assert "    more words" in lines
    assert "Params:  lr=0.001 optimizer=adam" in lines


def test_one_line_shows_names_subject_and_metrics(mh, project):
    lines = mh("log", "--oneline").out.splitlines()
    assert lines[0][10:] == " (HEAD -> main, tag: v2) lower rate  accuracy=0.93"
    assert lines[1][10:] == " (tag: v1) baseline  accuracy=0.91"


def test_the_history_of_a_path_is_what_changed_it(mh, project):
    (project / "train.py").write_text("lr = 1\n")
    mh("commit", "-m", "faster")
    assert len(mh("log", "--oneline", "--", "model.safetensors").out.splitlines()) == 2
    assert len(mh("log", "--oneline", "train.py").out.splitlines()) == 3
    assert len(mh("log", "--oneline", "-n", "1", "--", "model.safetensors").out.splitlines()) == 1


def test_a_graph_of_a_path_leaves_no_open_lane(mh, project):
    mh("switch", "-c", "side", "v1")
    (project / "side.txt").write_text("x")
    mh("commit", "-m", "side")
    mh("switch", "main")
    mh("merge", "side")
    whole = mh("log", "--oneline", "--graph").out
    assert whole.splitlines()[1] == "│╲"
    assert len(whole.splitlines()) == 6
    part = mh("log", "--oneline", "--graph", "--", "train.py").out
    assert [line[0] for line in part.splitlines()] == ["●", "●"]


def test_the_long_form_beside_the_graph(mh, project):
    lines = mh("log", "--graph").out.splitlines()
    assert lines[0].startswith("● commit ")
    assert lines[1].startswith("│ Author:")


def test_json_has_whole_ids_and_times(mh, project):
    first, second = mh("log", "--json").json()
    assert first["parents"] == [second["commit"]]
    assert len(first["commit"]) == 64
    assert first["refs"] == ["HEAD -> main", "tag: v2"]
    assert second["metrics"] == {"accuracy": 0.91}
    assert first["time"].endswith("Z")


def test_the_other_formats_hold_the_same(mh, project):
    lines = [json.loads(line) for line in mh("log", "--format", "jsonl").out.splitlines()]
    assert lines == mh("log", "--json").json()
    table = list(csv.DictReader(io.StringIO(mh("log", "--format", "csv").out)))
    assert [row["commit"] for row in table] == [line["commit"] for line in lines]
    assert json.loads(table[1]["metrics"]) == {"accuracy": 0.91}
    assert mh("log", "--format", "md").out.startswith("| commit ")


def test_a_hostile_message_cannot_move_the_cursor(mh, project):
    mh("commit", "--allow-empty", "-m", "nice\x1b[1A\x1b[2K\n\nbody\x07")
    for words in (["log"], ["log", "--oneline"], ["show"], ["branch"], ["log", "--graph"], ["log", "--format", "md"]):
        assert "\x1b" not in mh(*words).out


def test_an_unknown_revision_is_not_found(mh, project):
    assert "did you mean 'main'?" in mh("log", "mian", code=4).err


def test_on_a_terminal_colours_and_the_pager_are_used(screen, project):
    shown = screen("log", "--oneline").out
    assert "\x1b[33m" in shown
    assert "\x1b" not in screen("log", "--oneline", NO_COLOR="1").out
    assert "\x1b" not in screen("log", "--oneline", TERM="dumb").out
    assert "paged: " in screen("log", "--oneline", MH_PAGER="sed s/^/paged:\\ /").out
    assert "paged: " not in screen("--no-pager", "log", "--oneline", MH_PAGER="sed s/^/paged:\\ /").out


def test_an_error_does_not_start_the_pager(screen, project):
    assert "paged" not in screen("log", "nope", MH_PAGER="sed s/^/paged:/", code=4).out


def test_leaving_the_pager_early_is_no_error(screen, project):
    assert "error" not in screen("log", MH_PAGER="head -1").out
