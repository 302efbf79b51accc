import dataclasses
import math
import random

import pytest

from modelhub.cli.output.diff_view import MOST_ROWS, diff_lines
from modelhub.cli.output.layers import Layer, group_by_layer, layer_of
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import cell_width
from modelhub.porcelain.diff import DiffResult, FileDiff, ValueDiff
from modelhub.porcelain.tensor_diff import TensorDiff

PIPE = Terminal()
EMPTY = DiffResult("v1", "v2", None, None, (), (), (), (), 0, ())


def moved(name, relative, **changes):
    tensor = TensorDiff(
        path="model.safetensors",
        name=name,
        change="changed",
        dtype_before="float32",
        dtype_after="float32",
        shape_before=(8, 8),
        shape_after=(8, 8),
        elements=64,
        relative=relative,
        cosine=0.9999,
        largest=0.01,
        changed=1.0,
        new_nans=0,
        new_infs=0,
    )
    return dataclasses.replace(tensor, **changes)


def shown(result=EMPTY, terminal=PIPE, **changes):
    every_tensor = changes.pop("every_tensor", False)
    return list(diff_lines(dataclasses.replace(result, **changes), terminal, every_tensor=every_tensor))


def bert(layers=12):
    names = [f"encoder.layer.{n}.{part}.weight" for n in range(layers) for part in ("query", "key", "value", "dense")]
    numbers = random.Random(1)
    return tuple(sorted((moved(name, numbers.random() / 100) for name in names), key=lambda tensor: -tensor.relative))


def test_the_layer_is_all_up_to_the_first_number():
    assert layer_of("encoder.layer.3.attention.query.weight") == "encoder.layer.3"
    assert layer_of("embeddings.word.weight") == "embeddings"
    assert layer_of("model.layers.10.mlp.experts.3.w1") == "model.layers.10"
    assert layer_of("weight") == "weight"
    assert layer_of("3") == "3"


def test_a_layer_has_the_numbers_of_its_worst_tensor():
    layer = Layer("a.*", (moved("a.x", 0.1, elements=10, changed=0.5), moved("a.y", 0.3, cosine=0.5, elements=30)))
    assert (layer.relative, layer.cosine, layer.largest) == (0.3, 0.5, 0.01)
    assert layer.changed == (0.5 * 10 + 1.0 * 30) / 40


def test_a_tensor_without_a_finite_change_is_the_worst():
    assert Layer("a", (moved("a.x", math.nan), moved("a.y", 0.3))).relative == math.inf
    assert group_by_layer([moved("a.x", 0.3), moved("b.x", None)])[0].name == "b.x"


def test_a_long_list_is_grouped_by_layer_the_most_moved_first():
    lines = shown(tensors=bert())
    rows = [line for line in lines if "encoder.layer." in line]
    assert len(rows) == 12
    assert all("4 tensors" in row and ".* " in row for row in rows)
    relatives = [float(row.split()[4]) for row in rows]
    assert relatives == sorted(relatives, reverse=True)
    assert "  48 tensors moved; --all lists each" in lines


def test_all_lists_each():
    assert len([line for line in shown(tensors=bert(), every_tensor=True) if "encoder.layer." in line]) == 48


def test_a_short_list_is_not_grouped():
    assert len([line for line in shown(tensors=bert()[:MOST_ROWS]) if "encoder.layer." in line]) == MOST_ROWS


def test_a_list_of_very_many_layers_is_cut_and_says_so():
    tensors = tuple(moved(f"block{n}.weight", 1 / (n + 1)) for n in range(100))
    lines = shown(tensors=tensors)
    assert len([line for line in lines if "block" in line]) == 40
    assert "  60 more; 100 tensors moved; --all lists each" in lines


def test_the_longest_bar_is_the_tensor_that_moved_most():
    lines = shown(tensors=(moved("a.weight", 0.2), moved("b.weight", 0.1), moved("c.weight", 0.0)))
    bars = [line.split()[1] for line in lines if ".weight" in line]
    assert bars == ["▇▇▇▇▇▇▇▇", "▇▇▇▇▁▁▁▁", "▁▁▁▁▁▁▁▁"]


def test_without_unicode_the_bars_are_ascii():
    tensors = (moved("a.weight", 0.2),)
    renamed = FileDiff("renamed", "b.pt", "a.pt", 10, 10)
    assert "".join(shown(tensors=tensors, files=(renamed,), terminal=Terminal(unicode=False))).isascii()


def test_new_nans_stand_out():
    line = next(
        line for line in shown(tensors=(moved("a.weight", math.nan, new_nans=3, new_infs=1),)) if "a.weight" in line
    )
    assert line.endswith("3 new NaNs, 1 new Inf")


def test_tensors_without_a_measure_tell_what_became_of_them():
    tensors = (
        moved("new", None, change="added", dtype_before=None, shape_before=None),
        moved("old", None, change="removed", dtype_after=None, shape_after=None),
        moved("head", None, change="shape", shape_after=(9, 8)),
        moved("half", 0.001, change="dtype", dtype_after="bfloat16"),
    )
    lines = [" ".join(line.split()) for line in shown(tensors=tensors)]
    assert "+ new [8, 8] float32" in lines
    assert "- old [8, 8] float32" in lines
    assert "shape head [8, 8] to [9, 8] float32" in lines
    assert any(line.startswith("half ") and line.endswith("float32 to bfloat16") for line in lines)


def test_a_new_model_of_many_tensors_is_summed_up():
    tensors = tuple(dataclasses.replace(tensor, change="added", relative=None) for tensor in bert())
    lines = shown(tensors=tensors)
    assert len([line for line in lines if "encoder.layer." in line]) == 12
    assert "  48 tensors added; --all lists each" in lines


def test_facts_stand_side_by_side_with_their_change():
    lines = shown(
        params=(ValueDiff("lr", 0.001, 0.0001), ValueDiff("opt", None, "sgd")), metrics=(ValueDiff("acc", 0.91, "nan"),)
    )
    rows = [line.split() for line in lines if line.startswith("  ")]
    assert ["lr", "0.001", "0.0001", "-0.0009", "-90.0", "%"] in rows
    assert ["opt", "-", "sgd"] in rows
    assert ["acc", "0.91", "nan"] in rows


def test_hostile_names_are_shown_safely():
    evil = "\x1b[2J\n"
    result = dataclasses.replace(
        EMPTY,
        files=(FileDiff("renamed", evil, evil + "2", 1, 2),),
        params=(ValueDiff(evil, evil, "x"),),
        tensors=(moved(evil, 0.1, path=evil), moved(evil + "2", None, change="added", path=evil)),
        notes=(evil,),
    )
    assert not any(letter in line for line in shown(result) for letter in "\x1b\n")


@pytest.mark.parametrize("width", [*range(36, 200, 9), 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_every_line_fits_the_terminal(width, unicode):
    result = dataclasses.replace(
        EMPTY,
        files=(
            FileDiff("renamed", "checkpoints/a/very/long/path/model.safetensors", "old/name.safetensors", 10**9, 10**8),
        ),
        params=(ValueDiff("a.rather.long.name.of.a.param", "some long text that goes on and on", 1e-4),),
        metrics=(ValueDiff("validation/accuracy/top5", 0.123456789, 0.2),),
        tensors=(
            *bert(),
            moved("encoder.layer.11.attention.self.query.weight", None, change="shape", shape_after=(10**6, 8)),
        ),
    )
    terminal = Terminal(interactive=True, width=width, unicode=unicode)
    for every_tensor in (True, False):
        lines = shown(result, terminal, every_tensor=every_tensor)
        assert max(map(cell_width, lines)) <= width
        assert any("0.00" in line and "layer.11" in line.replace("l.11", "layer.11") for line in lines)


def test_a_small_change_of_size_is_told_as_such():
    files = (FileDiff("modified", "a.pt", None, 10_279_500, 10_278_698), FileDiff("modified", "b.pt", None, 900, 1400))
    lines = shown(files=files)
    assert lines[-2].split() == ["M", "a.pt", "10.3", "MB", "802", "B", "less"]
    assert lines[-1].split() == ["M", "b.pt", "1.40", "kB", "was", "900", "B"]


def test_unchanged_tensors_of_several_files_are_not_said_of_the_last():
    one, two = moved("a", 0.1), moved("a", 0.1, path="other.safetensors")
    assert shown(tensors=(one,), unchanged_tensors=3)[-1] == "  3 tensors unchanged"
    assert shown(tensors=(one, two), unchanged_tensors=3)[-2:] == ["", "3 tensors unchanged in all of these files"]
