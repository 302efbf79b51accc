"""The one table from what went wrong to the exit code of the process. Page: docs/reference/exit-codes.md."""

from __future__ import annotations

from modelhub import errors

OK = 0
NEGATIVE = 1
USAGE = 2
CONFLICT = 3
NOT_FOUND = 4
INTEGRITY = 5
REFUSED = 7
INTERNAL = 70
SYSTEM = 74
INTERRUPTED = 130
BROKEN_PIPE = 141

MEANINGS: dict[int, str] = {
    OK: "done",
    NEGATIVE: (
        "done, and the answer is no: 'mh diff --exit-code' or 'mh replay --strict' saw a difference,"
        " 'mh verify --strict' a parent that the weights contradict, 'mh fsck' damage;"
        " 'mh eval-precision' could measure no scheme"
    ),
    USAGE: "the command line, a name or a query cannot be understood",
    CONFLICT: "two changes cannot both hold: a merge conflict, a name that is taken, another writer",
    NOT_FOUND: "a repository, revision, file or tensor that was named does not exist",
    INTEGRITY: "stored bytes are damaged, or were written by a newer version",
    REFUSED: "sound, but not now: unsaved work would be lost, or 'mh commit --strict' found faults in the weights",
    INTERNAL: "a bug in modelhub; nothing that was saved is lost",
    SYSTEM: "the system said no: the disk is full or read-only, a right is missing",
    INTERRUPTED: "stopped with Ctrl-C; nothing is lost",
    BROKEN_PIPE: "the program that read the output went away, as after 'mh log | head'",
}

_BRANCHES: tuple[tuple[type[errors.ModelHubError], int], ...] = (
    (errors.NotFoundError, NOT_FOUND),
    (errors.AlreadyExistsError, CONFLICT),
    (errors.ConflictError, CONFLICT),
    (errors.InvalidInputError, USAGE),
    (errors.StateError, REFUSED),
    (errors.FormatError, INTEGRITY),
    (errors.InternalError, INTERNAL),
)


def exit_code(error: type[errors.ModelHubError]) -> int:
    """Return the exit code for a kind of error."""
    return next((code for branch, code in _BRANCHES if issubclass(error, branch)), INTERNAL)
