import modelhub


def test_versions_stand_side_by_side(mh, project):
    lines = mh("compare", "v1", "v2").out.splitlines()
    assert lines[0].split() == ["v1", "v2"]
    assert lines[1].split()[0] == "version"
    assert [line.split() for line in lines[2:]] == [
        ["params"], ["lr", "0.001", "0.0001"], ["optimizer", "adam", "-"], ["metrics"], ["accuracy", "0.91", "0.93"]
    ]  # fmt: skip


def test_what_is_equal_is_left_out_unless_asked_for(mh, project):
    done = mh("compare", "v2", "main", "HEAD")
    assert len(done.out.splitlines()) == 2
    assert "2 params and metrics the same: --all shows them" in done.err
    done = mh("compare", "v2", "main", "HEAD", "--all")
    assert "accuracy" in done.out
    assert done.err == ""


def test_programs_get_it_in_every_format(mh, project):
    found = mh("compare", "v1", "v2", "--json").json()
    assert [version["revision"] for version in found["versions"]] == ["v1", "v2"]
    assert found["rows"][0] == {"kind": "param", "name": "lr", "values": [0.001, 0.0001]}
    assert mh("compare", "v1", "v2", "--format", "csv").out.splitlines()[:2] == [
        "kind,name,v1,v2",
        "param,lr,0.001,0.0001",
    ]
    assert mh("compare", "v1", "v2", "--format", "jsonl").out.count("\n") == 3
    assert mh("compare", "v1", "v2", "--format", "md").out.startswith("| kind")


def test_one_version_is_too_few(mh, project):
    assert "'mh show REV' shows one" in mh("compare", "v1", code=2).err
    mh("compare", code=2)
    mh("compare", "v1", "nope", code=4)


def test_how_a_metric_went_is_shown_where_a_run_logged_it(mh, project):
    with modelhub.run("third") as run:
        for step in range(100):
            run.log(step, accuracy=step / 100)
    (project / "train.py").write_text("lr = 1\n")
    mh("commit", "-m", "trained", "--metric", "accuracy=0.99")
    lines = mh("compare", "v2", "HEAD").out.splitlines()
    place = next(number for number, line in enumerate(lines) if "accuracy" in line)
    assert lines[place].split() == ["accuracy", "0.93", "0.99"]
    assert lines[place + 1].strip() == "▁▁▂▃▃▄▅▆▆▇██"
