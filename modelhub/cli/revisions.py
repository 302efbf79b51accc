"""Tell revisions from paths on a command line, as git does: before and after `--`, else by what exists."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from modelhub.cli.command import paths_after_dashes
from modelhub.cli.context import Session
from modelhub.errors import InvalidInputError, NotFoundError, RefNotFound
from modelhub.repository.revision import resolve_place


def split_words(session: Session, words: Sequence[str], *, most: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (revisions, paths as the repository names them); at most `most` revisions.

    Without `--` the first word that is no revision but a file here, and all after it, are paths.
    Raises InvalidInputError for more revisions than the command takes, RefNotFound for a word that is neither.
    """
    after = paths_after_dashes()
    cut = len(words)
    if after is None:
        cut = next((place for place, word in enumerate(words) if _is_path(session, word)), cut)
    if cut > most:
        strange = next(
            (word for word in words[:cut] if not (_is_revision(session, word) or _is_run(session, word))), None
        )
        if strange is not None:
            raise InvalidInputError(
                f"'{strange}' is neither a version nor a file here", hint="write the paths of deleted files after '--'"
            )
        taken = "one revision" if most == 1 else f"{most} revisions"
        raise InvalidInputError(f"this takes at most {taken}, not {cut}", hint="write paths after '--'")
    return tuple(words[:cut]), session.paths([*words[cut:], *(after or ())])


def _is_path(session: Session, word: str) -> bool:
    return not _is_revision(session, word) and (session.folder / word).exists()


def _is_run(session: Session, word: str) -> bool:
    from modelhub.porcelain.places import locate

    with contextlib.suppress(NotFoundError, InvalidInputError):
        return locate(session.repository, word).run is not None
    return False


def _is_revision(session: Session, word: str) -> bool:
    try:
        resolve_place(session.repository, word)
    except (RefNotFound, InvalidInputError):
        return False
    return True
