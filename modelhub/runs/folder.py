"""The names in a run's folder. Layout: docs/reference/format/run-log.md."""

from __future__ import annotations

import re

LOG = "log"
OBJECT = "object"

_RUN_ID = re.compile(r"[0-9a-f]{16}")
_FURTHER_LOG = re.compile(r"log-[0-9]+-[0-9a-f]{6}")


def is_run_id(text: str) -> bool:
    """Tell whether the text is a full run id."""
    return _RUN_ID.fullmatch(text) is not None


def is_log(name: str) -> bool:
    """Tell whether a file of this name is one of a run's logs."""
    return name == LOG or _FURTHER_LOG.fullmatch(name) is not None
