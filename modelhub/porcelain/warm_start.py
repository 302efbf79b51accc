"""Start a model from the weights of a recorded one: copy the tensors whose names and shapes fit, say what fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from modelhub.errors import InvalidInputError
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.porcelain.load import LoadedFile
from modelhub.porcelain.model_tensors import models_in, read_model
from modelhub.porcelain.places import Located, holding_version, locate
from modelhub.porcelain.tensor_names import match_names, stripped_prefixes
from modelhub.repository.content import read_manifest
from modelhub.repository.repository import Repository
from modelhub.repository.trees import Files

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array

RELATION = "warm-start"


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor to be filled. `memory` is equal for names that share their values (tied weights)."""

    shape: tuple[int, ...]
    dtype: str
    memory: int


class Target(Protocol):
    """What is filled: the tensors of a module, or arrays."""

    def slots(self) -> dict[str, Slot]:
        """The tensors by name."""

    def write(self, name: str, values: Array) -> bool:
        """Overwrite one tensor with values of its shape; tell whether every value arrived as it was."""


@dataclass(frozen=True, slots=True)
class WarmStart:
    """What was reused. Names are those of the target, but for `unexpected`, which only the file has.

    `commit` is empty for a file of a `run` (its id) that the version which took it in has not.
    `reshaped` and `skipped` were not filled: another shape, or a dtype that cannot become the target's; each with the
    reason. `missing` are not in the file. `lossy` were filled, and some values were rounded to the target's dtype.
    `prefixes` stand before the names of one side only. `elements` counts the values that were filled, `of_elements`
    all of the target's.
    """

    commit: str
    path: str
    reused: tuple[str, ...]
    reshaped: dict[str, str]
    skipped: dict[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    lossy: tuple[str, ...]
    prefixes: tuple[str, ...]
    elements: int
    of_elements: int
    run: str = ""

    @property
    def source(self) -> str:
        """The place the weights came from, by the whole id of the version or run."""
        return f"{self.commit or self.run}:{self.path}"

    @property
    def from_(self) -> dict[str, str]:
        """What to give `commit` or `run` as `from_`, so that the edge is recorded: nothing is remembered elsewhere.

        Empty where no version has the file.
        """
        return {self.source: RELATION} if self.commit else {}

    @property
    def derive(self) -> DeriveSpec:
        """The same for `CommitFacts`."""
        return DeriveSpec(self.source, RELATION)

    @property
    def complete(self) -> bool:
        """Whether the target and the file fit each other tensor by tensor."""
        return not (self.reshaped or self.skipped or self.missing or self.unexpected)


def warm_start(repo: Repository, *, target: Target, place: str, strict: bool = False) -> WarmStart:
    """Fill the target from the model at `REV:PATH` or `RUN:PATH` (or `REV`, where it has just one model).

    With `strict` raises InvalidInputError, and changes nothing, unless all fits. Every byte is verified; one tensor is
    in memory at a time. Raises RefNotFound, PathNotFound.
    """
    found = locate(repo, place)
    files = found.files(repo)
    path = found.path or _only_model(files, place)
    loaded = _open(repo, files, path)
    plan = _Plan.make(target.slots(), loaded)
    commit, source_path, run = _origin(repo, found, files, path)
    result = plan.result(commit, source_path)
    if strict and not result.complete:
        raise InvalidInputError(
            f"'{place}' does not fit: {_complaint(result)}", hint="without strict what fits is used"
        )
    lossy = [name for name, other in plan.fitting.items() if not target.write(name, loaded[other][other])]
    return replace(plan.result(commit, source_path, tuple(lossy)), run=run)


def _origin(repo: Repository, found: Located, files: Files, path: str) -> tuple[str, str, str]:
    """Return the version that has the file and its path there, else no version and the path; and the run."""
    if found.run is None:
        return found.commit, path, ""
    place = holding_version(repo, found.run, path, files[path]) if path in files else None
    run = found.run.run.id
    return ("", path, run) if place is None else (place.commit, place.path or path, run)


def _only_model(files: Files, place: str) -> str:
    known = list(models_in(files))
    if len(known) != 1:
        hint = "one of: " + ", ".join(known[:5]) if known else "'mh ls REV' lists the files of a version"
        raise InvalidInputError(f"'{place}' has {len(known)} models: say which as REV:PATH", hint=hint)
    return known[0]


def _open(repo: Repository, files: Files, path: str) -> dict[str, LoadedFile]:
    """The opened file of each tensor."""
    opened = [
        LoadedFile(repo, files[item]) for item in read_model(repo, files, path).files if _has_tensors(repo, files, item)
    ]
    return {name: file for file in opened for name in file}


def _has_tensors(repo: Repository, files: Files, path: str) -> bool:
    manifest = read_manifest(repo, files[path])
    return manifest is not None and bool(manifest.tensors())


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which tensor of the file fills which of the target, and why others do not."""

    slots: dict[str, Slot]
    fitting: dict[str, str]
    reshaped: dict[str, str]
    skipped: dict[str, str]
    unexpected: tuple[str, ...]
    prefixes: tuple[str, ...]

    @classmethod
    def make(cls, slots: dict[str, Slot], loaded: Mapping[str, LoadedFile]) -> _Plan:
        names = match_names(slots, loaded)
        fitting, reshaped, skipped = {}, {}, {}
        for name, other in names.items():
            shape, dtype = loaded[other].shape_and_dtype(other)
            if shape != slots[name].shape:
                reshaped[name] = f"{list(shape)} in the file, {list(slots[name].shape)} here"
            elif not _can_become(dtype, slots[name].dtype):
                skipped[name] = f"{dtype} in the file, {slots[name].dtype} here"
            else:
                fitting[name] = other
        unexpected = tuple(name for name in loaded if name not in set(names.values()))
        return cls(slots, fitting, reshaped, skipped, unexpected, stripped_prefixes(names))

    def result(self, commit: str, path: str, lossy: tuple[str, ...] = ()) -> WarmStart:
        filled = {self.slots[name].memory for name in self.fitting}
        reused = tuple(name for name in self.slots if name in self.fitting or self._is_tied(name, filled))
        left = self.slots.keys() - set(reused) - self.reshaped.keys() - self.skipped.keys()
        sizes = {slot.memory: math.prod(slot.shape) for slot in self.slots.values()}
        return WarmStart(
            commit=commit,
            path=path,
            reused=reused,
            reshaped=self.reshaped,
            skipped=self.skipped,
            missing=tuple(name for name in self.slots if name in left),
            unexpected=self.unexpected,
            lossy=lossy,
            prefixes=self.prefixes,
            elements=sum(sizes[memory] for memory in filled),
            of_elements=sum(sizes.values()),
        )

    def _is_tied(self, name: str, filled: set[int]) -> bool:
        """Files leave out the further names of tied weights."""
        return name not in self.reshaped and name not in self.skipped and self.slots[name].memory in filled


def _can_become(dtype: str, wanted: str) -> bool:
    """Numbers of one kind become another size of it, rounded if need be; kinds are not mixed."""
    one, other = _kind(dtype), _kind(wanted)
    return one == other and one != "other"


def _kind(dtype: str) -> str:
    from modelhub.weights.summary import is_numeric

    if not is_numeric(dtype):
        return "other"
    for kind in ("float", "int", "complex", "bool"):
        if dtype.removeprefix("b" if kind == "float" else "u" if kind == "int" else "").startswith(kind):
            return kind
    return "other"


def _complaint(result: WarmStart) -> str:
    parts = {
        "of another shape": result.reshaped, "of another kind": result.skipped, "missing": result.missing,
        "unexpected": result.unexpected,
    }  # fmt: skip
    return "; ".join(f"{len(names)} {what} ({next(iter(names))}, …)" for what, names in parts.items() if names)


class ArrayTarget:
    """Arrays by name, filled in place."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        for name, array in arrays.items():
            if not getattr(getattr(array, "flags", None), "writeable", False):
                raise InvalidInputError(f"'{name}' is no array that can be written", hint="give a dict of numpy arrays")
        self._arrays = arrays

    def slots(self) -> dict[str, Slot]:
        """The arrays by name."""
        return {name: Slot(tuple(item.shape), item.dtype.name, id(item)) for name, item in self._arrays.items()}

    def write(self, name: str, values: Array) -> bool:
        """Overwrite one array with values of its shape; tell whether every value arrived as it was."""
        import numpy as np

        array = self._arrays[name]
        with np.errstate(all="ignore"):
            array[...] = values.astype(array.dtype)
            back = array.astype(values.dtype)
        return bool(np.all((back == values) | ((back != back) & (values != values))))
