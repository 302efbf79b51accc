def test_an_operation_can_be_named(mh, project):
    wanted = next(found for found in mh("op", "log", "--json").json() if found["command"] == "tag v1")
    assert "undone: mh tag v1" in mh("undo", wanted["oid"][:12]).err
    assert [tag["name"] for tag in mh("tag", "--json").json()] == ["v2"]


def test_undo_says_which_command_it_took_back(mh, project):
    assert "undone: mh tag v2" in mh("undo").err
    assert "v2" not in mh("tag").out
    undone = mh("undo", "--json").json()["undone"]
    assert undone["command"].startswith("commit -m 'lower rate")
    assert mh("status", "-s").out == "M  model.safetensors\nM  train.py\n"


def test_an_operation_that_is_not_there_is_not_found(mh, project):
    mh("undo", "0123456789abcdef", code=4)
    mh("undo", "what", code=2)
