"""Read `*.safetensors.index.json`: which shard of a split model holds which tensor."""

from __future__ import annotations

from msgspec import Struct

from modelhub.formats.extent import refusal
from modelhub.formats.safetensors import parse_strict

MAX_NBYTES = 64 << 20


class ShardIndex(Struct, frozen=True):
    """Tensor name -> file name of its shard, as the index states it. Names are data: never opened as paths here."""

    weight_map: dict[str, str]

    @property
    def shards(self) -> tuple[str, ...]:
        """The shard names, each once, sorted."""
        return tuple(sorted(set(self.weight_map.values())))


def read_shard_index(data: bytes) -> ShardIndex:
    """Parse the index; raises UnsupportedModelFile for duplicate keys or anything but a map of names to names."""
    if len(data) > MAX_NBYTES:
        raise refusal(f"shard index: {len(data)} bytes are more than the {MAX_NBYTES} allowed")
    document = parse_strict(data, "shard index")
    weight_map = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(weight_map, dict):
        raise refusal("shard index: there is no 'weight_map'")
    for name, shard in weight_map.items():
        if not isinstance(shard, str):
            raise refusal(f"shard index: the shard of '{name}' is not a file name")
    return ShardIndex(weight_map)
