"""What a run's log says beside points: how it started, what it read and wrote, how it ended.

A note is JSON with its kind in `type`. Specification: docs/reference/format/run-log.md.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from modelhub.repository.objects import CodeState, Derivation, Evaluation, Goal, ParamValue, Person, Usage

EndStatus = Literal["finished", "failed", "interrupted"]


class Owner(msgspec.Struct, frozen=True):
    """The process that a run lives and dies with.

    `started` is its start in clock ticks since the machine's, `machine` names the kernel's boot and the namespace
    that the pid counts in; 0 and "" where the system does not tell.
    """

    pid: int
    host: str
    started: int = 0
    machine: str = ""


class Start(msgspec.Struct, frozen=True, tag="start"):
    """The first note of a run. The fields are those of the run object; `time` is unix milliseconds UTC."""

    id: str
    name: str
    author: Person
    time: int
    offset: int
    owner: Owner
    command: tuple[str, ...] = ()
    params: dict[str, ParamValue] = {}
    tags: dict[str, str] = {}
    goals: dict[str, Goal] = {}
    inputs: tuple[Usage, ...] = ()
    derivations: tuple[Derivation, ...] = ()
    evaluations: dict[str, Evaluation] = {}
    head: str | None = None
    tree: str | None = None
    code: CodeState | None = None
    environment: dict[str, str] = {}
    packages: str | None = None
    replays: str | None = None
    origin: str = ""


class Params(msgspec.Struct, frozen=True, tag="params"):
    """More params; a later value of the same name counts."""

    values: dict[str, ParamValue]


class Tags(msgspec.Struct, frozen=True, tag="tags"):
    """More tags; a later value of the same name counts."""

    values: dict[str, str]


class Goals(msgspec.Struct, frozen=True, tag="goals"):
    """Whether less or more of a metric is better."""

    values: dict[str, Goal]


class Input(msgspec.Struct, frozen=True, tag="input"):
    """Something the run read."""

    usage: Usage


class Output(msgspec.Struct, frozen=True, tag="output"):
    """Something the run wrote."""

    usage: Usage


class Derived(msgspec.Struct, frozen=True, tag="derived"):
    """What an output came from."""

    derivation: Derivation


class Evaluated(msgspec.Struct, frozen=True, tag="evaluated"):
    """What a metric was measured on and by."""

    metric: str
    evaluation: Evaluation


class End(msgspec.Struct, frozen=True, tag="end"):
    """How the run ended; the last one counts, and only in the run's main log. `time` is unix milliseconds UTC."""

    time: int
    status: EndStatus
    exit_code: int | None = None


class Joined(msgspec.Struct, frozen=True, tag="joined"):
    """The first note of each further log: the process that writes it."""

    owner: Owner


Note = Start | Joined | Params | Tags | Goals | Input | Output | Derived | Evaluated | End

_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[Note] = msgspec.json.Decoder(Note)


def encode_note(note: Note) -> bytes:
    """Return the JSON of a note."""
    return _encoder.encode(note)


def decode_note(data: bytes) -> Note | None:
    """Return the note in these bytes; None for one of a kind, or with a content, that this version does not know."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
