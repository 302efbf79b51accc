"""While a plan is carried out phase by phase, no choice of old and new copies comes back to itself."""

from __future__ import annotations

from graphlib import TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from modelhub.porcelain.repack_phases import phases

Bases = list[tuple[int, ...]]


@st.composite
def old_and_new(draw: st.DrawFn) -> tuple[Bases, Bases]:
    """Draw what each tensor builds on now, smaller numbers alone, and in a plan: anything without circles."""
    count = draw(st.integers(1, 9))
    old = [tuple(draw(st.sets(st.integers(0, number - 1), max_size=2))) if number else () for number in range(count)]
    order = draw(st.permutations(range(count)))
    new: Bases = [()] * count
    for place, number in enumerate(order):
        if place:
            new[number] = tuple(draw(st.sets(st.sampled_from(order[:place]), max_size=2)))
    return old, new


@given(case=old_and_new())
def test_no_mixture_of_copies_has_a_circle_in_any_phase(case: tuple[Bases, Bases]) -> None:
    old, new = case
    found = phases(new)
    for phase in range(max(found) + 1):
        copies = {
            number: {*(new[number] if at <= phase else ()), *(old[number] if at >= phase else ())}
            for number, at in enumerate(found)
        }
        TopologicalSorter(copies).prepare()  # raises CycleError


@given(case=old_and_new())
def test_a_plan_of_older_bases_has_one_phase(case: tuple[Bases, Bases]) -> None:
    assert set(phases(case[0])) == {0}


@given(case=old_and_new())
def test_what_a_tensor_builds_on_is_never_of_a_later_phase(case: tuple[Bases, Bases]) -> None:
    found = phases(case[1])
    for number, bases in enumerate(case[1]):
        for base in bases:
            assert found[base] + (base > number) <= found[number]
