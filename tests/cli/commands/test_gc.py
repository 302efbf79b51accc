import pytest


@pytest.fixture
def forgotten(mh, project):
    """A staged file that was unstaged again: its object is needed by nothing."""
    (project / "large.bin").write_bytes(bytes(range(256)) * 40)
    mh("add", "large.bin")
    mh("reset")
    (project / "large.bin").unlink()
    return project


def test_a_dry_run_names_what_would_go_and_deletes_nothing(mh, forgotten):
    done = mh("gc", "--dry-run", "--grace", "0")
    assert "1 object would be deleted" in done.out
    assert "blob" in done.out
    assert mh("gc", "--dry-run", "--grace", "0").out == done.out


def test_the_grace_is_kept(mh, forgotten):
    assert "1 object" in mh("gc").out.splitlines()[1]
    assert "time of grace" in mh("gc").out


def test_without_grace_it_goes(mh, forgotten):
    assert mh("gc", "--grace", "0").out.startswith("1 object deleted")
    assert mh("gc", "--grace", "0", "--json").json()["removed"] == []
    mh("fsck", "--full")
    mh("gc", "--grace", "-1", code=2)
