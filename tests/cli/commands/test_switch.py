def test_switch_goes_to_branches_only(mh, project):
    mh("switch", "-c", "idea", "v1")
    assert "on branch 'main'" in mh("switch", "main").err
    mh("switch", "v1", code=4)
    mh("switch", "nope", code=4)


def test_a_commit_can_be_visited_detached(mh, project):
    assert mh("switch", "--detach", "main", "--json").json()["branch"] is None
    mh("switch", "-d", "HEAD~1")
    assert (project / "train.py").read_text() == "lr = 1e-3\n"


def test_a_start_is_for_a_new_branch(mh, project):
    mh("switch", "main", "v1", code=2)


def test_a_taken_name_is_a_conflict(mh, project):
    mh("switch", "-c", "main", code=3)


def test_a_version_that_is_no_branch_is_told_apart(mh, project):
    for name in ("v1", mh("log", "--json").json()[0]["commit"][:10]):
        assert (
            mh("switch", name, code=4).err.splitlines()[1] == f"hint: it is a version: 'mh checkout {name}' goes there"
        )
    assert "'mh switch -c nope' makes it" in mh("switch", "nope", code=4).err
