def test_tags_are_made_moved_and_deleted(mh, project):
    mh("tag", "best", "HEAD~1")
    assert [tag["name"] for tag in mh("tag", "--json").json()] == ["best", "v1", "v2"]
    mh("tag", "best", code=3)
    mh("tag", "-f", "best")
    assert "lower rate" in mh("tag").out.splitlines()[0]
    mh("tag", "-d", "best")
    assert [line.split()[0] for line in mh("tag").out.splitlines()] == ["v1", "v2"]


def test_deleting_what_is_not_there_is_not_found(mh, project):
    mh("tag", "-d", "nope", code=4)
    mh("tag", "-d", code=2)


def test_csv_has_a_header(mh, project):
    assert mh("tag", "--format", "csv").out.startswith("name,commit,summary,time\nv1,")
