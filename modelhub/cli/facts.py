"""What `mh commit` is told about a version: `name=value` words and parents, parsed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence

from modelhub.errors import InvalidInputError
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.repository.objects import ParamValue

DEFAULT_RELATION = "fine-tune"


def parse_params(words: Iterable[str], option: str = "--param") -> dict[str, ParamValue]:
    """Return params by name. Numbers, true, false and null are taken as such, anything else as text."""
    return {name: _value(text) for name, text in _pairs(words, option)}


def parse_metrics(words: Iterable[str]) -> dict[str, float]:
    """Return metrics by name. Raises InvalidInputError for what is not a number (nan and inf are)."""
    metrics = {}
    for name, text in _pairs(words, "--metric"):
        try:
            metrics[name] = float(text)
        except ValueError:
            raise InvalidInputError(
                f"the metric '{name}' is '{text}', not a number", hint="--param takes text"
            ) from None
    return metrics


def parse_sources(sources: Sequence[str], relations: Sequence[str]) -> tuple[DeriveSpec, ...]:
    """Pair each source with its relation: one relation serves all, several go in order."""
    if relations and not sources:
        raise InvalidInputError(
            "--relation says how this was made from something", hint="name that with --from REV[:PATH]"
        )
    if len(relations) > 1 and len(relations) != len(sources):
        raise InvalidInputError(
            f"there are {len(sources)} --from and {len(relations)} --relation", hint="give one for each"
        )
    kinds = (
        list(relations) * len(sources) if len(relations) == 1 else list(relations) or [DEFAULT_RELATION] * len(sources)
    )
    return tuple(DeriveSpec(source, kind) for source, kind in zip(sources, kinds, strict=True))


def _pairs(words: Iterable[str], option: str) -> Iterable[tuple[str, str]]:
    seen = set()
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.strip():
            raise InvalidInputError(f"{option} takes NAME=VALUE, not '{word}'", hint=f"for example {option} lr=0.001")
        if name in seen:
            raise InvalidInputError(f"'{name}' is given twice with {option}")
        seen.add(name)
        yield name.strip(), text.strip()


def _value(text: str) -> ParamValue:
    try:
        value = json.loads(text, parse_constant=lambda word: word)
    except ValueError:
        value = _number(text)
    fits = value is None or isinstance(value, (str, bool)) or _is_recordable_number(value)
    return value if fits else text


def _number(text: str) -> float | str:
    """Numbers that JSON does not know (`.5`, `5.`); other text as it is."""
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text


def _is_recordable_number(value: object) -> bool:
    return (isinstance(value, float) and math.isfinite(value)) or (isinstance(value, int) and abs(value) < 1 << 63)
