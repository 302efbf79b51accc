import pytest


@pytest.mark.parametrize("words", [[], ["--full"]])
def test_a_whole_repository_is_said_to_be_whole(mh, project, words):
    assert mh("fsck", *words).out.startswith("whole: ")
    assert mh("fsck", *words, "--json").json()["ok"] is True


def test_damage_is_named_with_what_it_touches(mh, project):
    stored = [path for path in (project / ".mh" / "objects").rglob("*") if path.is_file()]
    victim = max(stored, key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0xFF
    victim.chmod(0o644)
    victim.write_bytes(data)
    done = mh("fsck", "--full", code=1)
    assert "damaged" in done.out
    assert mh("fsck", "--full", "--json", code=1).json()["problems"]


def test_a_lost_catalog_is_repaired(mh, project):
    before = mh("log", "--json").out
    (project / ".mh" / "catalog.db").write_bytes(b"not a database at all" * 100)
    mh("fsck", code=1)
    assert "repaired" in mh("fsck", "--repair").out
    assert mh("log", "--json").out == before


def test_a_log_that_breaks_off_is_told_and_all_is_whole(mh, project):
    from contracts.logged_run import finished, log_of

    from modelhub.repository.layout import Layout

    layout = Layout(project)
    run = finished(layout).id
    log_of(layout).chmod(0o644)
    with log_of(layout).open("ab") as file:
        file.write(b"torn")
    log_of(layout).chmod(0o444)
    lines = mh("fsck").out.splitlines()
    assert lines[0].startswith(f"remark .mh/runs/{run}: the last 4 bytes of its log cannot be read")
    assert lines[-1].startswith("whole: ")
    found = mh("fsck", "--json").json()
    assert found["ok"] is True
    assert found["remarks"][0]["place"] == f".mh/runs/{run}"
