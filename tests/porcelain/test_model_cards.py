"""Parents are read from metadata and cards as people write them, and nothing else is made of odd ones."""

import json

import pytest

from modelhub.porcelain.model_cards import (
    NamedParent,
    StatedSource,
    is_public_name,
    last_part,
    named_beside,
    named_in_card,
    named_in_metadata,
    read_front_matter,
    stated_source,
)


def card(text):
    return [(item.name, item.relation) for item in named_in_card("README.md", text.encode())]


def test_a_model_card_names_its_base():
    assert card("---\nlicense: mit\nbase_model: org/base\n---\n# Title") == [("org/base", "fine-tune")]


def test_the_relation_of_a_card_is_taken_over():
    for said, relation in [
        ("finetune", "fine-tune"),
        ("adapter", "adapter"),
        ("quantized", "quantize"),
        ("merge", "merge"),
    ]:
        assert card(f"---\nbase_model: a/b\nbase_model_relation: {said}\n---\n") == [("a/b", relation)]


@pytest.mark.parametrize(
    "written",
    ["base_model:\n- a/one\n- a/two", 'base_model:\n  - a/one # first\n  - "a/two"', "base_model: ['a/one', a/two]"],
)
def test_several_bases_are_a_merge(written):
    assert card(f"---\n{written}\ntags: [x]\n---\n") == [("a/one", "merge"), ("a/two", "merge")]


@pytest.mark.parametrize(
    "text",
    ["base_model: a/b", "---\nbase_model: a/b\n", "---\nbase_model:\n---\n", "---\nbase_model: {a: b}\n---\n",
     "---\nbase_model: a/b c\n---\n", "---\nbase_model: ../..\\x\n---\n", "", "\ufeff",
     "---\nother: a/b\n---\nbase_model: c"],
)  # fmt: skip
def test_what_is_no_header_or_no_name_gives_nothing(text):
    assert card(text) == []


def test_front_matter_reads_scalars_and_lists_only():
    text = "---\r\na: 1\nb:\n  - x\n  - y: z\nc: |\n  text\nd: 'it''s'\n---\n"
    fields = read_front_matter(text)
    assert fields["a"] == ["1"]
    assert fields["b"][0] == "x"


def test_configs_name_their_base():
    data = json.dumps({"_name_or_path": "org/base"}).encode()
    assert list(named_in_card("config.json", data)) == [NamedParent("org/base", "fine-tune")]
    data = json.dumps({"base_model_name_or_path": "org/base"}).encode()
    assert list(named_in_card("adapter_config.json", data)) == [NamedParent("org/base", "adapter")]


@pytest.mark.parametrize(
    "data", [b"\xff", b"[1]", b"{", b'{"_name_or_path": 3}', b'{"_name_or_path": ""}', b"[" * 100_000]
)
def test_odd_configs_give_nothing(data):
    assert list(named_in_card("config.json", data)) == []


def test_metadata_of_the_file_names_parents():
    assert list(named_in_metadata({"base_model": "a/b"})) == [NamedParent("a/b", "fine-tune")]
    assert list(named_in_metadata({"base_model": '["a/b", "c/d"]', "base_model_relation": "merge"})) == [
        NamedParent("a/b", "merge"),
        NamedParent("c/d", "merge"),
    ]
    assert list(named_in_metadata({"general.base_model.0.repo_url": "https://huggingface.co/a/b"})) == [
        NamedParent("a/b", "quantize")
    ]
    assert list(named_in_metadata({"format": "pt"})) == []


def test_the_file_itself_wins_over_the_cards_beside_it():
    cards = {
        "m/adapter_config.json": b'{"base_model_name_or_path": "a/b"}',
        "m/config.json": b'{"_name_or_path": "a/b"}',
    }
    found = named_beside("m/model.safetensors", {"base_model": "x/y"}, cards.get)
    assert found == {"x/y": NamedParent("x/y", "fine-tune"), "a/b": NamedParent("a/b", "adapter")}


def test_names_of_hubs_are_told_from_places_on_a_disk():
    assert is_public_name("org/base")
    assert not any(map(is_public_name, ("./out", "/home/x/out", "~/x", "a/b/c", "C:x")))
    assert last_part("org/base") == "base"
    assert last_part("base") == "base"


def test_a_copy_states_its_source_by_the_whole_id():
    place = f"{'ab' * 32}:folder/model: v1.pt"
    said = {"modelhub.from": place, "modelhub.relation": "quantize"}
    assert stated_source(said) == StatedSource("ab" * 32, "folder/model: v1.pt", "quantize")
    for wrong in (
        {},
        {"modelhub.from": place[1:]},
        {"modelhub.relation": "merge"},
        {"modelhub.from": f"{'AB' * 32}:x"},
    ):
        assert stated_source(said | wrong if wrong else {}) is None
