def test_each_tensor_is_told_with_its_version(mh, project):
    lines = mh("blame", "model.safetensors").out.splitlines()
    assert lines[0].split() == ["tensor", "version", "day", "author", "moved", "summary"]
    told = {line.split()[0]: line.split()[-1] for line in lines[1:]}
    assert told["encoder.layer.0.weight"] == "baseline"
    assert told["encoder.layer.1.weight"] == "rate"
    assert len(told) == 4


def test_a_tensor_of_a_version_can_be_picked(mh, project):
    picked = mh("blame", "model.safetensors", "-t", "encoder.layer.1.weight", "v1", "--json").json()
    assert picked["path"] == "model.safetensors"
    (line,) = picked["lines"]
    assert (line["tensor"], line["summary"], line["change"]) == ("encoder.layer.1.weight", "baseline", "added")
    assert line["time"].endswith("Z")
    assert "did you mean" in mh("blame", "model.safetensors", "-t", "encoder.layer.1.weigth", code=4).err


def test_how_far_it_moved_is_told_once_it_is_measured(mh, project):
    words = ("blame", "model.safetensors", "--tensor", "encoder.layer.1.weight", "--format", "csv")
    assert ",changed,," in mh(*words).out
    mh("query", "select * from tensor_changes")
    assert ",changed,0.0" in mh(*words).out
    assert "0.0" in mh(*words[:4]).out.splitlines()[1].split()[4]


def test_a_plain_file_has_one_line_without_a_tensor(mh, project):
    lines = mh("blame", "train.py").out.splitlines()
    assert lines[0].split()[0] == "version"
    assert lines[1].endswith("lower rate")
    assert len(lines) == 2
    assert mh("blame", "train.py", "--format", "jsonl").out.startswith('{"tensor": null, "change": "changed"')


def test_paths_are_those_of_the_folder_one_is_in(mh, project, monkeypatch):
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    assert mh("blame", "../train.py").out
    mh("blame", "train.py", code=4)
    mh("blame", "..", code=2)


def test_names_from_the_repository_cannot_upset_a_terminal(mh, project):
    (project / "train.py").write_text("x\n")
    mh("commit", "-m", "red \x1b[31m")
    assert "\x1b" not in mh("blame", "train.py").out
