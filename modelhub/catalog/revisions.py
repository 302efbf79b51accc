"""Revisions as `repository/revision.py` resolves them; where a run is named instead, the error says so."""

from __future__ import annotations

import contextlib
import re

from modelhub.errors import ModelHubError, RefNotFound
from modelhub.oid import MIN_PREFIX
from modelhub.repository import revision
from modelhub.repository.repository import Repository
from modelhub.repository.revision import Place

_STEP = re.compile(r"(.+)@(-?\d{1,18})", re.DOTALL)


def resolve(repository: Repository, text: str) -> str:
    """Return the commit a revision names. Raises RefNotFound, or InvalidInputError where ambiguous or malformed."""
    try:
        return revision.resolve(repository, text)
    except RefNotFound as error:
        raise _about_a_run(repository, text) or error from None


def resolve_place(repository: Repository, text: str) -> Place:
    """Return what `REV` or `REV:PATH` names; in `:PATH` it is HEAD. Raises as `resolve`."""
    try:
        return revision.resolve_place(repository, text)
    except RefNotFound as error:
        raise _about_a_run(repository, text.partition(":")[0]) or error from None


def split_step(text: str) -> tuple[str, int | None]:
    """Return what stands before the step in `RUN@STEP`, and the step."""
    found = _STEP.fullmatch(text)
    return (text, None) if found is None else (found.group(1), int(found.group(2)))


def _about_a_run(repository: Repository, text: str) -> RefNotFound | None:
    """Return what to say where the text names a run; None where it does not, or where that cannot be told."""
    from modelhub.catalog.named_runs import named_runs
    from modelhub.catalog.opening import open_current

    with contextlib.suppress(ModelHubError), open_current(repository) as connection:
        for name in dict.fromkeys((text, split_step(text)[0])):
            found = named_runs(connection, name, least=MIN_PREFIX)
            if len(found) > 1:
                return RefNotFound(f"'{name}' is {len(found)} runs, not a version", hint="'mh runs' lists them")
            if found:
                taken = found[0].commit
                where = f"; the version {taken[:10]} took it in" if taken else "; no version has taken it in yet"
                return RefNotFound(f"'{name}' is a run, not a version", hint=f"'mh runs {name}' shows it{where}")
    return None
