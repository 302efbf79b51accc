"""Judge a tensor by its statistics: what somebody who trains would want to hear about before committing it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from modelhub.weights.summary import TensorStatistics, is_floating

Severity = Literal["warning", "note"]

# Fewer equal values say nothing: tiny biases, scales and counters start as zeros or ones.
LEAST_ELEMENTS = 16


class Finding(Struct, frozen=True):
    """Something noticed about one tensor.

    `code` is stable: "nan", "inf", "all-zero", "constant", "dtype-drift". A "warning" is likely a fault; a "note" is
    often meant so (a mask of -inf, a bias still at zero, a norm's weight of ones).
    """

    code: str
    tensor: str
    message: str
    severity: Severity


def findings(
    name: str,
    dtype: str,
    statistics: TensorStatistics,
    before_dtype: str | None = None,
    *,
    shape: tuple[int, ...] | None = None,
) -> list[Finding]:
    """Return what stands out, worst first. `before_dtype`: the same tensor's dtype in the parent, if it was there.

    With `shape`, all zeros in a tensor of one axis (a bias, a running mean) is only a note.
    """
    found = [*_not_finite(name, statistics), *_all_equal(name, dtype, statistics, shape)]
    if before_dtype is not None and before_dtype != dtype:
        found.append(
            Finding("dtype-drift", name, f"'{name}' is {dtype}; in the parent it was {before_dtype}", "warning")
        )
    return sorted(found, key=lambda finding: finding.severity != "warning")


def _not_finite(name: str, statistics: TensorStatistics) -> list[Finding]:
    found = []
    if statistics.nans:
        found.append(
            Finding("nan", name, f"'{name}' has NaN in {_share(statistics.nans, statistics.count)}", "warning")
        )
    if statistics.infs:
        severity: Severity = "note" if _is_mask(statistics) else "warning"
        found.append(Finding("inf", name, f"'{name}' has Inf in {_share(statistics.infs, statistics.count)}", severity))
    return found


def _all_equal(name: str, dtype: str, statistics: TensorStatistics, shape: tuple[int, ...] | None) -> list[Finding]:
    if statistics.count < LEAST_ELEMENTS or statistics.nans or statistics.infs:
        return []
    if statistics.zeros == statistics.count:
        is_weight = is_floating(dtype) and (shape is None or sum(size > 1 for size in shape) > 1)
        message = f"'{name}' is all zero ({statistics.count:,} values)"
        return [Finding("all-zero", name, message, "warning" if is_weight else "note")]
    if statistics.minimum is not None and statistics.minimum == statistics.maximum:
        message = f"'{name}' holds one value only, {statistics.minimum:g} ({statistics.count:,} times)"
        return [Finding("constant", name, message, "note")]
    return []


def _is_mask(statistics: TensorStatistics) -> bool:
    """Zeros and infinities alone: an attention mask, not a broken weight."""
    return not statistics.nans and (statistics.zeros or 0) + (statistics.infs or 0) == statistics.count


def _share(part: int, count: int) -> str:
    return f"{part:,} of {count:,} values"
