"""Find the parents of new model files that nobody declared: from what the files say, and from their weights.

Metadata counts where it names a parent that it did not name in the version before. A copy that `mh export` wrote names
the file it was made from: that is its parent, and nothing else is looked for. Weights are looked at for a model
file whose path is new: most of its bytes must be equal or near those of one model file of the history. Decisions and
measurements: docs/design/005-verified-lineage.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from modelhub.catalog.model_files import History, SketchedTensor, sketches_by_oid
from modelhub.catalog.opening import open_current
from modelhub.errors import ModelHubError
from modelhub.porcelain.model_cards import (
    CARD_FILES,
    MAX_CARD_NBYTES,
    NamedParent,
    StatedSource,
    is_public_name,
    last_part,
    named_beside,
    stated_source,
)
from modelhub.porcelain.resemblance import Likeness, Likenesses, telling
from modelhub.repository.lint import ReadObject
from modelhub.repository.objects import Commit, Derivation, Manifest, decode
from modelhub.repository.repository import Repository
from modelhub.repository.status import FileChange
from modelhub.repository.tensor_keeper import TensorFact
from modelhub.repository.trees import Files, find_entry

if TYPE_CHECKING:
    from modelhub.catalog.opening import Connection

MOST = 0.5
"""So much of a file's telling bytes must be equal or near for an edge."""

CONVERTED = 0.01
"""Sketches of a conversion between floating dtypes differ by rounding alone, by less than this."""

MERGED_TOGETHER, MERGED_EACH = 0.9, 0.1
NOT_OF_WEIGHTS = ("uses", "trained-on", "distill")


class Recording(Struct, frozen=True):
    """A version that is being recorded: its files, those of the version before, and what differs."""

    files: Files
    before: Files
    changes: Sequence[FileChange]
    declared: Sequence[Derivation]
    facts: Sequence[TensorFact]
    read: ReadObject


def found_parents(repo: Repository, *, recording: Recording, search: bool = True) -> tuple[Derivation, ...]:
    """Return a derivation (not declared) for each parent found; without `search` just those of exported copies.

    Cost: nothing where no model file and no model card changed; else some ms for each new model file. No tensor is
    decoded.
    """
    head = repo.refs.head_commit
    finder = _Finder(recording)
    copies = dict(_copies(repo, finder.stated()))
    named = {path: parents for path, parents in finder.named() if path not in copies}
    fresh = {path: manifest for path, manifest in finder.new_models().items() if path not in copies}
    said = {(item.path, item.source_commit, item.source_path) for item in recording.declared}
    found = tuple(item for item in copies.values() if (item.path, item.source_commit, item.source_path) not in said)
    if not search or (not named and (not fresh or head is None)):
        return found
    if head is None:
        return found + tuple(item for path, parents in named.items() for item in _unresolved(path, parents))
    with open_current(repo) as connection:
        return found + tuple(_Resolver(connection, head, recording).derivations(named, fresh))


class _Finder:
    """Looks through the recorded files for what may have parents."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def new_models(self) -> dict[str, Manifest]:
        """The model files whose path is new."""
        paths = [change.path for change in self._recording.changes if change.kind == "added"]
        return {path: manifest for path in paths if (manifest := self._manifest(self._recording.files, path))}

    def named(self) -> Iterator[tuple[str, list[NamedParent]]]:
        """Yield the model files with the parents they name now and did not name before."""
        for path in sorted(self._touched()):
            now = self._named_in(self._recording.files, path)
            old = self._named_in(self._recording.before, path) if now and path in self._recording.before else {}
            if parents := [parent for name, parent in now.items() if name not in old]:
                yield path, parents

    def stated(self) -> Iterator[tuple[str, StatedSource]]:
        """Yield the copies that came or changed, with the file of a version each says it was made from."""
        for change in self._recording.changes:
            is_new = change.kind in ("added", "modified")
            manifest = self._manifest(self._recording.files, change.path) if is_new else None
            source = None if manifest is None else stated_source(manifest.metadata)
            if source is not None:
                yield change.path, source

    def _touched(self) -> set[str]:
        """The model files that changed or that lie beside a card that did."""
        changed = [change.path for change in self._recording.changes if change.kind != "deleted"]
        files = self._recording.files
        cards = {path.rpartition("/")[0] for path in changed if path.rpartition("/")[2] in CARD_FILES}
        beside = {path for path in files if path.rpartition("/")[0] in cards} if cards else set()
        return {path for path in {*changed, *beside} if files[path].manifest is not None}

    def _named_in(self, files: Files, path: str) -> dict[str, NamedParent]:
        manifest = self._manifest(files, path)

        def card(place: str) -> bytes | None:
            entry = files.get(place)
            if entry is None or entry.mode == "link" or entry.manifest or entry.size > MAX_CARD_NBYTES:
                return None
            return self._recording.read(entry.oid, "blob")

        return {} if manifest is None else named_beside(path, manifest.metadata, card)

    def _manifest(self, files: Files, path: str) -> Manifest | None:
        entry = files[path]
        if entry.manifest is None:
            return None
        manifest = decode(self._recording.read(entry.manifest, "manifest"), Manifest, entry.manifest)
        return manifest if manifest.tensors() else None


def _copies(repo: Repository, stated: Iterator[tuple[str, StatedSource]]) -> Iterator[tuple[str, Derivation]]:
    """Yield the derivations of copies whose source is in this repository."""
    for path, source in stated:
        try:
            find_entry(repo, repo.get(source.commit, Commit).tree, source.path)
        except ModelHubError:
            continue
        name = f"{source.commit[:10]}:{source.path}"
        yield path, Derivation(path, source.relation, source.commit, source.path, declared=False, source_name=name)


def _unresolved(path: str, parents: Sequence[NamedParent]) -> Iterator[Derivation]:
    for parent in parents:
        if is_public_name(parent.name) and not _is_own_name(path, parent.name):
            yield Derivation(path, parent.relation, "", "", declared=False, source_name=parent.name)


def _is_own_name(path: str, name: str) -> bool:
    """A model's config often names the model itself."""
    parts = path.lower().split("/")
    return last_part(name).lower() in (*parts[-2:-1], parts[-1].rpartition(".")[0])


class _Resolver:
    """Makes derivations of what was found, with the places in the history where they are known."""

    def __init__(self, connection: Connection, head: str, recording: Recording) -> None:
        self._connection = connection
        self._history = History(connection, head)
        self._likenesses = Likenesses(connection, self._history)
        self._recording = recording
        self._sketches = {(fact.oid, fact.dtype): fact.sketch for fact in recording.facts}

    def derivations(self, named: dict[str, list[NamedParent]], fresh: dict[str, Manifest]) -> Iterator[Derivation]:
        """Yield the edges, those of metadata first; one edge for each pair of files."""
        seen = {(item.path, item.source_commit, item.source_path) for item in self._recording.declared}
        found = [item for path, parents in named.items() for item in self._of_names(path, parents)]
        for path, manifest in fresh.items():
            if not self._is_declared(path):
                found += self._of_weights(path, manifest)
        for item in found:
            key = (item.path, item.source_commit, item.source_path or item.source_name)
            if key not in seen:
                seen.add(key)
                yield item

    def _is_declared(self, path: str) -> bool:
        """A person who said where the weights came from is not corrected here: `mh verify` does that."""
        about = (item for item in self._recording.declared if item.relation not in NOT_OF_WEIGHTS)
        return any(item.path in ("", path) for item in about)

    def _of_names(self, path: str, parents: Sequence[NamedParent]) -> Iterator[Derivation]:
        for parent in parents:
            if _is_own_name(path, parent.name):
                continue
            places = [place for place in self._history.places_named(last_part(parent.name)) if place.path != path]
            if len(places) == 1:
                place = places[0]
                yield Derivation(
                    path, parent.relation, place.commit, place.path, declared=False, source_name=parent.name
                )
            elif is_public_name(parent.name):
                yield Derivation(path, parent.relation, "", "", declared=False, source_name=parent.name)

    def _of_weights(self, path: str, manifest: Manifest) -> Iterator[Derivation]:
        tensors = self._sketched(manifest)
        alike = self._likenesses.find(tensors)
        oid = self._recording.files[path].manifest
        if any(item.place.manifest == oid for item in alike):
            return  # a copy: lineage goes by content, so it has the parents of the other already
        best = alike[0].resemblance.share if alike else 0.0
        parts = _merged(tensors, alike) if best < MERGED_TOGETHER else []
        for item in parts:
            yield _found(path, "merge", item.place.commit, item.place.path)
        if not parts and best >= MOST:
            yield _found(path, _relation(alike[0]), alike[0].place.commit, alike[0].place.path)

    def _sketched(self, manifest: Manifest) -> list[SketchedTensor]:
        from modelhub.repository.tensor_keeper import elements_of

        segments = manifest.tensors()
        unknown = [item.oid for item in segments if (item.oid, item.dtype) not in self._sketches]
        stored = sketches_by_oid(self._connection, unknown)
        found = []
        for item in segments:
            sketch = self._sketches.get((item.oid, item.dtype), stored.get(item.oid))
            if sketch is not None:
                elements = elements_of(item.dtype, item.nbytes)
                found.append(
                    SketchedTensor(item.name, item.oid, item.dtype, str(item.shape), elements, item.nbytes, sketch)
                )
        return found


def _found(path: str, relation: str, commit: str, source_path: str) -> Derivation:
    return Derivation(path, relation, commit, source_path, declared=False)


def _relation(alike: Likeness) -> str:
    """What the weights make evident: the same numbers in part or under another dtype; else a fine-tune."""
    found = alike.resemblance
    if found.identical_nbytes == found.telling_nbytes:
        there = sum(item.nbytes for item in telling(alike.tensors))
        return "slice" if found.telling_nbytes < there else "convert"
    if found.same_dtype_nbytes == found.identical_nbytes and found.farthest < CONVERTED:
        return "convert"
    return "fine-tune"


def _merged(tensors: Sequence[SketchedTensor], alike: Sequence[Likeness]) -> list[Likeness]:
    """Return the files that together hold nearly all of these tensors, unchanged, each a good part of them."""
    chosen = telling(tensors)
    total = sum(item.nbytes for item in chosen)
    left = {item.oid: item.nbytes for item in chosen}
    parents = []
    for item in sorted(alike, key=lambda item: -item.resemblance.identical_nbytes):
        held = left.keys() & {tensor.oid for tensor in item.tensors}
        if sum(left[oid] for oid in held) >= MERGED_EACH * total > 0:
            parents.append(item)
            for oid in held:
                del left[oid]
    together = total - sum(left.values())
    return parents if len(parents) > 1 and together >= MERGED_TOGETHER * total else []
