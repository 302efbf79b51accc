"""The inner loops over the numbers of a block: compiled where the extension could be built, else numpy's.

Both give the same bytes for every input; what each function does is said in `plain.py`, the signatures are the same.
Measurements: docs/design/013-compiled-loops.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.store.loops.plain import (
        count,
        fields,
        join,
        predict,
        row_keys,
        sort_steps,
        split,
        step,
        walk,
        walk_sorted,
    )

    COMPILED: bool
else:
    try:
        from modelhub.store.loops._compiled import (
            count,
            fields,
            join,
            predict,
            row_keys,
            sort_steps,
            split,
            step,
            walk,
            walk_sorted,
        )

        COMPILED = True
    except ImportError:
        from modelhub.store.loops.plain import (
            count,
            fields,
            join,
            predict,
            row_keys,
            sort_steps,
            split,
            step,
            walk,
            walk_sorted,
        )

        COMPILED = False

LOOPS = ("count", "fields", "join", "predict", "row_keys", "sort_steps", "split", "step", "walk", "walk_sorted")
"""The functions there are of both kinds."""

__all__ = [
    "COMPILED",
    "LOOPS",
    "count",
    "fields",
    "join",
    "predict",
    "row_keys",
    "sort_steps",
    "split",
    "step",
    "walk",
    "walk_sorted",
]
