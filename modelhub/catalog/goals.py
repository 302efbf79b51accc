"""Whether low or high values of a metric are good, guessed from its name where nobody said so."""

from __future__ import annotations

import re

from modelhub.repository.objects import Goal

_LOW_IS_GOOD = frozenset(
    [
        "loss",
        "losses",
        "nll",
        "error",
        "errors",
        "err",
        "errs",
        "mse",
        "rmse",
        "mae",
        "mape",
        "msle",
        "rmsle",
        "perplexity",
        "ppl",
        "bpb",
        "bpc",
        "bpd",
        "wer",
        "cer",
        "ter",
        "fid",
        "kid",
        "lpips",
        "divergence",
        "kl",
        "latency",
        "duration",
        "time",
        "seconds",
        "ms",
        "regret",
        "brier",
        "ece",
        "distance",
        "cost",
        "eer",
    ]
)


def guess_goal(metric: str) -> Goal:
    """Return `min` where a word of the name stands for something to be small (`val_loss`, `eval/WER`), else `max`."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", metric).lower())
    return "min" if _LOW_IS_GOOD.intersection(words) else "max"
