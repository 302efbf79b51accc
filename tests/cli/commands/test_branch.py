def test_branches_are_listed_with_their_versions(mh, project):
    mh("branch", "idea", "v1")
    lines = mh("branch").out.splitlines()
    assert [line.split()[0] for line in lines] == ["idea", "*"]
    assert lines[0].endswith("baseline")
    assert [(row["name"], row["current"]) for row in mh("branch", "--json").json()] == [("idea", False), ("main", True)]


def test_branches_are_renamed_and_deleted(mh, project):
    mh("branch", "idea", "v1")
    mh("branch", "-m", "idea", "thought")
    assert "was at" in mh("branch", "-d", "thought").err
    mh("branch", "-m", "trunk")
    assert [row["name"] for row in mh("branch", "--json").json()] == ["trunk"]


def test_commits_that_only_a_branch_holds_are_not_given_up_lightly(mh, project):
    mh("switch", "-c", "idea")
    mh("commit", "--allow-empty", "-m", "only here")
    mh("switch", "main")
    mh("branch", "-d", "idea", code=7)
    mh("branch", "-D", "idea")


def test_a_taken_name_is_a_conflict(mh, project):
    mh("branch", "main", code=3)
    mh("branch", "idea")
    mh("branch", "-f", "idea", "v1")


def test_wrong_numbers_of_names_are_refused(mh, project):
    for words in (["-d"], ["-m"], ["a", "b", "c"]):
        mh("branch", *words, code=2)
