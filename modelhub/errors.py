"""The exception tree: every error modelhub raises, grouped by what a caller would do about it.

ModelHubError
├── NotFoundError          (also KeyError)    RepositoryNotFound · ObjectNotFound · RefNotFound · PathNotFound
│                                             VersionForgotten
├── AlreadyExistsError
├── InvalidInputError      (also ValueError)  QuerySyntaxError · UnsafePath
├── StateError             DirtyTree · LintFailed
├── ConflictError          MergeConflict · LockHeld
├── FormatError            UnsupportedModelFile
│   └── IntegrityError
└── InternalError

`kind` is stable and append-only: programs may depend on it. `hint` says what to do next; tracebacks show it too.
"""

from __future__ import annotations

from typing import ClassVar


class ModelHubError(Exception):
    """The root of everything modelhub raises on purpose."""

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self._hint: str | None = None
        self.hint = hint

    @property
    def hint(self) -> str | None:
        """What to do next; tracebacks show it as a note."""
        return self._hint

    @hint.setter
    def hint(self, hint: str | None) -> None:
        others = [note for note in getattr(self, "__notes__", ()) if note != f"hint: {self._hint}"]
        self._hint = hint
        self.__notes__ = others if hint is None else [*others, f"hint: {hint}"]

    def __str__(self) -> str:
        return self.message


class NotFoundError(ModelHubError, KeyError):
    """Something that was named does not exist."""

    kind = "not-found"


class RepositoryNotFound(NotFoundError):
    """No repository at this place or above it."""

    kind = "repository-not-found"


class ObjectNotFound(NotFoundError):
    """The store holds no object of this id."""

    kind = "object-not-found"


class VersionForgotten(ObjectNotFound):
    """A version's weights were given up on purpose, and so are not there."""

    kind = "version-forgotten"


class RefNotFound(NotFoundError):
    """No branch, tag, commit or other revision has this name."""

    kind = "ref-not-found"


class PathNotFound(NotFoundError):
    """A file, or a tensor in a file, is not there."""

    kind = "path-not-found"


class AlreadyExistsError(ModelHubError):
    """Something of this name is there already."""

    kind = "already-exists"


class InvalidInputError(ModelHubError, ValueError):
    """The caller gave a value that can never work."""

    kind = "invalid-input"


class QuerySyntaxError(InvalidInputError):
    """A query cannot be understood or is not allowed; `position` is the offset in its text where known."""

    kind = "query-syntax"

    def __init__(self, message: str, *, text: str = "", position: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.position = position


class UnsafePath(InvalidInputError):
    """A path that must not be recorded or written: it leaves the folder or is misleading."""

    kind = "unsafe-path"


class StateError(ModelHubError):
    """The request is sound, but not now."""

    kind = "state"


class DirtyTree(StateError):
    """Unsaved work would be overwritten; `paths` lists it."""

    kind = "dirty-tree"

    def __init__(self, message: str, *, paths: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.paths = paths


class LintFailed(StateError):
    """The weights have findings and the caller asked to be strict; `findings` lists them."""

    kind = "lint-failed"

    def __init__(self, message: str, *, findings: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.findings = findings


class ConflictError(ModelHubError):
    """Two changes cannot both hold."""

    kind = "conflict"


class MergeConflict(ConflictError):
    """Both sides changed the same files; `paths` lists them. Nothing was changed."""

    kind = "merge-conflict"

    def __init__(self, message: str, *, paths: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.paths = paths


class LockHeld(ConflictError):
    """Another process is writing to the repository."""

    kind = "lock-held"


class FormatError(ModelHubError):
    """Bytes that are not understood, or were written by a newer version."""

    kind = "format"


class UnsupportedModelFile(FormatError):
    """A model file whose tensors cannot be located safely; it is still versioned as bytes."""

    kind = "unsupported-model-file"


class IntegrityError(FormatError):
    """Stored bytes do not match their hash or checksum."""

    kind = "integrity"


class InternalError(ModelHubError):
    """A bug in modelhub."""

    kind = "internal"
