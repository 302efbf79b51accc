"""Tell by one look at a folder whether the runs that no version has taken in are as the catalog knows them."""

from __future__ import annotations

import os

from modelhub.repository.layout import Layout


def pending_signature(layout: Layout) -> str:
    """Return what changes whenever a pending run does; empty where there is none, and then nothing is imported."""
    try:
        with os.scandir(layout.runs) as found:
            if next(found, None) is None:
                return ""
    except OSError:
        return ""
    from modelhub.runs.pending import signature

    return signature(layout)
