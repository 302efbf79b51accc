"""Find the tensors of what `torch.save` and `torch.jit.save` write: a zip of one pickle and one entry for each storage.

Layout: torch/serialization.py and caffe2/serialize/inline_container.h. The pickle is interpreted against an allow-
list, never loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from modelhub.formats.extent import ModelFile, Source, refusal
from modelhub.formats.pickle_machine import Elements, Mapping, Record, interpret
from modelhub.formats.torch_storage import Placed, Room, check_storage, join, place
from modelhub.formats.torch_symbols import StoredTensor, TorchRules
from modelhub.formats.zip_walk import Entry, walk_zip

MAX_PICKLE_NBYTES = 64 << 20
MAX_DEPTH = 100
MAX_NAME_LENGTH = 4096
MAX_NAMES_LENGTH = 64 << 20

_WHAT = "torch"


def read_torch_zip(source: Source) -> ModelFile:
    """Find the tensors of a torch zip; names are the path to them in the saved value, joined with '.'.

    Raises UnsupportedModelFile for older layouts, code-capable pickles, tensors outside their storage and ambiguous
    zips.
    """
    if source.read(0, min(2, source.size)) != b"PK":
        raise _not_a_zip(source)
    archive = _open_archive(source)
    names = _Names()
    placed: list[Placed] = []
    notes: list[str] = []
    for pickle, folder, prefix in _pickles(archive):
        value = interpret(archive.content(pickle), TorchRules(_WHAT, scripted=archive.is_scripted), _WHAT)
        named = _walk(value, prefix, names)
        placed += _place_all(archive, folder, named, notes)
    extents, views = join(placed)
    metadata = {"container": "torchscript" if archive.is_scripted else "torch.save"}
    return ModelFile("torch", extents, views, metadata, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Archive:
    source: Source
    prefix: str
    entries: dict[str, Entry]

    @property
    def is_scripted(self) -> bool:
        return f"{self.prefix}constants.pkl" in self.entries

    def find(self, name: str) -> Entry | None:
        return self.entries.get(self.prefix + name)

    def content(self, name: str, limit: int = MAX_PICKLE_NBYTES) -> bytes:
        entry = self.find(name)
        if entry is None or not entry.is_stored:
            raise refusal(f"{_WHAT}: '{name}' is missing from the archive or compressed")
        if entry.nbytes > limit:
            raise refusal(f"{_WHAT}: '{name}' has {entry.nbytes} bytes, more than the {limit} allowed")
        return self.source.read(entry.offset, entry.nbytes)


def _not_a_zip(source: Source) -> Exception:
    head = source.read(0, min(2, source.size))
    if head[:1] == b"\x80":
        return refusal(
            f"{_WHAT}: this is a plain pickle or a checkpoint from before torch 1.6, which is not read",
            hint="load it in torch and save it again with torch.save to have its tensors versioned one by one",
        )
    return refusal(f"{_WHAT}: the file of {source.size} bytes is not a checkpoint (truncated or damaged?)")


def _open_archive(source: Source) -> _Archive:
    entries = walk_zip(source, _WHAT)
    pickles = [name for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise refusal(f"{_WHAT}: the archive holds {len(pickles)} 'data.pkl' where one is needed")
    prefix = pickles[0].removesuffix("data.pkl")
    stray = next((name for name in entries if not name.startswith(prefix)), None)
    if stray is not None:
        raise refusal(f"{_WHAT}: '{stray[:200]}' lies outside the archive's folder '{prefix}'")
    archive = _Archive(source, prefix, entries)
    if archive.find("byteorder") and archive.content("byteorder", limit=16) != b"little":
        raise refusal(f"{_WHAT}: the tensors are big-endian", hint="save the file again on a little-endian machine")
    return archive


def _pickles(archive: _Archive) -> list[tuple[str, str, str]]:
    """(pickle, folder of its storages, what its tensors' names start with)."""
    found = [("data.pkl", "data/", "")]
    if archive.is_scripted:
        found.append(("constants.pkl", "constants/", "constants"))
    return found


def _place_all(archive: _Archive, folder: str, named: list[tuple[str, StoredTensor]], notes: list[str]) -> list[Placed]:
    by_key: dict[str, list[tuple[str, StoredTensor]]] = {}
    for name, tensor in named:
        by_key.setdefault(tensor.storage.key, []).append((name, tensor))
    placed: list[Placed] = []
    for key, tensors in by_key.items():
        entry = archive.find(folder + key)
        if entry is None or not entry.is_stored:
            raise refusal(f"{_WHAT}: storage '{folder}{key}' is missing from the archive or compressed")
        room = Room(folder + key, entry.offset, entry.nbytes)
        for storage in {tensor.storage for _, tensor in tensors}:
            check_storage(storage, room, _WHAT)
        placed += place(room, tensors, _WHAT, notes)
    return placed


@dataclass(slots=True)
class _Names:
    """Gives each tensor a name of its own, within bounds."""

    taken: dict[str, int] = field(default_factory=dict)
    length: int = 0

    def claim(self, name: str) -> str:
        unique = name
        while unique in self.taken:
            self.taken[name] += 1
            unique = f"{name}#{self.taken[name]}"
        self.taken[unique] = 1
        self.length += len(unique)
        if len(unique) > MAX_NAME_LENGTH or self.length > MAX_NAMES_LENGTH:
            raise refusal(f"{_WHAT}: the names of the tensors are longer than allowed")
        return unique


@dataclass(frozen=True, slots=True)
class _Path:
    """The way to a value, kept as links so that a long name is only spelled out where there is a tensor."""

    above: _Path | None
    word: str
    depth: int

    def spelled(self) -> str:
        words: list[str] = []
        step: _Path | None = self
        while step is not None:
            words.append(step.word)
            step = step.above
        return ".".join(word for word in reversed(words) if word)


def _walk(value: object, prefix: str, names: _Names) -> list[tuple[str, StoredTensor]]:
    """Name every tensor in a value by its path. A container met twice, or inside itself, is entered once."""
    found: list[tuple[str, StoredTensor]] = []
    entered: set[int] = set()
    waiting: list[tuple[object, _Path]] = [(value, _Path(None, prefix, 0))]
    while waiting:
        item, path = waiting.pop()
        if isinstance(item, StoredTensor):
            found.append((names.claim(path.spelled()), item))
            continue
        children = _children(item)
        if not children or id(item) in entered:
            continue
        entered.add(id(item))
        if path.depth >= MAX_DEPTH:
            raise refusal(f"{_WHAT}: the saved value is nested more than {MAX_DEPTH} deep")
        waiting += [(child, _Path(path, key, path.depth + 1)) for key, child in reversed(children)]
    return found


def _children(item: object) -> list[tuple[str, object]]:
    """What a value holds that may be, or hold, tensors, each with its part of the name."""
    if isinstance(item, Record):
        item = item.args if item.state is None else item.state
    if isinstance(item, Mapping):
        pairs = item.pairs
    elif isinstance(item, Elements):
        pairs = list(enumerate(item.values))
    elif isinstance(item, list | tuple):
        pairs = list(enumerate(item))
    else:
        return []
    return [(_word(key), child) for key, child in pairs if isinstance(child, _HOLDERS)]


_HOLDERS = (StoredTensor, Mapping, Elements, Record, list, tuple)


def _word(key: object) -> str:
    """A key as a part of a name."""
    if isinstance(key, str) and len(key) <= MAX_NAME_LENGTH:
        return key
    return str(key) if isinstance(key, int | float | bool) else "?"
