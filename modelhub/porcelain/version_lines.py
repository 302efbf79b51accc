"""Which versions of a tensor are worth trying as the bases of another: those around it, so that chains stay short.

A version between two others is predicted from both, and those from two further apart, as films are encoded: the middle,
the quarters, the eighths. So a version rests on about as many others as the number of versions has binary digits,
instead of on all before it. Measurements: docs/design/011-fitted-deltas.md.
"""

from __future__ import annotations

STEPS_BACK = (1, 2, 4)
"""Which of the versions before are tried alone."""

MOST_BETWEEN_ANCHORS = 8
"""At least every so many versions one is tried as the base of others that are about as far apart, newer or older."""


def bases_in_line(count: int) -> list[list[tuple[int, ...]]]:
    """Return for each of so many versions in a line the bases to try, one or two, each by its place."""
    return [list(dict.fromkeys(_bases(place, count))) for place in range(count)]


def _bases(place: int, count: int) -> list[tuple[int, ...]]:
    last = count - 1
    found: list[tuple[int, ...]] = [(place - back,) for back in STEPS_BACK if back <= place]
    if place:
        found.append((0,))
    if place > 1:
        found.append((place - 1, place - 2))
    reach = place & -place or count
    if reach <= place < last:
        found.append((place - reach, min(place + reach, last)))
    between = min(MOST_BETWEEN_ANCHORS, 1 << max(count.bit_length() - 2, 0))
    if reach >= between // 2 or place == last:
        anchors = [*range(0, last, between), last]
        before = [anchor for anchor in anchors if anchor < place]
        after = [anchor for anchor in anchors if anchor > place]
        found += [(anchor,) for anchor in (*before[-2:], *after[:2])]
    return found
