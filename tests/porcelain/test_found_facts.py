from __future__ import annotations

import pytest
from contracts.project import Project, safetensors, weights

from modelhub.repository.objects import Commit


def recorded(project: Project, commit: str) -> Commit:
    return project.repo.get(commit, Commit)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("params.json", '{"lr": 0.1, "optimizer": {"name": "adam", "betas": [0.9, 0.99]}, "amp": true, "seed": null}'),
        ("params.yaml", "lr: 0.1\noptimizer:\n  name: adam\n  betas: [0.9, 0.99]\namp: true\nseed:\n"),
    ],
)
def test_params_in_a_file_are_recorded_with_the_version(project: Project, name: str, text: str) -> None:
    project.write(name, text)
    found = recorded(project, project.commit().commit).params
    expected = {"lr": 0.1, "optimizer.name": "adam", "optimizer.betas": "[0.9,0.99]", "amp": True, "seed": None}
    assert found == expected


def test_params_may_be_toml(project: Project) -> None:
    project.write("params.toml", "lr = 0.1\nday = 2026-01-02\n[model]\nlayers = 12\n")
    assert recorded(project, project.commit().commit).params == {"lr": 0.1, "day": "2026-01-02", "model.layers": 12}


def test_metrics_in_a_file_are_numbers_only(project: Project) -> None:
    project.write("metrics.json", '{"acc": 0.5, "epochs": 3, "note": "good", "ok": true, "loss": NaN}')
    assert recorded(project, project.commit().commit).metrics == {"acc": 0.5, "epochs": 3.0, "loss": "nan"}


def test_what_is_said_with_the_commit_wins_over_the_files(project: Project) -> None:
    project.write("params.json", '{"lr": 0.1, "seed": 1}')
    project.write("metrics.json", '{"acc": 0.5}')
    commit = project.commit(params={"lr": 0.2}, metrics={"acc": 0.6}).commit
    assert recorded(project, commit).params == {"lr": 0.2, "seed": 1}
    assert recorded(project, commit).metrics == {"acc": 0.6}


def test_old_metrics_are_not_claimed_for_a_new_model(project: Project) -> None:
    project.write("metrics.json", '{"acc": 0.5}')
    project.write("m.safetensors", safetensors({"w": weights(1, 30, 30)}))
    project.commit()
    project.write("m.safetensors", safetensors({"w": weights(2, 30, 30)}))
    result = project.commit()
    assert recorded(project, result.commit).metrics == {}
    assert any("metrics.json" in warning for warning in result.warnings)


def test_metrics_are_recorded_again_where_only_code_changed(project: Project) -> None:
    project.write("metrics.json", '{"acc": 0.5}')
    project.write("m.safetensors", safetensors({"w": weights(1, 30, 30)}))
    project.commit()
    project.write("train.py", "1")
    assert recorded(project, project.commit().commit).metrics == {"acc": 0.5}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("params.json", "{"),
        ("params.json", "[1, 2]"),
        ("params.json", "[" * 100_000),
        ("params.yaml", "a: [b"),
        ("params.yaml", "a: !!python/object/apply:os.system ['true']"),
        ("params.yaml", "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))),
        ("params.toml", "a ="),
        ("params.json", "\udcff"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_a_warning_and_is_versioned(project: Project, name: str, text: str) -> None:
    (project.root / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    result = project.commit()
    assert recorded(project, result.commit).params == {}
    assert any(name in warning for warning in result.warnings)


def test_facts_in_files_alone_make_no_new_version(project: Project) -> None:
    project.write("params.json", '{"lr": 0.1}')
    project.commit()
    with pytest.raises(Exception, match="nothing to commit"):
        project.commit()
