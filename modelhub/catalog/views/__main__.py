"""Print the reference page of the views: `python -m modelhub.catalog.views > docs/reference/sql-views.md`."""

from __future__ import annotations

import sys

from modelhub.catalog.views.reference import reference_page

if __name__ == "__main__":
    sys.stdout.write(reference_page())
