def test_the_parts_are_shown_and_each_version(mh, project):
    lines = mh("du").out.splitlines()
    assert lines[0].startswith("all files of all versions")
    assert any(line.startswith("stored ") for line in lines)
    assert [line.split()[0] for line in lines if line.endswith(("baseline", "lower rate"))] == [
        commit["commit"][:10] for commit in mh("log", "--json").json()
    ]


def test_json_has_every_number(mh, project):
    result = mh("du", "--json").json()
    assert result["raw_nbytes"] - result["saved_by_sharing"] == result["unique_nbytes"]
    assert len(result["versions"]) == 2
    assert mh("du", "--format", "csv").out.startswith("commit,summary,time,raw_nbytes,new_nbytes,only_here_nbytes\n")
