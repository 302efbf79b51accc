def test_the_catalog_is_rebuilt_to_the_same_answers(mh, project):
    before = mh("query", "select * from tensors", "--json").out
    (project / ".mh" / "catalog.db").unlink()
    assert "2 commits" in mh("reindex").err
    assert mh("query", "select * from tensors", "--json").out == before
    assert mh("reindex", "--json").json()["commits"] == 2
