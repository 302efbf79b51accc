"""The params and metrics of a version, from the files that dvc.yaml names."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from modelhub.errors import FormatError
from modelhub.importers.dvc_cache import DvcCache
from modelhub.importers.dvc_files import (
    DEFAULT_PARAMS,
    LOCK,
    PIPELINE,
    Pipeline,
    Tracked,
    locked_params,
    read_pipeline,
)  # fmt: skip
from modelhub.importers.git_objects import GitObjects
from modelhub.importers.kept_files import Facts, KeptFile
from modelhub.porcelain.plain_values import as_metrics, as_params, flattened, read_values
from modelhub.repository.objects import ParamValue

MOST_NBYTES = 1 << 22
READABLE = (".json", ".yaml", ".yml", ".toml")

Values = dict[str, ParamValue]


class DvcFacts:
    """Reads facts of one version after the other."""

    def __init__(self, cache: DvcCache) -> None:
        self._cache = cache

    def of(
        self, objects: GitObjects, tree: str, named: tuple[tuple[str, str], ...], tracked: dict[str, Tracked]
    ) -> Facts:  # fmt: skip
        """Return the params and metrics of a version, whose DVC files and tracked files these are.

        A name that two files have differently is preceded by the path in the second.
        """
        params: Values = {}
        metrics: Values = {}
        shas = dict(named)
        for path in sorted(shas, key=lambda path: (path.endswith(LOCK), path.count("/"), path)):
            folder, name = posixpath.split(path)
            if name == PIPELINE:
                pipeline = _pipeline(objects, shas[path])
                for file, values in self._params(objects, tree, folder, pipeline):
                    _add(params, file, values)
                for file in pipeline.metrics:
                    place = posixpath.normpath(posixpath.join(folder, file))
                    _add(metrics, place, self._values(objects, tree, place, tracked))
            elif name == LOCK:
                for file, values in _locked(objects, shas[path], folder):
                    _add(params, file, {key: value for key, value in values.items() if key not in params})
        for place in sorted(place for place, item in tracked.items() if item.is_metric):
            _add(metrics, place, self._values(objects, tree, place, tracked))
        return Facts(as_params(params), as_metrics(metrics))

    def _params(
        self, objects: GitObjects, tree: str, folder: str, pipeline: Pipeline
    ) -> Iterator[tuple[str, Values]]:  # fmt: skip
        for file, names in {DEFAULT_PARAMS: None, **pipeline.params}.items():
            place = posixpath.normpath(posixpath.join(folder, file))
            values = self._values(objects, tree, place, {})
            yield place, values if names is None or file == DEFAULT_PARAMS else _chosen(values, names)

    def _values(self, objects: GitObjects, tree: str, place: str, tracked: dict[str, Tracked]) -> Values:
        if not place.endswith(READABLE) or place.startswith(".."):
            return {}
        data = self._content(objects, tree, place, tracked)
        try:
            return {} if data is None else flattened(read_values(place, data))
        except FormatError:
            return {}

    def _content(self, objects: GitObjects, tree: str, place: str, tracked: dict[str, Tracked]) -> bytes | None:
        entry = objects.at(tree, place)
        if entry is not None:
            plain = not entry.is_folder and not entry.is_link and not entry.is_submodule
            return objects.read_at_most(entry.sha, MOST_NBYTES) if plain else None
        item = self._cache.find(tracked[place]) if place in tracked else None
        handle = item.open() if isinstance(item, KeptFile) else None
        if handle is None:
            return None
        with handle:
            data = handle.read(MOST_NBYTES + 1)
        return data if len(data) <= MOST_NBYTES else None


def _pipeline(objects: GitObjects, sha: str) -> Pipeline:
    try:
        return read_pipeline(objects.read_at_most(sha, MOST_NBYTES) or b"")
    except FormatError:
        return Pipeline()


def _locked(objects: GitObjects, sha: str, folder: str) -> Iterator[tuple[str, Values]]:
    """The params that a dvc.lock has, for files that are not read here."""
    try:
        for _, file, values in locked_params(objects.read_at_most(sha, MOST_NBYTES) or b""):
            yield posixpath.normpath(posixpath.join(folder, file)), flattened(values)
    except FormatError:
        return


def _chosen(values: Values, names: list[str]) -> Values:
    return {
        key: value for key, value in values.items() if any(key == name or key.startswith(f"{name}.") for name in names)
    }


def _add(found: Values, file: str, values: Values) -> None:
    for name, value in values.items():
        if name not in found:
            found[name] = value
        elif repr(found[name]) != repr(value):
            found[f"{file}:{name}"] = value
