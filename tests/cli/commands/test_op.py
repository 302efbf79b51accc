def test_operations_are_listed_newest_first_with_their_commands(mh, project):
    lines = mh("op", "log").out.splitlines()
    assert lines[0].endswith(" mh tag v2")
    assert "Ada <ada@example.org>, " in lines[1]
    assert lines[2].strip().startswith("v2: none → ")
    assert lines[-1].strip() == "HEAD: none → main"


def test_json_has_what_each_moved(mh, project):
    newest = mh("op", "log", "-n", "1", "--json").json()[0]
    assert newest["command"] == "tag v2"
    assert newest["changes"][0]["name"] == "refs/tags/v2"
    assert newest["author"] == {"name": "Ada", "email": "ada@example.org"}


def test_global_options_are_no_part_of_the_command(mh, project):
    mh("-q", "--no-pager", "tag", "v3")
    assert mh("op", "log", "-n", "1", "--json").json()[0]["command"] == "tag v3"
