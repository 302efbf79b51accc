from __future__ import annotations

import json

import numpy as np
from contracts.project import Project, safetensors, weights

from modelhub.repository.lint import Finding


def lint(project: Project, files: dict[str, bytes | str]) -> dict[str, Finding]:
    for path, content in files.items():
        project.write(path, content)
    return {finding.code: finding for finding in project.commit().findings}


def test_sound_weights_have_no_findings(project: Project) -> None:
    assert lint(project, {"m.safetensors": safetensors({"w": weights(1, 30, 30), "b": weights(2, 30)})}) == {}


def test_nan_and_infinity_name_the_tensor(project: Project) -> None:
    bad = weights(1, 30, 30)
    bad[3, 3] = np.nan
    huge = weights(2, 30)
    huge[0] = np.inf
    found = lint(project, {"m.safetensors": safetensors({"w": bad, "h": huge})})
    assert (found["nan"].path, found["nan"].tensor) == ("m.safetensors", "w")
    assert found["inf"].tensor == "h"


def test_a_dtype_that_drifted_from_the_parent_is_told(project: Project) -> None:
    lint(project, {"m.safetensors": safetensors({"w": weights(1, 30, 30)})})
    found = lint(project, {"m.safetensors": safetensors({"w": weights(1, 30, 30, dtype="float16")})})
    assert any("float16" in finding.message for finding in found.values())


def test_only_files_that_changed_are_looked_at(project: Project) -> None:
    assert lint(project, {"m.safetensors": safetensors({"w": np.zeros((30, 30), "float32")})})
    assert lint(project, {"other": "1"}) == {}


def test_shards_that_lack_what_their_index_promises_are_told(project: Project) -> None:
    index = json.dumps({"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}})
    whole = {
        "m-1.safetensors": safetensors({"a": weights(1, 30)}),
        "m-2.safetensors": safetensors({"b": weights(2, 30)}),
    }
    shards = {f"big/{name}": content for name, content in whole.items()}
    assert lint(project, {"big/model.safetensors.index.json": index} | shards) == {}
    found = lint(project, {"big/m-2.safetensors": safetensors({"c": weights(2, 30)})})
    assert found["missing-tensor"].tensor == "b"
    project.remove("big/m-1.safetensors")
    assert "m-1" in lint(project, {})["missing-shard"].message
    cut = shards["big/m-2.safetensors"][:-7]
    assert lint(project, {"big/m-2.safetensors": cut}).keys() >= {"unreadable"}


def test_an_index_that_is_no_index_is_no_reason_to_stop(project: Project) -> None:
    found = lint(project, {"model.safetensors.index.json": "[1, 2"})
    assert found.keys() <= {"unreadable"}
    assert lint(project, {"big.index.json": json.dumps({"weight_map": {"a": "../../etc/passwd"}})}).keys() <= {
        "unreadable", "missing-shard"
    }  # fmt: skip
