"""What a model file and the files beside it say it was made from: safetensors metadata, configs, model cards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

CARD_FILES = ("config.json", "adapter_config.json", "README.md")
MAX_CARD_NBYTES = 4 << 20

RELATIONS = {"finetune": "fine-tune", "adapter": "adapter", "quantized": "quantize", "merge": "merge"}
"""A model card's `base_model_relation`, in our words."""

FROM_KEY, RELATION_KEY = "modelhub.from", "modelhub.relation"
"""The metadata in which `mh export` writes what a copy came from, `COMMIT:PATH` with the whole id, and how."""

_METADATA = {
    "base_model": "fine-tune",
    "base_model_name_or_path": "fine-tune",
    "base_model_name": "fine-tune",
    "ss_sd_model_name": "adapter",
    "general.base_model.0.repo_url": "quantize",
}
COPIES = ("convert", "quantize")
_PLACE = re.compile(r"([0-9a-f]{64}):(.+)")
_NAME = re.compile(r"[^\s/\\:@{}\[\]\"'<>|?*][^\s\\@{}\[\]\"'<>|?*]{0,199}")


class NamedParent(Struct, frozen=True):
    """A model's name as it stands somewhere, and the relation that is said or plain from where it stands."""

    name: str
    relation: str


def named_in_metadata(metadata: Mapping[str, str]) -> Iterator[NamedParent]:
    """Yield the parents that a model file's own metadata names."""
    said = RELATIONS.get(metadata.get("base_model_relation", ""))
    for key, relation in _METADATA.items():
        yield from _named(_texts(metadata.get(key)), said or relation)


class StatedSource(Struct, frozen=True):
    """A file of a version as a copy of it names it. That there is such a file is for the reader to check."""

    commit: str
    path: str
    relation: str


def stated_source(metadata: Mapping[str, str]) -> StatedSource | None:
    """Return what a file that `mh export` wrote came from; None where it says nothing, or nothing it could say."""
    found = _PLACE.fullmatch(metadata.get(FROM_KEY, ""))
    relation = metadata.get(RELATION_KEY, "")
    return StatedSource(found[1], found[2], relation) if found and relation in COPIES else None


def named_in_card(name: str, data: bytes) -> Iterator[NamedParent]:
    """Yield the parents that one of CARD_FILES names; nothing where it cannot be understood."""
    try:
        text = data.decode("utf-8")
        if name == "README.md":
            yield from _in_front_matter(text)
            return
        record = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(record, dict):
        return
    if name == "adapter_config.json":
        yield from _named(_texts(record.get("base_model_name_or_path")), "adapter")
    else:
        yield from _named(_texts(record.get("_name_or_path")), "fine-tune")


def _in_front_matter(text: str) -> Iterator[NamedParent]:
    fields = read_front_matter(text)
    names = fields.get("base_model", [])
    said = "".join(fields.get("base_model_relation", [])[:1])
    yield from _named(names, RELATIONS.get(said, "merge" if len(set(names)) > 1 else "fine-tune"))


def read_front_matter(text: str) -> dict[str, list[str]]:
    """Return the scalars and lists of scalars at the top level of a card's YAML header; the rest is passed over."""
    lines = text.removeprefix("\ufeff").splitlines()
    fields: dict[str, list[str]] = {}
    if not lines or lines[0].rstrip() != "---":
        return fields
    key = ""
    for line in lines[1:]:
        if line.rstrip() in ("---", "..."):
            return fields
        field = re.fullmatch(r"([A-Za-z_][\w-]*):(?:\s+(.*))?", line.rstrip())
        item = re.fullmatch(r"\s*-\s+(.*)", line.rstrip())
        if field is not None:
            key = field[1]
            fields[key] = list(_scalars(field[2] or ""))
        elif item is not None and key:
            fields[key] += _scalars(item[1])
    return {}


def _scalars(text: str) -> Iterator[str]:
    """The plain or quoted scalars of one line: one, or those of `[a, b]`."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        for part in text[1:-1].split(","):
            yield from _scalars(part)
        return
    quoted = re.match(r"\"([^\"\\]*)\"|'([^']*)'", text)
    plain = (quoted[1] or quoted[2] or "") if quoted else re.split(r"\s+#|^#", text)[0].strip()
    if plain and (quoted or plain[0] not in "{&*!|>%@`"):
        yield plain


def _texts(value: object) -> list[str]:
    """The texts of a JSON value; metadata may hold a list written as JSON."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    items: Iterable[object] = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _named(names: Iterable[str], relation: str) -> Iterator[NamedParent]:
    for name in names:
        name = re.sub(r"^https?://huggingface\.co/", "", name.strip()).rstrip("/")
        if _NAME.fullmatch(name) and name.isprintable() and name.strip("."):
            yield NamedParent(name, relation)


def last_part(name: str) -> str:
    """Return the part of a name by which a file or folder may be called: 'minilm' of 'org/minilm'."""
    return name.rpartition("/")[2]


def is_public_name(name: str) -> bool:
    """Tell whether a name can be one on a hub, and not a place on somebody's disk."""
    return name.count("/") <= 1 and not name.startswith((".", "/", "~")) and ":" not in name


def named_beside(path: str, metadata: Mapping[str, str], read: Callable[[str], bytes | None]) -> dict[str, NamedParent]:
    """Return the parents that a model file and the cards in its folder name, by name; the first that names one wins.

    `read` gives the content of a file of the version, None where there is none.
    """
    folder = path.rpartition("/")[0]
    found = list(named_in_metadata(metadata))
    for card in ("adapter_config.json", "README.md", "config.json"):
        data = read(f"{folder}/{card}" if folder else card)
        if data is not None:
            found += named_in_card(card, data)
    return {item.name: item for item in reversed(found)}
