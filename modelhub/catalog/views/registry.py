"""All public views, in the order in which the reference explains them."""

from __future__ import annotations

from modelhub.catalog.views.ancestry import ANCESTRY
from modelhub.catalog.views.changes import CHANGES
from modelhub.catalog.views.commits import COMMITS
from modelhub.catalog.views.derivations import DERIVATIONS
from modelhub.catalog.views.descendants import DESCENDANTS
from modelhub.catalog.views.files import FILES
from modelhub.catalog.views.lint import LINT
from modelhub.catalog.views.metrics import METRICS
from modelhub.catalog.views.operations import OPERATIONS
from modelhub.catalog.views.params import PARAMS
from modelhub.catalog.views.parents import PARENTS
from modelhub.catalog.views.ref_changes import REF_CHANGES
from modelhub.catalog.views.refs import REFS
from modelhub.catalog.views.tensors import TENSORS
from modelhub.catalog.views.view import View

VIEWS: tuple[View, ...] = (
    COMMITS,
    REFS,
    PARAMS,
    METRICS,
    FILES,
    TENSORS,
    CHANGES,
    PARENTS,
    ANCESTRY,
    DESCENDANTS,
    DERIVATIONS,
    LINT,
    OPERATIONS,
    REF_CHANGES,
)
BY_NAME: dict[str, View] = {view.name: view for view in VIEWS}
