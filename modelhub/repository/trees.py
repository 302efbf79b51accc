"""Trees as a flat table of paths, and back. Only folders that differ are read when two trees are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from modelhub.errors import IntegrityError, PathNotFound
from modelhub.repository.names import MAX_DEPTH, check_name
from modelhub.repository.objects import Entry, Tree
from modelhub.repository.repository import Repository, put

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

Files = dict[str, Entry]
Entries = Mapping[str, Entry]


class Changed(Struct, frozen=True):
    """One path that differs between two trees; None where it is not in one of them."""

    path: str
    before: Entry | None
    after: Entry | None


def read_files(repository: Repository, tree: str | None, prefix: str = "") -> Files:
    """Return every file below a tree by its path. Names are checked against the rules of `names`."""
    found: Files = {}
    if tree is not None:
        _collect(repository, tree, prefix, found)
    return found


def _collect(repository: Repository, tree: str, prefix: str, found: Files) -> None:
    if prefix.count("/") > MAX_DEPTH:
        raise IntegrityError(f"the folders of tree {tree[:12]} are nested more than {MAX_DEPTH} deep")
    for name, entry in repository.get(tree, Tree).entries.items():
        check_name(name)
        if entry.mode == "tree":
            _collect(repository, entry.oid, f"{prefix}{name}/", found)
        else:
            found[prefix + name] = entry


def write_tree(writer: ObjectWriter, table: Mapping[str, Entry]) -> str:
    """Write the trees of a flat table of files and return the id of the topmost."""
    nested: dict[str, object] = {}
    for path, entry in table.items():
        *folders, name = path.split("/")
        place = nested
        for folder in folders:
            place = place.setdefault(folder, {})  # type: ignore[assignment]
        place[name] = Entry(entry.mode, entry.oid, entry.size, entry.manifest)
    return _write_folder(writer, nested)


def _write_folder(writer: ObjectWriter, nested: dict[str, object]) -> str:
    entries = {}
    for name, item in nested.items():
        entries[name] = item if isinstance(item, Entry) else Entry("tree", _write_folder(writer, item), 0)  # type: ignore[arg-type]
    return put(writer, Tree(entries))


def changed_files(repository: Repository, before: str | None, after: str | None) -> Iterator[Changed]:
    """Yield the files that differ between two trees, in path order; equal folders are not read."""
    return changed_between(lambda tree: repository.get(tree, Tree).entries, before, after)


def changed_between(
    read: Callable[[str], Entries], before: str | None, after: str | None, prefix: str = ""
) -> Iterator[Changed]:
    """Yield what `changed_files` does; `read` gives the entries of a tree."""
    if before == after:
        return
    if prefix.count("/") > MAX_DEPTH:
        raise IntegrityError(f"the folders below '{prefix[:60]}…' are nested more than {MAX_DEPTH} deep")
    old = read(before) if before else {}
    new = read(after) if after else {}
    for name in sorted(old.keys() | new.keys()):
        check_name(name)
        left, right = old.get(name), new.get(name)
        if left != right:
            yield from _changed_entry(read, prefix + name, left, right)


def _changed_entry(
    read: Callable[[str], Entries], path: str, left: Entry | None, right: Entry | None
) -> Iterator[Changed]:
    left_tree = left.oid if left and left.mode == "tree" else None
    right_tree = right.oid if right and right.mode == "tree" else None
    left_file = None if left_tree else left
    right_file = None if right_tree else right
    if left_file or right_file:
        yield Changed(path, left_file, right_file)
    if left_tree or right_tree:
        yield from changed_between(read, left_tree, right_tree, path + "/")


def find_entry(repository: Repository, tree: str, path: str) -> Entry:
    """Return the entry at a path. Raises PathNotFound. Cost: one tree a folder."""
    entry = Entry("tree", tree, 0)
    for part in path.split("/"):
        entries = repository.get(entry.oid, Tree).entries if entry.mode == "tree" else {}
        if part not in entries:
            raise PathNotFound(f"there is no '{path}' in that version", hint="'mh ls REV' lists its files")
        entry = entries[part]
    return entry
