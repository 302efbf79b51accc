"""New model files find their parents, from what they say and from their weights, and never a stranger."""

import json

import numpy as np
import pytest
from contracts.project import safetensors, weights
from contracts.trained import arrays, trained, tuned

from modelhub.porcelain.commit import commit
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.repository.objects import Commit

BASE = arrays(trained(0))
TUNED = arrays(tuned(0))
STRANGER = arrays(trained(1))


def edges(project, version):
    found = project.repo.get(version, Commit).derivations
    assert all(item.source_commit or item.source_name for item in found)
    return [(item.path, item.relation, item.source_path, item.source_name) for item in found if not item.declared]


def save(project, **files):
    """Write model files, named by their stems, and commit."""
    for name, tensors in files.items():
        project.write(f"{name}.safetensors", safetensors(tensors))
    return project.commit("model").commit


def test_a_fine_tune_under_a_new_name_finds_its_base(project):
    first = save(project, base=BASE)
    made = save(project, tuned=TUNED)
    assert edges(project, made) == [("tuned.safetensors", "fine-tune", "base.safetensors", "")]
    assert project.repo.get(made, Commit).derivations[0].source_commit == first


def test_unrelated_networks_of_one_architecture_are_not_linked(project):
    save(project, base=BASE, other=arrays(trained(2)))
    assert edges(project, save(project, stranger=STRANGER)) == []


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_are_not_linked(project, seed):
    shapes = {"a": (256, 64), "b": (64, 64), "norm": (64,)}
    nets = [
        {
            name: weights(100 * seed + 10 * net + place, *shape) + (name == "norm")
            for place, (name, shape) in enumerate(shapes.items())
        }
        for net in range(2)
    ]
    nets = [{name: value.astype("float32") for name, value in net.items()} for net in nets]
    save(project, one=nets[0])
    assert edges(project, save(project, two=nets[1])) == []


def test_masks_and_tables_that_all_models_share_make_no_kin(project):
    shared = {
        "mask": np.tril(np.ones((300, 300), "uint8")),
        "positions": np.arange(20_000),
        "ones": np.ones(9000, "f4"),
    }
    save(project, base=BASE | shared)
    assert edges(project, save(project, stranger=STRANGER | shared)) == []


def test_a_table_of_numbers_that_all_models_share_is_not_most_of_a_model(project):
    table = {"basis": np.sin(np.outer(np.arange(20), np.arange(60)) / 7).astype("float32")}
    save(project, base=BASE | table)
    assert edges(project, save(project, stranger=STRANGER | table)) == []


def test_the_nearest_of_several_is_chosen(project):
    save(project, base=BASE, stranger=STRANGER)
    save(project, step=TUNED)
    further = {name: value + (value - BASE[name]) * 0.1 for name, value in TUNED.items()}
    made = save(project, further=further)
    assert edges(project, made) == [("further.safetensors", "fine-tune", "step.safetensors", "")]


def test_the_next_version_of_a_file_needs_no_edge(project):
    save(project, model=BASE)
    assert edges(project, save(project, model=TUNED)) == []


def test_a_copy_and_a_renamed_file_need_no_edge(project):
    save(project, model=BASE)
    assert edges(project, save(project, copy=BASE)) == []
    project.remove("copy.safetensors")
    assert edges(project, save(project, renamed=BASE)) == []


def test_files_of_one_commit_are_not_each_others_parents(project):
    assert edges(project, save(project, base=BASE, tuned=TUNED)) == []


def test_the_same_weights_in_another_file_are_a_conversion(project):
    save(project, base=BASE)
    renamed = {f"model.{name}": value for name, value in reversed(BASE.items())}
    assert edges(project, save(project, again=renamed)) == [("again.safetensors", "convert", "base.safetensors", "")]


def test_a_cast_is_a_conversion(project):
    save(project, base=BASE)
    half = {name: value.astype("float16") for name, value in BASE.items()}
    assert edges(project, save(project, half=half)) == [("half.safetensors", "convert", "base.safetensors", "")]


def test_a_part_is_a_slice_and_parts_together_a_merge(project):
    names = list(BASE)
    save(project, base=BASE)
    part = {name: BASE[name] for name in names[:4]}
    assert edges(project, save(project, part=part)) == [("part.safetensors", "slice", "base.safetensors", "")]
    other = {f"other.{name}": value for name, value in STRANGER.items()}
    save(project, other=other)
    both = edges(project, save(project, both={**BASE, **other}))
    assert sorted(both) == [
        ("both.safetensors", "merge", "base.safetensors", ""),
        ("both.safetensors", "merge", "other.safetensors", ""),
    ]


def test_a_new_head_on_an_old_body_is_a_fine_tune(project):
    save(project, base=BASE)
    headed = {name: value for name, value in TUNED.items() if not name.startswith("5.")} | {"head": weights(9, 7, 48)}
    assert edges(project, save(project, headed=headed)) == [("headed.safetensors", "fine-tune", "base.safetensors", "")]


def test_what_a_person_declares_is_left_alone(project):
    save(project, base=BASE, other=STRANGER)
    project.write("tuned.safetensors", safetensors(TUNED))
    done = project.commit("tuned", derive=(DeriveSpec("HEAD:other.safetensors"),))
    assert edges(project, done.commit) == []


def test_what_it_was_trained_on_says_nothing_of_where_the_weights_came_from(project):
    project.write("data.csv", "1,2\n")
    save(project, base=BASE)
    project.write("tuned.safetensors", safetensors(TUNED))
    done = project.commit("tuned", derive=(DeriveSpec("HEAD:data.csv", "trained-on"),))
    assert [edge[1] for edge in edges(project, done.commit)] == ["fine-tune"]


def test_staged_files_find_their_parents_too(project):
    save(project, base=BASE)
    project.write("tuned.safetensors", safetensors(TUNED))
    project.add()
    assert [edge[2] for edge in edges(project, project.commit("staged").commit)] == ["base.safetensors"]


def test_it_can_be_switched_off(project):
    save(project, base=BASE)
    project.write("tuned.safetensors", safetensors(TUNED))
    done = commit(project.repo, act=project.act(), message="off", find_parents=False)
    assert edges(project, done.commit) == []


def test_a_base_that_is_named_and_not_here_is_kept_by_name(project):
    project.write("m/model.safetensors", safetensors(BASE, {"base_model": "org/base"}))
    made = project.commit("first").commit
    assert edges(project, made) == [("m/model.safetensors", "fine-tune", "", "org/base")]


def test_a_base_that_is_named_and_here_is_linked(project):
    first = project.save("bases/tiny-net/model.safetensors", safetensors(BASE))
    project.write("tuned/config.json", json.dumps({"_name_or_path": "org/tiny-net"}))
    project.write("tuned/model.safetensors", safetensors(TUNED))
    made = project.commit("tuned").commit
    assert edges(project, made) == [
        ("tuned/model.safetensors", "fine-tune", "bases/tiny-net/model.safetensors", "org/tiny-net")
    ]
    assert project.repo.get(made, Commit).derivations[0].source_commit == first


def test_an_adapter_says_its_base(project):
    project.save("base.safetensors", safetensors(BASE))
    project.write("lora/adapter_config.json", json.dumps({"base_model_name_or_path": "./base"}))
    factors = {
        "base_model.model.0.lora_A.weight": weights(1, 4, 20),
        "base_model.model.0.lora_B.weight": weights(2, 48, 4),
    }
    project.write("lora/adapter_model.safetensors", safetensors(factors))
    made = project.commit("adapter").commit
    assert edges(project, made) == [("lora/adapter_model.safetensors", "adapter", "base.safetensors", "./base")]


def test_a_place_on_somebodys_disk_is_no_name(project):
    project.write("config.json", json.dumps({"_name_or_path": "/home/ada/out/checkpoint-7"}))
    assert edges(project, save(project, model=BASE)) == []


def test_a_model_is_not_its_own_parent(project):
    project.write("tiny/config.json", json.dumps({"_name_or_path": "org/tiny"}))
    project.write("tiny/model.safetensors", safetensors(BASE))
    assert edges(project, project.commit("base").commit) == []


def test_a_name_is_noted_when_it_appears_and_not_again(project):
    project.write("README.md", "---\nbase_model: org/base\n---\n")
    assert len(edges(project, save(project, model=BASE))) == 1
    assert edges(project, save(project, model=TUNED)) == []
    project.write("README.md", "---\nbase_model: [org/base, org/more]\n---\n")
    found = edges(project, project.commit("card").commit)
    assert [(edge[0], edge[3]) for edge in found] == [("model.safetensors", "org/more")]


def test_a_card_that_comes_later_counts(project):
    save(project, model=BASE)
    project.write("README.md", "---\nbase_model: org/base\n---\n")
    assert [edge[3] for edge in edges(project, project.commit("card").commit)] == ["org/base"]
    project.assert_sound()
