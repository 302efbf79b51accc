"""What a run says of one series without its points: first, last, least and greatest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelhub.repository.objects import Series, metric_value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def summarise(
    name: str, columns: tuple[int, int, int], steps: NDArray[np.int64], values: NDArray[np.float64]
) -> Series:
    """Return the summary of a series that has at least one point, in the order the points were logged."""
    import numpy as np

    missing = np.isnan(values)
    nans = int(np.count_nonzero(missing))
    least = greatest = None
    if nans < values.size:
        least = int(np.argmin(np.where(missing, np.inf, values) if nans else values))
        greatest = int(np.argmax(np.where(missing, -np.inf, values) if nans else values))
        if missing[least]:
            least = int(np.argmin(missing))
        if missing[greatest]:
            greatest = int(np.argmin(missing))
    return Series(
        name=name,
        points=int(values.size),
        columns=columns,
        first_step=int(steps[0]),
        last_step=int(steps[-1]),
        last=metric_value(float(values[-1])),
        minimum=None if least is None else metric_value(float(values[least])),
        maximum=None if greatest is None else metric_value(float(values[greatest])),
        minimum_step=None if least is None else int(steps[least]),
        maximum_step=None if greatest is None else int(steps[greatest]),
        nans=nans,
    )
