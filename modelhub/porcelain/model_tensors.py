"""The tensors of one model of a version, also where it is cut into several files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.repository.content import read_manifest
from modelhub.repository.objects import TensorSegment
from modelhub.repository.repository import Repository
from modelhub.repository.trees import Files

_SHARD = re.compile(r"(.*)-\d{5}-of-(\d{5})(\.[\w.]+)")
_INDEX = re.compile(r"(.*\.(?:safetensors|bin))\.index\.json")


@dataclass(frozen=True, slots=True)
class ModelTensors:
    """One model: its files (several where it is cut into shards) and their tensors by name."""

    path: str
    files: tuple[str, ...]
    manifests: tuple[str, ...]
    tensors: dict[str, TensorSegment] = field(repr=False)

    @property
    def nbytes(self) -> int:
        """The size of all tensors."""
        return sum(item.nbytes for item in self.tensors.values())


def model_name(path: str) -> str:
    """Return the name under which a file's model is listed: of a shard that of all shards, with `*` in the number."""
    shard = _SHARD.fullmatch(path)
    return path if shard is None else f"{shard[1]}-*-of-{shard[2]}{shard[3]}"


def models_in(files: Files) -> dict[str, list[str]]:
    """Return the model files of a version by the name of their model, in path order."""
    found: dict[str, list[str]] = {}
    for path in sorted(files):
        if files[path].manifest is not None:
            found.setdefault(model_name(path), []).append(path)
    return found


def read_model(repo: Repository, files: Files, path: str) -> ModelTensors:
    """Return the model that a path names: a file, one of its shards, the index of the shards, or their common name.

    Raises PathNotFound, or InvalidInputError where it holds no tensors.
    """
    models = models_in(files)
    index = _INDEX.fullmatch(path)
    name = model_name(path)
    if index is not None:
        stem, _, ending = index[1].rpartition(".")
        name = next(
            (other for other in models if re.fullmatch(re.escape(stem) + r"-\*-of-\d+\." + ending, other)), name
        )
    if name not in models:
        if path in files:
            raise InvalidInputError(f"'{path}' holds no tensors", hint="'mh ls REV' lists the files of a version")
        raise PathNotFound(f"there is no '{path}' in that version", hint="'mh ls REV' lists its files")
    tensors = dict(_tensors(repo, files, models[name]))
    if not tensors:
        raise InvalidInputError(f"'{path}' holds no tensors", hint="'mh ls REV' lists the files of a version")
    manifests = tuple(str(files[item].manifest) for item in models[name])
    return ModelTensors(name, tuple(models[name]), manifests, tensors)


def _tensors(repo: Repository, files: Files, paths: list[str]) -> Iterator[tuple[str, TensorSegment]]:
    for path in paths:
        manifest = read_manifest(repo, files[path])
        for segment in [] if manifest is None else manifest.tensors():
            yield segment.name, segment


def same_files(left: Files, right: Files, paths: tuple[str, ...]) -> bool:
    """Tell whether both versions have the same content at these paths."""
    return all(path in left and path in right and left[path].oid == right[path].oid for path in paths)
