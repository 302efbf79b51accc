"""Who does something from within Python, and when."""

from __future__ import annotations

import os
import time
from pathlib import Path

from modelhub.porcelain.identity import identify
from modelhub.repository.repository import Act, Repository


def act_here(repository: Repository | None, command: str) -> Act:
    """Return an act of the person whom the environment and the settings name, now."""
    now = time.time()
    offset = time.localtime(now).tm_gmtoff // 60
    return Act(identify(repository, os.environ, Path.home()), int(now * 1000), offset, command)
