"""The inner loops over the numbers of a block: compiled where the extension could be built, else numpy's.

Both give the same bytes for every input; what each function does is said in `plain.py`, the signatures are the same.
Measurements: docs/design/013-compiled-loops.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelhub.store.loops import plain as chosen
else:
    try:
        from modelhub.store.loops import _compiled as chosen
    except ImportError:
        from modelhub.store.loops import plain as chosen

COMPILED = chosen.__name__.endswith("._compiled")

bin_steps = chosen.bin_steps
count = chosen.count
expect = chosen.expect
fields = chosen.fields
join = chosen.join
predict = chosen.predict
row_keys = chosen.row_keys
sort_steps = chosen.sort_steps
split = chosen.split
step = chosen.step
walk = chosen.walk
walk_binned = chosen.walk_binned
walk_sorted = chosen.walk_sorted
walk_usual = chosen.walk_usual
