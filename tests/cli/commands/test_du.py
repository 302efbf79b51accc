def test_the_parts_are_shown_and_each_version(mh, project):
    lines = mh("du").out.splitlines()
    assert lines[0].startswith("all files of all versions")
    assert any(line.startswith("stored ") for line in lines)
    assert [line.split()[0] for line in lines if line.endswith(("baseline", "lower rate"))] == [
        commit["commit"][:10] for commit in mh("log", "--json").json()
    ]


def test_json_has_every_number(mh, project):
    result = mh("du", "--json").json()
    assert result["raw_nbytes"] - result["saved_by_sharing"] == result["unique_nbytes"]
    assert len(result["versions"]) == 2
    assert mh("du", "--format", "csv").out.startswith("commit,summary,time,raw_nbytes,new_nbytes,only_here_nbytes\n")


def test_the_tree_shows_files_and_layers(mh, project):
    lines = mh("du", "--tree").out.splitlines()
    assert lines[0].split() == ["files", "stored", "share"]
    assert lines[1].startswith("HEAD")
    assert any("train.py" in line for line in lines)
    tree = mh("du", "--tree", "v1", "--json").json()
    assert tree["root"]["raw_nbytes"] == sum(child["raw_nbytes"] for child in tree["root"]["children"])
    assert len(mh("du", "--tree", "v1", "--depth", "0").out.splitlines()) == 2
    mh("du", "--tree", "v1:nothing", code=4)


def test_what_if_counts_to_the_byte(mh, project):
    (project / "model.safetensors").write_bytes(b"no model any more")
    mh("commit", "-m", "third")
    assert "is v1: it cannot be forgotten" in mh("du", "--what-if", "drop v1", code=7).err
    mh("tag", "-d", "v1")
    found = mh("du", "--what-if", "drop HEAD~2", "--json").json()
    assert found["freed_nbytes"] == sum(item["stored_nbytes"] for item in found["objects"])
    assert mh("du", "--what-if", "drop HEAD~2").out.startswith("without the weights of 1 version gc would free ")
    assert "write --what-if 'drop REV...'" in mh("du", "--what-if", "squash HEAD", code=2).err


def test_why_shows_the_chain_and_what_lost(mh, project):
    tensor = mh("ls", "HEAD:model.safetensors", "--json").json()[0]["name"]
    done = mh("du", "--why", tensor)
    assert "chain" in done.out
    assert "without a base" in done.out
    found = mh("du", "--why", tensor, "v1:model.safetensors", "--json").json()
    assert [one["verdict"] for one in found["alternatives"]].count("stored") == 1
    mh("du", "--why", "nothing", code=4)


def test_questions_that_do_not_go_together_are_refused(mh, project):
    mh("du", "--tree", "--why", "w", code=2)
    mh("du", "--depth", "2", code=2)
    mh("du", "v1", code=2)
    mh("du", "--tree", "--format", "csv", code=2)
    assert len(mh("du", "--versions").out.splitlines()) == 3
    assert len(mh("du", "--versions", "--json").json()) == 2
