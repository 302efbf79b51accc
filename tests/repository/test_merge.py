from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelhub.repository.merge import merge_files
from modelhub.repository.objects import Entry

CONTENTS = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
FILES = st.dictionaries(st.sampled_from(["x", "y", "z"]), CONTENTS.map(lambda oid: Entry("file", oid, 1)))


@given(FILES, FILES)
def test_a_side_that_changed_nothing_takes_the_other(base: dict[str, Entry], changed: dict[str, Entry]) -> None:
    assert merge_files(base, base, changed).files == changed
    assert merge_files(base, changed, base).files == changed
    assert merge_files(base, changed, changed).files == changed


@given(FILES, FILES, FILES)
def test_every_path_is_decided_or_in_conflict(
    base: dict[str, Entry], ours: dict[str, Entry], theirs: dict[str, Entry]
) -> None:
    merged = merge_files(base, ours, theirs)
    for path in base.keys() | ours.keys() | theirs.keys():
        sides = {base.get(path), ours.get(path), theirs.get(path)}
        if path in merged.conflicts:
            assert len({ours.get(path), theirs.get(path)}) == 2
            assert base.get(path) not in (ours.get(path), theirs.get(path))
        else:
            assert merged.files.get(path) in sides


@given(FILES, FILES, FILES)
def test_merging_is_symmetric_in_its_conflicts(
    base: dict[str, Entry], ours: dict[str, Entry], theirs: dict[str, Entry]
) -> None:
    assert merge_files(base, ours, theirs).conflicts == merge_files(base, theirs, ours).conflicts


def test_a_choice_decides_a_conflict() -> None:
    base, ours, theirs = ({"x": Entry("file", letter * 64, 1)} for letter in "abc")
    assert merge_files(base, ours, theirs).conflicts == ("x",)
    assert merge_files(base, ours, theirs, {"x": "theirs"}).files == theirs
    assert merge_files(base, ours, theirs, {"x": "ours"}).files == ours


def test_a_deletion_against_a_change_is_a_conflict() -> None:
    base, ours = ({"x": Entry("file", letter * 64, 1)} for letter in "ab")
    assert merge_files(base, ours, {}).conflicts == ("x",)


def test_a_file_against_a_folder_of_that_name_is_a_conflict() -> None:
    file = Entry("file", "a" * 64, 1)
    assert merge_files({}, {"x": file}, {"x/y": file}).conflicts == ("x",)
