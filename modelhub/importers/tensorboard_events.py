"""Gather what the events of one TensorBoard run say: scalars, hyperparameters, short texts."""

from __future__ import annotations

import math
import struct
from collections import Counter
from dataclasses import dataclass, field

from modelhub.errors import FormatError
from modelhub.importers.gathered_points import LARGEST, GatheredPoints
from modelhub.importers.tensorboard_wire import FIXED32, TensorValue, double, fields, message, signed, text
from modelhub.repository.objects import ParamValue, RunStatus

HPARAMS_START = "_hparams_/session_start_info"
HPARAMS_END = "_hparams_/session_end_info"
MOST_TEXT_LETTERS = 2000
ENDS: dict[int, RunStatus] = {1: "finished", 2: "failed", 3: "running"}
TEXT_ENDING = "/text_summary"
_START = 1
_KINDS = {3: "histogram", 4: "image", 5: "histogram", 6: "audio"}
_float = struct.Struct("<f")


@dataclass(slots=True)
class _Value:
    """One value of a summary: a number, a tensor or what `kind` names; `content` is for the plugin."""

    tag: str = ""
    number: float | None = None
    tensor: bytes | None = None
    kind: str = ""
    plugin: str = ""
    content: bytes = b""


@dataclass(slots=True)
class EventRun:
    """What was gathered. Times are unix seconds; `left_out` counts by kind what is no point, param or short text."""

    points: GatheredPoints = field(default_factory=GatheredPoints)
    params: dict[str, ParamValue] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    status: RunStatus = "finished"
    first_time: float | None = None
    last_time: float | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    plugins: dict[str, str] = field(default_factory=dict)
    text_steps: dict[str, int] = field(default_factory=dict)

    def add(self, event: bytes) -> None:
        """Take in one event. Raises FormatError where it is malformed."""
        wall, step = 0.0, 0
        for number, _, value in fields(event):
            if number == 1:
                wall = double(message(value))
                self._see(wall)
            elif number == 2 and isinstance(value, int):
                step = signed(value)
            elif number == 5:
                self._add_summary(message(value), wall, step)
            elif number == 7:
                self._add_session(message(value), step)
            elif number in (4, 9):
                self.left_out["graph"] += 1

    def _see(self, wall: float) -> None:
        if not math.isfinite(wall):
            raise FormatError("an event has no time")
        self.first_time = wall if self.first_time is None else min(self.first_time, wall)
        self.last_time = wall if self.last_time is None else max(self.last_time, wall)

    def _add_session(self, data: bytes, step: int) -> None:
        """A writer that starts anew at a step takes back what an earlier one wrote from there on."""
        if any(number == 1 and value == _START for number, _, value in fields(data)):
            self.replaced += self.points.drop_from(step)

    def _add_summary(self, data: bytes, wall: float, step: int) -> None:
        for number, _, value in fields(data):
            if number == 1:
                self._add_value(message(value), wall, step)

    def _add_value(self, data: bytes, wall: float, step: int) -> None:
        value = _read_value(data)
        if value.plugin:
            self.plugins.setdefault(value.tag, value.plugin)
        if value.number is not None:
            self._add_point(value.tag, wall, step, value.number)
        elif value.plugin == "hparams":
            self._add_hparams(value.tag, value.content)
        elif value.tensor is not None:
            self._add_tensor(value.tag, wall, step, value.tensor)
        elif value.kind:
            self.left_out[value.kind] += 1

    def _add_point(self, tag: str, wall: float, step: int, value: float) -> None:
        self.points.add(tag, step, round(wall * 1000), value)

    def _add_tensor(self, tag: str, wall: float, step: int, data: bytes) -> None:
        plugin = self.plugins.get(tag, "")
        if plugin == "scalars":
            tensor = TensorValue(data)
            if len(tensor.numbers) == 1:
                self._add_point(tag, wall, step, tensor.numbers[0])
                return
        if plugin == "text" and self._add_text(tag, step, TensorValue(data)):
            return
        self.left_out[{"text": "long text", "": "tensor"}.get(plugin, plugin.removesuffix("s"))] += 1

    def _add_text(self, tag: str, step: int, tensor: TensorValue) -> bool:
        """Keep the last text of a tag as a tag of the run, where it is short."""
        name, content = tag.removesuffix(TEXT_ENDING), "\n".join(tensor.texts)
        if len(content) > MOST_TEXT_LETTERS:
            return False
        if step >= self.text_steps.get(name, -LARGEST):
            self.text_steps[name] = step
            self.tags[name] = content
        return True

    def _add_hparams(self, tag: str, data: bytes) -> None:
        wanted = {HPARAMS_START: 3, HPARAMS_END: 4}.get(tag)
        for number, _, value in fields(data):
            if number == wanted == 3:
                self._add_session_start(message(value))
            elif number == wanted == 4:
                codes = [code for place, _, code in fields(message(value)) if place == 1 and isinstance(code, int)]
                self.status = ENDS.get(codes[-1], self.status) if codes else self.status

    def _add_session_start(self, data: bytes) -> None:
        for number, _, value in fields(data):
            if number == 1:
                parts = {place: message(part) for place, _, part in fields(message(value))}
                self.params[text(parts.get(1, b""))] = _json_value(parts.get(2, b""))
            elif number == 4 and value:
                self.tags["hparams.group"] = text(value)


def _read_value(data: bytes) -> _Value:
    found = _Value()
    for number, wire, value in fields(data):
        if number == 1:
            found.tag = text(value)
        elif number == 2 and wire == FIXED32:
            found.number = _float.unpack(message(value))[0]
        elif number == 8:
            found.tensor = message(value)
        elif number == 9:
            found.plugin, found.content = _plugin(message(value))
        elif number in _KINDS:
            found.kind = _KINDS[number]
    return found


def _plugin(metadata: bytes) -> tuple[str, bytes]:
    """Return the name and the content of the plugin that a value's metadata name."""
    for number, _, value in fields(metadata):
        if number == 1:
            parts = {place: message(part) for place, _, part in fields(message(value))}
            return text(parts.get(1, b"")), parts.get(2, b"")
    return "", b""


def _json_value(data: bytes) -> ParamValue:
    """Return a `google.protobuf.Value`; whole numbers as such, lists and structures as a note that they were there."""
    for number, _, value in fields(data):
        if number == 2:
            found = double(message(value))
            return int(found) if found.is_integer() and abs(found) < 1 << 53 else _finite(found)
        if number == 3:
            return text(value)
        if number == 4:
            return bool(value)
        if number in (5, 6):
            return "(a list)" if number == 6 else "(a structure)"
    return None


def _finite(value: float) -> ParamValue:
    """Params are written as JSON, which has neither NaN nor infinities."""
    return value if math.isfinite(value) else str(value)
