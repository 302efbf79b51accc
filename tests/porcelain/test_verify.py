"""Parents are checked against the weights: true ones confirmed, false ones contradicted, nearer ones named."""

import json

import numpy as np
import pytest
from contracts.project import safetensors, weights
from contracts.trained import arrays, trained, tuned

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.porcelain.verify import verify

BASE = arrays(trained(0))
TUNED = arrays(tuned(0))
STRANGER = arrays(trained(1))


def save(project, files, source="", relation="fine-tune"):
    for name, tensors in files.items():
        project.write(f"{name}.safetensors", safetensors(tensors))
    derive = (DeriveSpec(source, relation),) if source else ()
    return project.commit("model", derive=derive).commit


def only_parent(project, place):
    (file,) = verify(project.repo, place=place).files
    (parent,) = file.parents
    return file, parent


def test_a_fine_tune_is_confirmed(project):
    save(project, {"base": BASE})
    save(project, {"tuned": TUNED}, "HEAD:base.safetensors")
    file, parent = only_parent(project, "HEAD:tuned.safetensors")
    assert (parent.verdict, parent.evidence, parent.path) == ("confirmed", "declared", "base.safetensors")
    assert {item.name: item.standing for item in parent.tensors}["3.weight"] == "near"
    assert sum(total.tensors for total in parent.totals) == len(BASE)
    assert 0 < parent.distance < 0.5
    assert file.warnings == ()


def test_a_stranger_is_contradicted_and_the_nearer_model_named(project):
    first = save(project, {"base": BASE, "stranger": STRANGER})
    save(project, {"tuned": TUNED}, "HEAD:stranger.safetensors")
    result = verify(project.repo, place="HEAD:tuned.safetensors")
    (file,) = result.files
    assert file.parents[0].verdict == "contradicted"
    assert file.parents[0].distance > 1.2
    assert result.contradicted
    assert (file.nearest.commit, file.nearest.path) == (first, "base.safetensors")
    (warning,) = file.warnings
    assert "'base.safetensors'" in warning
    assert first[:10] in warning


def test_a_declared_grandparent_is_confirmed_with_a_warning(project):
    save(project, {"base": BASE})
    save(project, {"step": TUNED})
    last = {name: value + (value - BASE[name]) * 0.2 for name, value in TUNED.items()}
    save(project, {"last": last}, "HEAD:base.safetensors")
    file, parent = only_parent(project, "HEAD:last.safetensors")
    assert parent.verdict == "confirmed"
    assert "'step.safetensors'" in file.warnings[0]


def test_every_standing_is_told(project):
    noise = np.random.default_rng(0).normal(size=(48, 48)).astype("float32")
    base = {
        "same": BASE["0.weight"],
        "near": BASE["3.weight"],
        "far": noise,
        "new": noise[::-1].copy(),
        "shape": noise,
        "gone": noise[:9],
    }
    other = np.random.default_rng(1).normal(size=(48, 48)).astype("float32")
    child = {
        "same": BASE["0.weight"], "near": TUNED["3.weight"], "far": noise * 0.5 + other * 0.8, "new": other,
        "shape": noise[:12], "more": other[:12],
    }  # fmt: skip
    save(project, {"base": base})
    save(project, {"child": child}, "HEAD:base.safetensors")
    _, parent = only_parent(project, "HEAD:child.safetensors")
    assert {item.name or item.other: item.standing for item in parent.tensors} == {
        "same": "identical", "near": "near", "far": "far", "new": "unrelated", "shape": "reshaped", "more": "added",
        "gone": "missing",
    }  # fmt: skip
    assert sum(total.nbytes for total in parent.totals if total.standing != "missing") == sum(
        item.nbytes for item in child.values()
    )


def test_tensors_too_small_to_tell_are_not_called_unrelated(project):
    bias = np.random.default_rng(3).normal(size=32).astype("float32")
    save(project, {"model": BASE | {"grown": bias, "other": bias, "one": bias[:1]}})
    child = {"grown": bias * 2 + 0.05 * bias[::-1], "other": bias[::-1] * 3, "one": bias[:1] * 9}
    save(project, {"model": TUNED | child})
    _, parent = only_parent(project, "HEAD:model.safetensors")
    standings = {item.name: item.standing for item in parent.tensors if item.name in child}
    assert standings == {"grown": "near", "other": "unclear", "one": "unclear"}
    assert parent.verdict == "confirmed"
    assert not [total for total in parent.totals if total.standing == "unrelated"]


def test_a_parent_that_lies_unchanged_beside_the_new_file_is_that_files_parent(project):
    save(project, {"base": BASE, "stranger": STRANGER})
    project.write("shift.py", "a script that changed as well")
    save(project, {"tuned": TUNED}, "HEAD:stranger.safetensors")
    assert only_parent(project, "HEAD:tuned.safetensors")[1].path == "stranger.safetensors"


def test_the_version_before_is_checked(project):
    save(project, {"model": BASE})
    save(project, {"model": TUNED})
    _, parent = only_parent(project, "HEAD:model.safetensors")
    assert (parent.relation, parent.evidence, parent.verdict) == ("history", "history", "confirmed")


def test_training_anew_is_no_contradiction(project):
    save(project, {"model": BASE})
    save(project, {"model": STRANGER})
    _, parent = only_parent(project, "HEAD:model.safetensors")
    assert parent.verdict == "doubtful"
    assert "anew" in parent.reason
    assert not verify(project.repo).contradicted


def test_a_file_is_checked_where_it_was_recorded(project):
    save(project, {"base": BASE})
    made = save(project, {"tuned": TUNED})
    project.save("notes.txt", "later")
    file, parent = only_parent(project, "HEAD:tuned.safetensors")
    assert file.commit == made
    assert (parent.evidence, parent.verdict) == ("weights", "confirmed")


def test_a_model_outside_cannot_be_checked(project):
    project.write("model.safetensors", safetensors(BASE, {"base_model": "org/base"}))
    project.commit("first")
    _, parent = only_parent(project, "HEAD:model.safetensors")
    assert (parent.verdict, parent.name, parent.evidence) == ("unchecked", "org/base", "metadata")
    assert parent.distance is None


def test_a_cast_is_confirmed_as_a_conversion(project):
    save(project, {"base": BASE})
    save(project, {"half": {name: value.astype("float16") for name, value in BASE.items()}})
    _, parent = only_parent(project, "HEAD:half.safetensors")
    assert (parent.relation, parent.verdict) == ("convert", "confirmed")


def test_a_wrapper_around_the_names_is_seen_through(project):
    save(project, {"base": BASE})
    save(project, {"wrapped": {f"module.{name}": value for name, value in TUNED.items()}})
    _, parent = only_parent(project, "HEAD:wrapped.safetensors")
    assert parent.verdict == "confirmed"
    assert {item.standing for item in parent.tensors if item.is_telling} == {"near"}
    assert {item.other for item in parent.tensors} == set(BASE)


def test_shards_are_one_model(project):
    halves = [dict(list(BASE.items())[:4]), dict(list(BASE.items())[4:])]
    for number, part in enumerate(halves, 1):
        project.write(f"base-0000{number}-of-00002.safetensors", safetensors(part))
    project.commit("base")
    others = [dict(list(TUNED.items())[:2]), dict(list(TUNED.items())[2:])]
    for number, part in enumerate(others, 1):
        project.write(f"tuned-0000{number}-of-00002.safetensors", safetensors(part))
    project.commit("tuned", derive=(DeriveSpec("HEAD:base-00001-of-00002.safetensors"),))
    for path in ("tuned-00002-of-00002.safetensors", "tuned.safetensors.index.json", "tuned-*-of-00002.safetensors"):
        (file,) = verify(project.repo, place=f"HEAD:{path}").files
        assert file.path == "tuned-*-of-00002.safetensors"
        assert file.tensors == len(TUNED)
        assert file.parents[0].verdict == "confirmed"
        assert "missing" not in {total.standing for total in file.parents[0].totals}
    assert len(verify(project.repo).files) == 2


def adapter(rank, inner, outer):
    name = "base_model.model.3"
    return {f"{name}.lora_A.weight": weights(1, rank, inner), f"{name}.lora_B.weight": weights(2, outer, rank)}


@pytest.mark.parametrize(
    ("factors", "verdict", "word"),
    [
        (adapter(4, 48, 48), "unchecked", "fit"),
        (adapter(4, 64, 48), "contradicted", "other shapes"),
        (
            {"x.lora_A.weight": weights(1, 4, 48), "x.lora_B.weight": weights(2, 48, 4)},
            "unchecked",
            "cannot be checked",
        ),
    ],
)
def test_of_an_adapter_the_shapes_are_checked(project, factors, verdict, word):
    save(project, {"base": BASE})
    save(project, {"adapter": factors}, "HEAD:base.safetensors", "adapter")
    _, parent = only_parent(project, "HEAD:adapter.safetensors")
    assert parent.verdict == verdict
    assert word in parent.reason


def test_what_leaves_no_trace_in_the_weights_is_not_judged(project):
    save(project, {"teacher": BASE})
    save(project, {"student": STRANGER}, "HEAD:teacher.safetensors", "distill")
    _, parent = only_parent(project, "HEAD:student.safetensors")
    assert parent.verdict == "unchecked"


def test_a_warm_start_of_a_part_is_confirmed(project):
    save(project, {"base": BASE})
    child = STRANGER | {"0.weight": TUNED["0.weight"]}
    save(project, {"child": child}, "HEAD:base.safetensors", "warm-start")
    _, parent = only_parent(project, "HEAD:child.safetensors")
    assert parent.verdict == "confirmed"


def test_a_file_without_tensors_and_one_that_is_not_there(project):
    project.save("notes.txt", "text")
    with pytest.raises(InvalidInputError):
        verify(project.repo, place="HEAD:notes.txt")
    with pytest.raises(PathNotFound):
        verify(project.repo, place="HEAD:nope.safetensors")
    assert verify(project.repo).files == ()


def test_the_result_can_be_written_as_json(project):
    from modelhub.cli.output.as_json import envelope

    save(project, {"model": BASE})
    save(project, {"model": TUNED})
    found = json.loads(envelope("verify", verify(project.repo)))["mh.verify/1"]
    assert found["files"][0]["parents"][0]["totals"]
