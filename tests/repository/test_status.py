from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelhub.repository.objects import Entry, Mode
from modelhub.repository.status import compare_files

PATHS = st.sampled_from(["a", "b", "c", "d/e"])
MODES: st.SearchStrategy[Mode] = st.sampled_from(["file", "exec"])
ENTRIES = st.builds(Entry, MODES, st.sampled_from(["1" * 64, "2" * 64]), st.just(5))
FILES = st.dictionaries(PATHS, ENTRIES)


@given(FILES, FILES)
def test_changes_lead_from_the_one_to_the_other(before: dict[str, Entry], after: dict[str, Entry]) -> None:
    found = dict(before)
    for change in compare_files(before, after):
        if change.kind == "renamed":
            assert before[change.old_path or ""].oid == after[change.path].oid
            del found[change.old_path or ""]
        if change.kind == "deleted":
            del found[change.path]
        else:
            found[change.path] = after[change.path]
    assert found == after


@given(FILES)
def test_equal_tables_have_no_changes(files: dict[str, Entry]) -> None:
    assert compare_files(files, dict(files)) == []


def test_an_empty_file_is_never_taken_for_a_renamed_one() -> None:
    empty = Entry("file", "0" * 64, 0)
    assert [change.kind for change in compare_files({"a": empty}, {"b": empty})] == ["deleted", "added"]
