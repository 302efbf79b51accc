def test_the_best_are_listed_with_what_differs(mh, project):
    lines = mh("best", "accuracy").out.splitlines()
    assert lines[0].split() == ["version", "accuracy", "summary", "lr", "optimizer"]
    assert lines[1].split()[1:] == ["0.93", "lower", "rate", "0.0001", "-"]
    assert lines[2].split()[1:] == ["0.91", "baseline", "0.001", "adam"]


def test_the_lowest_can_be_the_best_and_the_list_be_short(mh, project):
    done = mh("best", "accuracy", "--min", "-n", "1")
    assert done.out.splitlines()[1].endswith("0.91  baseline")
    assert "2 versions have 'accuracy'" in done.err
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
