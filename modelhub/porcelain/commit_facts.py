"""What a person says about a version, and whether it can be recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.repository.objects import Evaluation, ParamValue
from modelhub.repository.trees import Files, write_tree

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

RELATIONS = (
    "fine-tune", "warm-start", "adapter", "quantize", "distill", "merge", "convert", "slice", "uses", "trained-on",
)  # fmt: skip


class DeriveSpec(Struct, frozen=True):
    """A declared parent: `REV` or `REV:PATH`, and how the new version came from it."""

    source: str
    relation: str = "fine-tune"


class CommitFacts(Struct, frozen=True):
    """What a person says about a version: hyperparameters, metrics, and what it was made from.

    `data` and `code` are what the metrics were measured on and by: paths of files or folders in the version. `run` is
    the run that made the version, by id or name, if there may be several to take in.
    """

    params: Mapping[str, ParamValue] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    derive: tuple[DeriveSpec, ...] = ()
    data: str = ""
    code: str = ""
    run: str = ""


NO_FACTS = CommitFacts()


def evaluation_of(writer: ObjectWriter, files: Files, facts: CommitFacts) -> Evaluation | None:
    """Return what the metrics were measured on. Raises PathNotFound where that is not among the version's files."""
    if not facts.data:
        if facts.code:
            raise InvalidInputError("the code that measured needs its data named too", hint="--measured-on PATH")
        return None
    data = _content_oid(writer, files, facts.data)
    code = _content_oid(writer, files, facts.code) if facts.code else None
    return Evaluation(data, facts.data, code, facts.code)


def _content_oid(writer: ObjectWriter, files: Files, path: str) -> str:
    """The id of a file of the version, or of a folder's tree."""
    if path in files:
        return files[path].oid
    below = {name.removeprefix(path + "/"): entry for name, entry in files.items() if name.startswith(path + "/")}
    if not below:
        raise PathNotFound(f"'{path}' is not in the version", hint="name a file or folder that is committed with it")
    return write_tree(writer, below)


def check_facts(message: str, facts: CommitFacts) -> None:
    """Raise InvalidInputError for an empty message and for facts that cannot be recorded."""
    if not message.strip():
        raise InvalidInputError("the message is empty", hint="say what changed: mh commit -m 'longer training'")
    for spec in facts.derive:
        if spec.relation not in RELATIONS:
            raise InvalidInputError(f"'{spec.relation}' is no relation", hint="one of: " + ", ".join(RELATIONS))
    for name in (*facts.params, *facts.metrics):
        if not name or name != name.strip():
            raise InvalidInputError(f"'{name}' cannot be the name of a param or metric")
    for name, value in facts.params.items():
        if not _is_recordable(value):
            raise InvalidInputError(
                f"the param '{name}' is {str(value)[:40]}, which cannot be recorded as a number",
                hint="give it as text",
            )
    for text in (
        message,
        *facts.params,
        *facts.metrics,
        *(item for item in facts.params.values() if isinstance(item, str)),
    ):
        _check_text(text)


def _is_recordable(value: ParamValue) -> bool:
    """Numbers must be finite and fit into 64 bits, as in JSON and SQL."""
    if isinstance(value, int):
        return abs(value) < 1 << 63
    return not isinstance(value, float) or math.isfinite(value)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(f"{text[:40]!r} is not valid Unicode text", hint="write it anew in UTF-8") from None
