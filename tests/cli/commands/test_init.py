import pytest


def test_init_makes_a_repository_and_says_where(mh, folder):
    done = mh("init")
    assert (folder / ".mh").is_dir()
    assert str(folder) in done.err
    assert done.out == ""


def test_init_makes_the_folder_too(mh, folder):
    assert mh("init", "a/b", "--json").json()["created"] is True
    assert (folder / "a" / "b" / ".mh").is_dir()


def test_a_second_init_changes_nothing(mh, project):
    before = mh("log", "--json").out
    assert mh("init", "--json").json()["created"] is False
    assert mh("log", "--json").out == before


def test_the_first_branch_can_be_named(mh):
    mh("init", "-b", "trunk")
    assert mh("status", "--json").json()["branch"] == "trunk"


@pytest.mark.parametrize("name", ["a b", "-x", "a..b", ""])
def test_a_bad_branch_name_is_refused(mh, name):
    mh("init", "-b", name, code=2)
