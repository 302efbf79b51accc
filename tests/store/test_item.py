"""Items say how wide a number is and how a tensor is cut."""

from __future__ import annotations

import pytest

from modelhub.errors import InvalidInputError
from modelhub.store.item import ITEM_KINDS, Item, item_nbytes


def test_every_kind_has_blocks_of_whole_items() -> None:
    for item in [*map(Item.of, ITEM_KINDS), Item("bytes", 34), Item("bytes", 1 << 16)]:
        assert item.block_nbytes % item.nbytes == 0
        assert 0 < item.block_nbytes <= 1 << 23


@pytest.mark.parametrize(("kind", "nbytes"), [("float32", 2), ("bytes", 0), ("bytes", 1 << 17), ("quaternion", 16)])
def test_an_impossible_item_is_refused(kind: str, nbytes: int) -> None:
    with pytest.raises(InvalidInputError):
        Item(kind, nbytes)


def test_the_width_of_a_kind_is_known() -> None:
    assert (item_nbytes("bytes"), item_nbytes("bfloat16"), item_nbytes("float64")) == (1, 2, 8)
