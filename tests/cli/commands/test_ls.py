def test_files_are_listed_with_size_and_tensors(mh, project):
    lines = mh("ls").out.splitlines()
    assert lines[0].endswith("  safetensors  4 tensors  model.safetensors")
    assert lines[1].endswith("train.py")
    assert [file["path"] for file in mh("ls", "v1", "--json").json()] == ["model.safetensors", "train.py"]


def test_paths_narrow_the_list(mh, project):
    assert [file["path"] for file in mh("ls", "--json", "v1", "--", "train.py").json()] == ["train.py"]
    assert [file["path"] for file in mh("ls", "--json", "train.py").json()] == ["train.py"]


def test_the_tensors_of_a_file_are_listed(mh, project):
    tensors = mh("ls", "v1:model.safetensors", "--json").json()
    shapes = {tensor["name"]: tensor["shape"] for tensor in tensors}
    assert len(shapes) == 4
    assert shapes["encoder.layer.0.bias"] == [8]
    out = mh("ls", ":model.safetensors").out
    assert out.splitlines()[0].split() == ["tensor", "dtype", "shape", "size"]
    assert "[8, 8]" in out


def test_a_file_without_tensors_says_so(mh, project):
    assert "no tensors" in mh("ls", "v1:train.py").err
    mh("ls", "v1:nowhere", code=4)


def test_a_folder_of_a_version_lists_its_files(mh, project):
    (project / "runs").mkdir()
    (project / "runs" / "log.txt").write_text("x")
    mh("commit", "-m", "a folder")
    for place in ("HEAD:runs", "HEAD:runs/", ":./runs"):
        done = mh("ls", place)
        assert done.out.split()[-1] == "runs/log.txt"
        assert done.err == ""
    assert [file["path"] for file in mh("ls", "HEAD:runs", "--json").json()] == ["runs/log.txt"]
