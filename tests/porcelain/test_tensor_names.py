"""Tensors are matched by name, whatever a wrapper put before it, and never two with one."""

from modelhub.porcelain.tensor_names import match_names, plain_name, stripped_prefixes


def test_wrappers_are_seen_through():
    assert plain_name("module._orig_mod.model.layer.0.weight") == "layer.0.weight"
    assert plain_name("model.") == "model."


def test_equal_names_come_before_stripped_ones():
    found = match_names(["layer.weight", "model.layer.weight"], ["layer.weight", "model.layer.weight"])
    assert found == {"layer.weight": "layer.weight", "model.layer.weight": "model.layer.weight"}


def test_a_prefix_on_either_side_is_matched_and_reported():
    found = match_names(["module.a", "module.b"], ["a", "b", "c"])
    assert found == {"module.a": "a", "module.b": "b"}
    assert stripped_prefixes(found) == ("module.",)
    assert match_names(["a"], ["_orig_mod.a"]) == {"a": "_orig_mod.a"}


def test_a_name_that_could_mean_two_is_not_matched():
    assert match_names(["a"], ["module.a", "model.a"]) == {}
    assert match_names(["module.a", "model.a"], ["a"]) == {}


def test_one_tensor_is_never_given_to_two():
    assert match_names(["a", "module.a"], ["a"]) == {"a": "a"}


def test_different_wrappers_on_both_sides():
    found = match_names(["module.a"], ["_orig_mod.a"])
    assert found == {"module.a": "_orig_mod.a"}
    assert set(stripped_prefixes(found)) <= {"module.", "_orig_mod."}
