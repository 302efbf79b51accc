"""`mh lineage` draws where models came from, for people and for programs."""

import csv

import pytest
from contracts.trained import arrays, trained, tuned
from safetensors.numpy import save_file


@pytest.fixture
def models(mh, folder):
    mh("init")
    save_file(arrays(trained(0)), folder / "base.safetensors", metadata={"base_model": "org/first"})
    mh("commit", "-m", "base")
    mh("tag", "v1")
    save_file(arrays(tuned(0)), folder / "tuned.safetensors")
    mh("commit", "-m", "tuned")
    save_file(arrays(tuned(0, 2)), folder / "tuned.safetensors")
    mh("commit", "-m", "again")
    return folder


def test_what_a_model_came_from(mh, models):
    lines = mh("lineage", "HEAD:tuned.safetensors").out.splitlines()
    assert lines[0].startswith("tuned.safetensors  ")
    assert "history  tuned.safetensors" in lines[1]
    assert "fine-tune (weights)  base.safetensors" in lines[2]
    assert lines[3].endswith("fine-tune (metadata)  org/first")


def test_what_came_from_a_model(mh, models):
    lines = mh("lineage", "v1:base.safetensors", "--down").out.splitlines()
    assert len(lines) == 3
    assert "fine-tune (weights)  tuned.safetensors" in lines[1]


def test_depth_ends_the_tree(mh, models):
    assert len(mh("lineage", ":tuned.safetensors", "--depth", "1").out.splitlines()) == 2
    mh("lineage", "--depth", "0", code=2)


def test_ascii_letters(mh, models):
    assert mh("lineage", "--ascii").out.isascii()
    assert "└─" in mh("lineage").out


def test_programs_get_it_in_every_format(mh, models):
    found = mh("lineage", ":tuned.safetensors", "--json").json()
    assert found["up"] is True
    assert [edge["evidence"] for edge in found["edges"]] == ["history", "weights", "metadata"]
    assert found["nodes"][0]["path"] == "tuned.safetensors"
    rows = list(csv.DictReader(mh("lineage", ":tuned.safetensors", "--format", "csv").out.splitlines()))
    assert rows[-1]["parent_name"] == "org/first"
    assert mh("lineage", "--dot").out.startswith("digraph lineage {")
    assert mh("lineage", "--mermaid").out.startswith("flowchart BT")
    assert "choose one" in mh("lineage", "--dot", "--mermaid", code=2).err
    assert "choose one" in mh("lineage", "--dot", "--json", code=2).err


def test_a_model_of_which_nothing_is_known(mh, models):
    save_file(arrays(trained(3)), models / "new.safetensors")
    mh("commit", "-m", "new")
    done = mh("lineage", ":new.safetensors")
    assert done.out.startswith("new.safetensors")
    assert "nothing is known of what it came from" in done.err
    assert "nothing came from it" in mh("lineage", ":new.safetensors", "--down").err


def test_what_is_not_there(mh, models):
    mh("lineage", "HEAD:nope.pt", code=4)
    mh("lineage", "nope", code=4)
