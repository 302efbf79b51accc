"""Tests of the root of all errors."""

from __future__ import annotations

import pickle
import traceback

from modelhub.errors import DirtyTree, ModelHubError, QuerySyntaxError


def test_a_traceback_shows_the_hint() -> None:
    shown = "".join(traceback.format_exception(ModelHubError("no such thing", hint="look elsewhere")))
    assert shown == "modelhub.errors.ModelHubError: no such thing\nhint: look elsewhere\n"
    assert "hint" not in "".join(traceback.format_exception(ModelHubError("no such thing")))


def test_a_hint_that_is_replaced_is_shown_once_and_other_notes_stay() -> None:
    error = ModelHubError("no", hint="one")
    error.add_note("more")
    error.hint = "two"
    assert error.__notes__ == ["more", "hint: two"]
    error.hint = None
    assert (error.hint, error.__notes__) == (None, ["more"])


def test_errors_come_back_from_other_processes_as_they_were() -> None:
    for error in (DirtyTree("no", paths=("a",), hint="one"), QuerySyntaxError("no", text="x", position=3, hint="one")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.message, again.hint) == (type(error), "no", "one")
        assert again.__dict__ == error.__dict__
