def test_the_best_are_listed_with_what_differs(mh, project):
    lines = mh("best", "accuracy").out.splitlines()
    assert lines[0].split() == ["version", "accuracy", "summary", "lr", "optimizer"]
    assert lines[1].split()[1:] == ["0.93", "lower", "rate", "0.0001", "-"]
    assert lines[2].split()[1:] == ["0.91", "baseline", "0.001", "adam"]


def test_the_lowest_can_be_the_best_and_the_list_be_short(mh, project):
    done = mh("best", "accuracy", "--min", "-n", "1")
    assert done.out.splitlines()[1].endswith("0.91  baseline")
    assert done.err == ""
    assert mh("best", "accuracy").err == ""
    mh("best", "accuracy", "-n", "0", code=2)


def test_programs_get_it_in_every_format(mh, project):
    found = mh("best", "accuracy", "--json").json()
    assert (found["metric"], found["lowest"], found["params"], found["measured"]) == (
        "accuracy", False, ["lr", "optimizer"], 2
    )  # fmt: skip
    assert found["versions"][1]["params"] == {"lr": 0.001, "optimizer": "adam"}
    csv = mh("best", "accuracy", "--format", "csv").out.splitlines()
    assert csv[0] == "commit,value,summary,lr,optimizer"
    assert csv[1].endswith(",0.93,lower rate,0.0001,")
    assert '"params": {"lr": 0.0001}' in mh("best", "accuracy", "--format", "jsonl").out
    assert mh("best", "accuracy", "--format", "md").out.startswith("| commit")


def test_an_unknown_metric_is_not_found(mh, project):
    done = mh("best", "acuracy", code=4)
    assert "no version has a metric 'acuracy'" in done.err
    assert "did you mean 'accuracy'?" in done.err


def test_different_data_is_refused_and_shown_when_asked_for(mh, project):
    for name, accuracy in (("one", "0.98"), ("two", "0.99")):
        (project / f"{name}.csv").write_text(name)
        mh("commit", "-m", name, "--metric", f"accuracy={accuracy}", "--measured-on", f"{name}.csv")
    done = mh("best", "accuracy", code=7)
    assert "2 different data sets" in done.err
    assert "one.csv" in done.err
    lines = mh("best", "accuracy", "--across-data").out.splitlines()
    assert lines[0].split()[:4] == ["version", "accuracy", "summary", "data"]
    assert "two.csv" in lines[1]
    assert "1 version of them did not say" in mh("best", "accuracy", "--across-data").err.replace(
        "2 versions", "1 version"
    )
    assert "data" in mh("best", "accuracy", "--across-data", "--format", "csv").out.splitlines()[0]
    assert len(mh("best", "accuracy", "--data", "two.csv").out.splitlines()) == 2
    assert "measured on different data" in mh("compare", "HEAD~1", "HEAD").err


def test_min_and_max_exclude_each_other(mh, project):
    assert "exclude" in mh("best", "accuracy", "--min", "--max", code=2).err


def test_runs_are_ranked_too(mh, project):
    from contracts.logged_run import finished

    from modelhub.repository.layout import Layout

    finished(Layout(project))
    lines = mh("best", "loss", "--runs").out.splitlines()
    assert lines[0].split()[:4] == ["run", "loss", "step", "name"]
    assert lines[1].split()[0] == "00000000000000a1"
    assert mh("best", "loss", "--runs", "--json").json()["lowest"] is True
    assert mh("best", "loss", "--runs", "--max", "--format", "csv").out.splitlines()[0] == "run,value,step,name,commit"
    mh("best", "nothing", "--runs", code=4)


def test_that_there_are_more_is_said_where_nobody_chose_how_many(mh, project):
    for number in range(12):
        mh("commit", "-m", str(number), "--allow-empty", "--metric", f"accuracy=0.{number}")
    assert "14 versions have 'accuracy': -n N shows N" in mh("best", "accuracy").err
    assert mh("best", "accuracy", "-n", "3", "--format", "csv").err == ""
