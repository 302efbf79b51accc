"""Match the tensors of two models by name, whatever a wrapper put before their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

WRAPPERS = ("module.", "_orig_mod.", "model.", "base_model.", "model_state_dict.", "state_dict.", "_model.")
"""What data parallel training, torch.compile, adapters, trainers and checkpoints put before a tensor's name."""


def plain_name(name: str) -> str:
    """Return a tensor's name without the wrappers before it."""
    while True:
        shorter = next((name.removeprefix(item) for item in WRAPPERS if name.startswith(item)), name)
        if shorter in (name, ""):
            return name
        name = shorter


def match_names(wanted: Iterable[str], available: Iterable[str]) -> dict[str, str]:
    """Return for each wanted name the available one that means the same tensor: the equal one, else the one that is
    equal without wrappers, if just one is."""
    there = dict.fromkeys(available)
    by_plain = _unique(there)
    wanted = list(wanted)
    plain_wanted = _unique(wanted)
    found = {}
    for name in wanted:
        plain = plain_name(name)
        if name in there:
            found[name] = name
        elif plain_wanted.get(plain) == name and by_plain.get(plain) is not None:
            found[name] = by_plain[plain]
    taken: dict[str, int] = {}
    for other in found.values():
        taken[other] = taken.get(other, 0) + 1
    return {name: other for name, other in found.items() if name == other or taken[other] == 1}


def _unique(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    twice = set()
    for name in names:
        plain = plain_name(name)
        if plain in found:
            twice.add(plain)
        found[plain] = name
    return {plain: name for plain, name in found.items() if plain not in twice}


def stripped_prefixes(matched: Mapping[str, str]) -> tuple[str, ...]:
    """Return the prefixes by which the matched names differ, each once."""
    found: dict[str, None] = {}
    for name, other in matched.items():
        for one, two in combinations((name, other), 2):
            longer, shorter = (one, two) if len(one) > len(two) else (two, one)
            if one != two:
                found[longer.removesuffix(shorter) if longer.endswith(shorter) else plain_gap(longer)] = None
    return tuple(found)


def plain_gap(name: str) -> str:
    """Return the wrappers before a name."""
    return name.removesuffix(plain_name(name))
