import pytest


@pytest.fixture
def parted(mh, project):
    """Two branches that both changed train.py."""
    mh("switch", "-c", "side", "v1")
    (project / "train.py").write_text("lr = 5\n")
    (project / "side.txt").write_text("x")
    mh("commit", "-m", "side")
    mh("switch", "main")
    return project


def test_a_fast_forward(mh, project):
    mh("switch", "-c", "old", "v1")
    assert mh("merge", "main").out.startswith("fast-forward: the branch moved to ")
    assert "nothing to merge" in mh("merge", "main").err


def test_a_conflict_changes_nothing_and_names_the_files(mh, parted):
    before = mh("log", "--json").out
    done = mh("merge", "side", code=3)
    assert "'train.py'" in done.err
    assert "--theirs" in done.err
    assert mh("log", "--json").out == before
    assert mh("status", "--json").json()["clean"] is True


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--theirs", "train.py"], "lr = 5\n"),
        (["--ours", "train.py"], "lr = 1e-4\n"),
        (["--take", "theirs"], "lr = 5\n"),
    ],
)
def test_a_side_can_be_chosen(mh, parted, words, text):
    assert mh("merge", "side", "-m", "both", *words, "--json").json()["kind"] == "merge"
    assert (parted / "train.py").read_text() == text
    assert (parted / "side.txt").exists()
    assert mh("log", "-n", "1", "--oneline").out.endswith("both\n")


def test_choices_that_exclude_each_other_are_refused(mh, parted):
    mh("merge", "side", "--ours", "train.py", "--theirs", "train.py", code=2)
    mh("merge", "side", "--ff-only", "--no-ff", code=2)
    mh("merge", "side", "--ff-only", code=7)
