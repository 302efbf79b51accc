"""In which order a plan is carried out, so that no mixture of old and new copies comes back to itself.

Tensors are numbered so that an old copy builds on smaller numbers alone. A new one may also build on a larger number:
then what it builds on, with all below, has to be final before, that is the only copy of its object. A tensor belongs to
the first phase after those of all larger numbers that it builds on, and to none before those of the smaller ones.

While a phase is under way, a final object builds on final ones, which no longer change. All others, in whichever
copy, build on final ones or on smaller numbers. So there is no circle in any choice of copies: a repack may be killed
anywhere, and whoever reads or clears up need not know which copy belongs to what.
"""

from __future__ import annotations

from collections.abc import Sequence


def phases(bases: Sequence[Sequence[int]]) -> list[int]:
    """Return the phase of each tensor, by number, from 0; `bases` are what each builds on in the plan, without circles.

    Cost: linear.
    """
    found: list[int | None] = [None] * len(bases)
    for first in range(len(bases)):
        waiting = [first]
        while waiting:
            number = waiting[-1]
            below = [base for base in bases[number] if found[base] is None]
            if below and found[number] is None:
                waiting += below
                continue
            waiting.pop()
            found[number] = max(((found[base] or 0) + (base > number) for base in bases[number]), default=0)
    return [phase or 0 for phase in found]
