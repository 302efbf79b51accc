"""Read the files that DVC keeps in git: what is tracked, by which hash, and where params and metrics are stated."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from modelhub.porcelain.plain_values import read_values

LOCK, PIPELINE, SUFFIX = "dvc.lock", "dvc.yaml", ".dvc"
DEFAULT_PARAMS = "params.yaml"


@dataclass(frozen=True, slots=True)
class Tracked:
    """One file or folder that DVC tracks, by its path from the folder of the file that says so.

    `md5` ends with '.dir' for a folder and is empty where it is not known by MD5; `listing` has a folder's files where
    they are told in place. `converted` hashes were taken with the line ends of text changed (DVC before 3).
    """

    path: str
    md5: str
    size: int | None
    converted: bool
    executable: bool
    is_metric: bool
    listing: tuple[Tracked, ...] = ()


@dataclass(slots=True)
class Pipeline:
    """What a dvc.yaml says: the folder of each stage, and the files of params (with the names used) and metrics."""

    folders: dict[str, str] = field(default_factory=dict)
    params: dict[str, list[str] | None] = field(default_factory=dict)
    metrics: list[str] = field(default_factory=list)


def is_read(name: str) -> bool:
    """Tell whether a file of this name says what DVC tracks."""
    return name in (LOCK, PIPELINE) or (name.endswith(SUFFIX) and name != SUFFIX)


def tracked_by(name: str, data: bytes, folders: dict[str, str]) -> list[Tracked]:
    """Return what a .dvc file or a dvc.lock tracks; `folders` are those of dvc.yaml's stages. Raises FormatError."""
    content = _table(read_values(name, data))
    if name != LOCK:
        return list(_outs(content, str(content.get("wdir") or ".")))
    stages = _table(content.get("stages")) if "schema" in content else content
    found: list[Tracked] = []
    for stage, said in stages.items():
        found += _outs(_table(said), folders.get(str(stage).partition("@")[0], "."))
    return found


def locked_params(data: bytes) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield stage, file and values of the params that a dvc.lock has. Raises FormatError."""
    content = _table(read_values(LOCK, data))
    for stage, said in (_table(content.get("stages")) if "schema" in content else content).items():
        for file, values in _table(_table(said).get("params")).items():
            yield str(stage), str(file), _table(values)


def read_pipeline(data: bytes) -> Pipeline:
    """Return what a dvc.yaml says. Names that DVC would fill in are left out. Raises FormatError."""
    content = _table(read_values(PIPELINE, data))
    found = Pipeline()
    for name, said in _table(content.get("stages")).items():
        stage = _table(said)
        stage = _table(stage.get("do")) or stage
        folder = str(stage.get("wdir") or ".")
        found.folders[str(name)] = folder if _is_plain(folder) else "."
        for file, names in _params(stage.get("params")):
            _add_params(found, _join(found.folders[str(name)], file), names)
        found.metrics += [_join(found.folders[str(name)], file) for file in _names(stage.get("metrics"))]
    for file in _names(content.get("params")):
        _add_params(found, _join(".", file), None)
    found.metrics += [_join(".", file) for file in _names(content.get("metrics"))]
    found.metrics = [file for file in dict.fromkeys(found.metrics) if _is_plain(file)]
    return found


def read_listing(data: bytes) -> dict[str, str]:
    """Return the hashes of a folder's files by their path in it. Raises FormatError."""
    rows = read_values("listing.json", data)
    found = {}
    for row in rows if isinstance(rows, list) else ():
        path, md5 = _table(row).get("relpath"), _table(row).get("md5")
        if isinstance(path, str) and isinstance(md5, str):
            found[path] = md5
    return found


def _outs(content: dict[str, Any], folder: str) -> Iterator[Tracked]:
    outs = content.get("outs")
    for said in outs if isinstance(outs, list) else ():
        out = _table(said)
        if isinstance(out.get("path"), str):
            listing = tuple(_tracked(_table(row), str(_table(row).get("relpath") or "")) for row in _rows(out))
            yield _tracked(out, _join(folder, out["path"]), listing)


def _rows(out: dict[str, Any]) -> list[Any]:
    rows = out.get("files")
    return [row for row in rows if _table(row).get("relpath")] if isinstance(rows, list) else []


def _tracked(out: dict[str, Any], path: str, listing: tuple[Tracked, ...] = ()) -> Tracked:
    size = out.get("size")
    return Tracked(
        path=path,
        md5=str(out.get("md5") or ""),
        size=size if isinstance(size, int) and not isinstance(size, bool) else None,
        converted=out.get("hash") != "md5",
        executable=out.get("isexec") is True,
        is_metric=bool(out.get("metric")),
        listing=listing,
    )


def _params(said: object) -> Iterator[tuple[str, list[str] | None]]:
    for item in said if isinstance(said, list) else ():
        if isinstance(item, str):
            yield DEFAULT_PARAMS, [item]
        for file, names in _table(item).items():
            yield str(file), [str(name) for name in names] if isinstance(names, list) and names else None


def _add_params(found: Pipeline, file: str, names: list[str] | None) -> None:
    known = found.params.get(file, [])
    if _is_plain(file):
        found.params[file] = None if names is None or known is None else [*known, *filter(_is_plain, names)]


def _names(said: object) -> Iterator[str]:
    """The names in a list whose items are names, or tables with one name."""
    for item in said if isinstance(said, list) else ():
        yield from (item,) if isinstance(item, str) else map(str, _table(item))


def _is_plain(text: str) -> bool:
    return "${" not in text


def _join(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
