"""All public views, in the order in which the reference explains them."""

from __future__ import annotations

from modelhub.catalog.views.ancestry import ANCESTRY
from modelhub.catalog.views.commit_runs import COMMIT_RUNS
from modelhub.catalog.views.commits import COMMITS
from modelhub.catalog.views.derivations import DERIVATIONS
from modelhub.catalog.views.descendants import DESCENDANTS
from modelhub.catalog.views.environments import ENVIRONMENTS
from modelhub.catalog.views.files import FILES
from modelhub.catalog.views.layers import LAYERS
from modelhub.catalog.views.lineage import LINEAGE
from modelhub.catalog.views.lineage_paths import LINEAGE_PATHS
from modelhub.catalog.views.lint import LINT
from modelhub.catalog.views.metric_history import METRIC_HISTORY
from modelhub.catalog.views.metrics import METRICS
from modelhub.catalog.views.models import MODELS
from modelhub.catalog.views.operations import OPERATIONS
from modelhub.catalog.views.packages import PACKAGES
from modelhub.catalog.views.params import PARAMS
from modelhub.catalog.views.parents import PARENTS
from modelhub.catalog.views.ref_history import REF_HISTORY
from modelhub.catalog.views.refs import REFS
from modelhub.catalog.views.run_metrics import RUN_METRICS
from modelhub.catalog.views.run_params import RUN_PARAMS
from modelhub.catalog.views.run_tags import RUN_TAGS
from modelhub.catalog.views.runs import RUNS
from modelhub.catalog.views.storage import STORAGE
from modelhub.catalog.views.tensor_changes import TENSOR_CHANGES
from modelhub.catalog.views.tensors import TENSORS
from modelhub.catalog.views.usages import INPUTS, OUTPUTS
from modelhub.catalog.views.view import View

VIEWS: tuple[View, ...] = (
    COMMITS,
    REFS,
    PARAMS,
    METRICS,
    FILES,
    MODELS,
    LAYERS,
    TENSORS,
    TENSOR_CHANGES,
    PARENTS,
    ANCESTRY,
    DESCENDANTS,
    RUNS,
    COMMIT_RUNS,
    RUN_PARAMS,
    RUN_METRICS,
    METRIC_HISTORY,
    RUN_TAGS,
    INPUTS,
    OUTPUTS,
    ENVIRONMENTS,
    PACKAGES,
    LINEAGE,
    LINEAGE_PATHS,
    DERIVATIONS,
    LINT,
    STORAGE,
    OPERATIONS,
    REF_HISTORY,
)
BY_NAME: dict[str, View] = {view.name: view for view in VIEWS}
