"""Turn what was measured about a model and a parent into a verdict on the relation that was stated."""

from __future__ import annotations

from typing import Literal

from modelhub.porcelain.adapters import AdapterCheck
from modelhub.porcelain.tensor_checks import Shares

Verdict = Literal["confirmed", "doubtful", "contradicted", "unchecked"]

MOST = 0.5
"""A fine-tune has so much of its telling bytes near the parent's, else it is not confirmed."""

ANY = 0.05
"""Less than this of one origin contradicts a fine-tune, and is not even a warm start."""

ALL = 0.999

NOT_OF_WEIGHTS = frozenset({"uses", "trained-on", "distill"})
WHOLE = frozenset({"slice", "convert"})


def judge(relation: str, found: Shares) -> tuple[Verdict, str]:
    """Return the verdict on a relation and the reason, in a few words."""
    if relation in NOT_OF_WEIGHTS:
        return "unchecked", f"'{relation}' leaves no trace in the weights"
    if not found.telling_nbytes:
        return "unchecked", "no tensor tells anything: all are masks, counters, constants or very small"
    if found.compared < ANY:
        return "unchecked", "no tensors of equal names and shapes"
    if relation in WHOLE:
        return _judge_whole(relation, found)
    if relation in ("warm-start", "merge"):
        return _judge_part(found)
    return _judge_tuned(relation, found)


def _judge_whole(relation: str, found: Shares) -> tuple[Verdict, str]:
    share = found.near if relation == "convert" else found.identical
    if share >= ALL:
        return "confirmed", "all of its weights are the parent's"
    if found.related >= MOST:
        return "doubtful", f"{_percent(found.near)} of its weights are near the parent's, not all equal"
    return "contradicted", f"only {_percent(found.related)} of its weights come from there"


def _judge_part(found: Shares) -> tuple[Verdict, str]:
    if found.related >= ANY:
        return "confirmed", f"{_percent(found.related)} of its weights come from there"
    return "contradicted", "its weights have nothing in common with the parent's"


def _judge_tuned(relation: str, found: Shares) -> tuple[Verdict, str]:
    if found.near >= MOST:
        return "confirmed", f"{_percent(found.near)} of its weights are equal or near"
    if relation == "history":
        return "doubtful", f"trained anew: {_percent(found.near)} of its weights are near those of the version before"
    if found.related >= ANY:
        return "doubtful", f"only {_percent(found.near)} of its weights are near, {_percent(found.related)} related"
    return "contradicted", "its weights have nothing in common with the parent's"


def judge_adapter(found: AdapterCheck) -> tuple[Verdict, str]:
    """Return what the shapes of an adapter allow to say: never that the base is the right one, only that it is not."""
    layers = len(found.fitting) + len(found.misfits) + len(found.unknown)
    if found.misfits:
        return "contradicted", f"{len(found.misfits)} of {layers} adapted layers have other shapes in the parent"
    if not found.fitting:
        return "unchecked", "an adapter whose layers have no counterpart in the parent: it cannot be checked"
    rest = f", {len(found.unknown)} cannot be checked" if found.unknown else ""
    return "unchecked", f"the shapes of {len(found.fitting)} of {layers} adapted layers fit{rest}; weights cannot tell"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share in (0.0, 1.0) or 0.01 <= share <= 0.99 else f"{share * 100:.1f} %"
