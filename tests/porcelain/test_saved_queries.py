"""Queries kept in the project: written, listed, asked with values, and taken from versions."""

import pytest

from modelhub.errors import AlreadyExistsError, InvalidInputError, NotFoundError, QuerySyntaxError
from modelhub.porcelain.commit import commit
from modelhub.porcelain.query import query
from modelhub.porcelain.saved_queries import Parameter, save_query, saved_queries, saved_query

TEXT = """-- Numbers up to a limit
-- :k = 2 how many
-- :word the word to say
with n(i) as (select 1 union all select 2 union all select 3) select i, :word as word from n limit :k
"""


@pytest.fixture
def kept(repo):
    folder = repo.layout.root / "queries"
    folder.mkdir()
    (folder / "some.sql").write_text(TEXT)
    return folder


def test_a_file_says_what_it_is_for_and_what_it_takes(repo, kept):
    (found,) = saved_queries(repo)
    assert (found.name, found.description, found.path) == ("some", "Numbers up to a limit", "queries/some.sql")
    word, count = Parameter("word", None, True, "the word to say"), Parameter("k", 2, False, "how many")
    assert found.parameters == (word, count)


def test_it_is_asked_with_defaults_and_values(repo, kept):
    assert query(repo, sql="@some", params={"word": "a"}).rows() == [(1, "a"), (2, "a")]
    assert query(repo, sql="@some;", params={"word": 7, "k": 1}).rows() == [(1, 7)]


def test_a_value_that_is_missing_or_unknown_is_named(repo, kept):
    with pytest.raises(InvalidInputError, match=r"needs a value for 'word' \(the word to say\)"):
        query(repo, sql="@some")
    with pytest.raises(InvalidInputError, match="takes no value 'kk'"):
        query(repo, sql="@some", params={"word": "a", "kk": 1})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("'5'", "5"),
        ("'it''s one'", "it's one"),
        ("loss", "loss"),
        ("null", None),
    ],
)
def test_defaults_are_numbers_or_text(repo, kept, written, value):
    (kept / "one.sql").write_text(f"-- :v = {written}\nselect :v as v")
    assert query(repo, sql="@one").rows() == [(value,)]


def test_saving_writes_a_readable_file(repo):
    saved = save_query(
        repo, name="best", text="select :m as metric limit :k;", description="The best", defaults={"k": 5, "m": "it's"}
    )
    path = repo.layout.root / "queries" / "best.sql"
    assert path.read_text() == "-- The best\n-- :k = 5\n-- :m = 'it''s'\nselect :m as metric limit :k\n"
    assert saved == saved_query(repo, place="@best")
    assert query(repo, sql="@best").rows() == [("it's",)]


def test_saving_replaces_nothing_unless_told(repo):
    save_query(repo, name="one", text="select 1")
    with pytest.raises(AlreadyExistsError):
        save_query(repo, name="one", text="select 2")
    save_query(repo, name="one", text="select 2", force=True)
    assert query(repo, sql="@one").rows() == [(2,)]


def test_what_cannot_be_asked_is_not_saved(repo):
    with pytest.raises(QuerySyntaxError) as caught:
        save_query(repo, name="bad", text="select mesage from commits")
    assert caught.value.text[caught.value.position :].startswith("mesage")
    for text in ("", "select 1; select 2", "drop table commits"):
        with pytest.raises(InvalidInputError):
            save_query(repo, name="bad", text=text)
    assert not (repo.layout.root / "queries").exists()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 200])
def test_a_name_cannot_leave_the_folder(repo, name):
    with pytest.raises(InvalidInputError):
        save_query(repo, name=name, text="select 1")
    with pytest.raises(InvalidInputError):
        saved_query(repo, place=name)


def test_an_unknown_name_is_answered_with_the_nearest(repo, kept):
    with pytest.raises(NotFoundError) as caught:
        saved_query(repo, place="@sme")
    assert "@some" in caught.value.hint


def test_a_version_has_the_query_as_it_was(repo, act):
    save_query(repo, name="one", text="select 1 as one")
    made = commit(repo, act=act, message="first")
    save_query(repo, name="one", text="select 2 as one", force=True)
    assert query(repo, sql=f"@one@{made.commit}").rows() == [(1,)]
    assert query(repo, sql="@one").rows() == [(2,)]
    with pytest.raises(NotFoundError, match="no saved query 'two' in 'HEAD'"):
        query(repo, sql="@two@HEAD")
