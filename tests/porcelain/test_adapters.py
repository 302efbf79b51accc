"""Adapter factors are told by their names and fit by their shapes."""

import pytest

from modelhub.porcelain.adapters import check_adapter, factors, is_adapter
from modelhub.repository.objects import TensorSegment


def of(**shapes):
    return {
        name.replace("__", "."): TensorSegment(0, "0" * 64, name, "float32", tuple(shape))
        for name, shape in shapes.items()
    }


BASE = of(model__layer__weight=(6, 5), model__layer__bias=(6,), conv__weight=(8, 4, 3, 3))


@pytest.mark.parametrize(
    "child",
    [
        of(
            base_model__model__model__layer__lora_A__weight=(2, 5),
            base_model__model__model__layer__lora_B__weight=(6, 2),
        ),
        of(layer__lora_A__default__weight=(2, 5), layer__lora_B__default__weight=(6, 2)),
        of(lora_unet_model_layer__lora_down__weight=(2, 5), lora_unet_model_layer__lora_up__weight=(6, 2)),
        of(layer__lora_A__weight=(2, 6), layer__lora_B__weight=(5, 2)),
        of(conv__lora_A__weight=(2, 4, 3, 3), conv__lora_B__weight=(8, 2, 1, 1)),
        of(layer__lora_A__weight=(2, 5)),
    ],
)
def test_factors_that_fit(child):
    assert is_adapter(child)
    found = check_adapter(child, BASE)
    assert (len(found.fitting), found.misfits, found.unknown) == (1, (), ())


@pytest.mark.parametrize(
    "child",
    [
        of(layer__lora_A__weight=(2, 7), layer__lora_B__weight=(6, 2)),
        of(layer__lora_A__weight=(2, 5), layer__lora_B__weight=(6, 3)),
        of(layer__lora_A__weight=(2, 5), layer__lora_B__weight=(9, 2)),
    ],
)
def test_factors_that_do_not(child):
    assert len(check_adapter(child, BASE).misfits) == 1


def test_layers_the_base_has_not_are_unknown():
    child = of(x__lora_A__weight=(2, 5), x__lora_B__weight=(6, 2))
    assert check_adapter(child, BASE).unknown == ("x",)


def test_a_whole_model_is_no_adapter():
    assert not is_adapter(BASE)
    assert factors(BASE) == {}
    assert not is_adapter({})
