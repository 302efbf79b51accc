"""Write a lossy copy of a recorded model: smaller numbers, in a safetensors file that says what it was made from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelhub.errors import AlreadyExistsError, InvalidInputError, UnsafePath
from modelhub.files import TempFile, make_folders
from modelhub.formats.safetensors_writer import write_header
from modelhub.porcelain.load import LoadedFile
from modelhub.porcelain.lossy_copy import LossyCopy
from modelhub.porcelain.model_cards import FROM_KEY, RELATION_KEY
from modelhub.porcelain.model_tensors import ModelTensors, read_model
from modelhub.porcelain.places import Located, holding_version, locate
from modelhub.progress import SILENT, Progress
from modelhub.repository.content import read_manifest
from modelhub.repository.repository import Repository
from modelhub.repository.trees import Files
from modelhub.weights.schemes import Scheme, parse_scheme
from modelhub.weights.written_tensor import WrittenTensor

if TYPE_CHECKING:
    from modelhub.weights.loss import Loss

SUFFIX = ".safetensors"
SCHEME_KEY = "modelhub.as"


@dataclass(frozen=True, slots=True)
class ExportedTensor:
    """A tensor that was written with other numbers. `relative`: norm of the difference / norm before.

    `largest` is the largest absolute difference. `overflowed` numbers became infinite, `zeroed` ones 0.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    relative: float | None
    largest: float
    overflowed: int
    zeroed: int


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The file that was written. Sizes are of whole files, in bytes; `tensors` are those that changed, `kept` counts
    the others.

    `source` is the place of the model by its version's whole id, empty for a file of a run that is in no version:
    then nothing can be recorded. `inside` says that the file lies in the repository's folder.
    """

    path: str
    scheme: str
    relation: str
    source: str
    inside: bool
    nbytes_before: int
    nbytes_after: int
    kept: int
    tensors: tuple[ExportedTensor, ...]

    @property
    def overflowed(self) -> int:
        """How many finite numbers became infinite."""
        return sum(item.overflowed for item in self.tensors)

    @property
    def zeroed(self) -> int:
        """How many numbers became 0."""
        return sum(item.zeroed for item in self.tensors)

    @property
    def worst(self) -> ExportedTensor | None:
        """The tensor with the largest relative error."""
        return max(self.tensors, key=lambda item: item.relative or 0.0, default=None)


def export(
    repo: Repository,
    *,
    place: str,
    scheme: str,
    output: Path | None = None,
    dequantized: bool = False,
    force: bool = False,
    progress: Progress = SILENT,
) -> ExportResult:
    """Write the model at `REV:PATH` as a scheme has it into a new file, by default beside it.

    The file names its source, so that the commit which takes it in has the derivation. One tensor is in memory at a
    time; each is read once or twice. Raises PathNotFound, RefNotFound, AlreadyExistsError unless `force`, and
    InvalidInputError for numbers that the scheme cannot have; then nothing is written.
    """
    how = parse_scheme(scheme)
    if dequantized and how.kind == "half":
        raise InvalidInputError(f"{scheme} has no codes: any loader reads it", hint="leave --dequantized away")
    found = locate(repo, place)
    files = found.files(repo)
    if not found.path:
        raise InvalidInputError(f"'{place}' names no file", hint="write REV:PATH, such as HEAD:model.safetensors")
    model = read_model(repo, files, found.path)
    final = _final(repo, output, model, how, dequantized=dequantized)
    _check_free(repo, final, force=force)
    source = _source(repo, found, files, model)
    copy = LossyCopy.plan(_opened(repo, files, model), how, dequantized=dequantized)
    header = write_header(copy.order(), _metadata(copy.metadata, how, source, dequantized=dequantized))
    progress.start("converting", sum(item.nbytes for item in copy.order()))
    make_folders(final.parent)
    with TempFile(final.parent, mode=0o644, ahead=True) as temp:
        temp.write(header)
        for block in copy.blocks():
            temp.write(block)
            progress.advance(len(block))
        temp.replace(final) if force else temp.publish(final)
    return ExportResult(
        path=str(final),
        scheme=how.name,
        relation=how.relation,
        source=source,
        inside=_is_inside(final, repo.layout.root),
        nbytes_before=sum(files[path].size for path in model.files),
        nbytes_after=temp.size,
        kept=len(copy.kept),
        tensors=tuple(_exported(item, copy.losses[name]) for name, item in copy.changed.items()),
    )


def _final(repo: Repository, output: Path | None, model: ModelTensors, how: Scheme, *, dequantized: bool) -> Path:
    if output is not None:
        if output.suffix != SUFFIX:
            raise InvalidInputError(f"'{output}' is no name of a safetensors file", hint=f"-o takes a name in {SUFFIX}")
        return Path(os.path.abspath(output))
    stem = re.sub(r"-\*-of-\d+$", "", model.path.rpartition(".")[0] or model.path)
    return repo.layout.root / f"{stem}.{how.name}{'.dequantized' if dequantized else ''}{SUFFIX}"


def _check_free(repo: Repository, final: Path, *, force: bool) -> None:
    if _is_inside(final, repo.layout.folder):
        raise UnsafePath(f"'{final}' lies in the repository's own folder", hint="name a file outside .mh")
    if final.is_dir():
        raise InvalidInputError(f"'{final}' is a folder", hint=f"-o takes a name in {SUFFIX}")
    if os.path.lexists(final) and not force:
        raise AlreadyExistsError(f"'{final.name}' is there already", hint="--force overwrites it, -o names another")


def _is_inside(path: Path, folder: Path) -> bool:
    return (path.parent.resolve() / path.name).is_relative_to(folder.resolve())


def _source(repo: Repository, found: Located, files: Files, model: ModelTensors) -> str:
    """Return the place of the model, of several files the first, in a version."""
    path = found.path if found.path in model.files else model.files[0]
    if found.run is None:
        return f"{found.commit}:{path}"
    place = holding_version(repo, found.run, path, files[path])
    return "" if place is None else f"{place.commit}:{place.path}"


def _metadata(own: Mapping[str, str], how: Scheme, source: str, *, dequantized: bool) -> dict[str, str]:
    """Return what the new file says of itself: what the model's file said, how it was written and from what."""
    stated = {SCHEME_KEY: f"{how.name} dequantized" if dequantized else how.name}
    if source:
        stated |= {FROM_KEY: source, RELATION_KEY: how.relation}
    return {key: text for key, text in own.items() if not key.startswith("modelhub.")} | stated


def _opened(repo: Repository, files: Files, model: ModelTensors) -> list[LoadedFile]:
    return [LoadedFile(repo, files[path]) for path in model.files if _has_tensors(repo, files, path)]


def _has_tensors(repo: Repository, files: Files, path: str) -> bool:
    manifest = read_manifest(repo, files[path])
    return manifest is not None and bool(manifest.tensors())


def _exported(item: WrittenTensor, loss: Loss) -> ExportedTensor:
    return ExportedTensor(
        item.name, item.dtype, item.shape, loss.relative, loss.largest, loss.overflowed, loss.zeroed
    )  # fmt: skip
