"""Turn git's trees into mh's, each once, and place files beside what git has."""

from __future__ import annotations

from modelhub.errors import UnsafePath
from modelhub.importers import import_notes
from modelhub.importers.git_contents import GitContents
from modelhub.importers.git_objects import GitEntry, GitObjects
from modelhub.importers.import_notes import ImportNotes
from modelhub.importers.kept_files import KeptFolder, KeptThings
from modelhub.repository.names import MAX_DEPTH, check_name, check_path, check_siblings, folded
from modelhub.repository.objects import Entry, Mode, Tree, identify

Nested = dict[str, "Entry | Nested"]


class GitTrees:
    """Converts trees. What mh cannot name is left out and noted."""

    def __init__(self, objects: GitObjects, contents: GitContents, notes: ImportNotes) -> None:
        self._objects = objects
        self._contents = contents
        self._notes = notes
        self._converted: dict[str, str] = {}
        self._folders: dict[str, str | None] = {}
        self._empty = identify(Tree({}))

    def convert(self, sha: str, prefix: str = "") -> str:
        """Record a git tree and all below it; return the id of mh's tree."""
        if sha not in self._converted:
            siblings = _Siblings(self._contents, self._notes, prefix)
            for entry in self._objects.tree(sha):
                made = self._entry(entry, prefix + entry.name)
                if made is not None:
                    siblings.add(entry.name, made)
            self._converted[sha] = self._contents.put(Tree(siblings.entries))
        return self._converted[sha]

    def place(self, tree: str, beside: KeptThings) -> str:
        """Return the tree with further files in it; what git has stays as it is."""
        nested: Nested = {}
        for path, item in sorted(beside.items()):
            if not self._is_safe(path):
                continue
            entry = self._folder(item, path) if isinstance(item, KeptFolder) else self._contents.kept(item, path)
            if entry is not None:
                _nest(nested, path, entry)
        return self._graft(tree, nested, "") if nested else tree

    def _entry(self, entry: GitEntry, path: str) -> Entry | None:
        if entry.is_submodule:
            self._notes.add(import_notes.SUBMODULE, path)
            return None
        try:
            check_name(entry.name)
        except UnsafePath:
            self._notes.add(import_notes.UNSAFE, path)
            return None
        if not entry.is_folder:
            mode: Mode = "link" if entry.is_link else "exec" if entry.mode & 0o100 else "file"
            return self._contents.blob(entry.sha, path, mode)
        if path.count("/") >= MAX_DEPTH - 1:
            self._notes.add(import_notes.UNSAFE, path)
            return None
        oid = self.convert(entry.sha, path + "/")
        return None if oid == self._empty else Entry("tree", oid, 0)

    def _is_safe(self, path: str) -> bool:
        try:
            check_path(path)
        except UnsafePath:
            self._notes.add(import_notes.UNSAFE, path)
            return False
        return True

    def _folder(self, folder: KeptFolder, path: str) -> Entry | None:
        """Record a tracked folder; the tree of one that was met before is known."""
        if folder.key not in self._folders:
            nested: Nested = {}
            files = folder.files()
            if files is None:
                self._notes.add(import_notes.DAMAGED, path, folder.key)
            for name, file in sorted((files or {}).items()):
                found = self._contents.kept(file, f"{path}/{name}") if self._is_safe(f"{path}/{name}") else None
                if found is not None:
                    _nest(nested, name, found)
            self._folders[folder.key] = self._graft(None, nested, path + "/") if nested else None
        oid = self._folders[folder.key]
        return None if oid is None else Entry("tree", oid, 0)

    def _graft(self, tree: str | None, nested: Nested, prefix: str) -> str:
        entries = self._contents.entries(tree) if tree is not None else {}
        siblings = _Siblings(self._contents, self._notes, prefix)
        for name, entry in entries.items():
            siblings.add(name, entry)
        for name, item in nested.items():
            old = entries.get(name)
            made = self._joined(old, item, f"{prefix}{name}/")
            if made is not None and made != old:
                siblings.add(name, made)
        return self._contents.put(Tree(siblings.entries))

    def _joined(self, old: Entry | None, new: Entry | Nested, prefix: str) -> Entry | None:
        """Two folders become one; anything else of git's stays."""
        if old is not None and old.mode != "tree":
            return old
        if isinstance(new, dict):
            return Entry("tree", self._graft(None if old is None else old.oid, new, prefix), 0)
        if old is None:
            return new
        inner: Nested = dict(self._contents.entries(new.oid)) if new.mode == "tree" else {}
        return Entry("tree", self._graft(old.oid, inner, prefix), 0)


class _Siblings:
    """The names of one folder; of two that some file system takes for one the first is kept."""

    def __init__(self, contents: GitContents, notes: ImportNotes, prefix: str) -> None:
        self.entries: dict[str, Entry] = {}
        self._contents = contents
        self._notes = notes
        self._prefix = prefix
        self._by_fold: dict[str, list[str]] = {}

    def add(self, name: str, entry: Entry) -> None:
        """Take a name in, unless it clashes."""
        others = [other for other in self._by_fold.setdefault(folded(name), []) if other != name]
        if others and not self._go_together([*others, name], self.entries | {name: entry}):
            self._notes.add(import_notes.CLASHING, self._prefix + name)
            return
        self._by_fold[folded(name)].append(name)
        self.entries[name] = entry

    def _go_together(self, names: list[str], entries: dict[str, Entry]) -> bool:
        try:
            check_siblings([path for name in names for path in self._paths(name, entries[name])])
        except UnsafePath:
            return False
        return True

    def _paths(self, path: str, entry: Entry) -> list[str]:
        below = self._contents.files_below(entry.oid, f"{path}/") if entry.mode == "tree" else ()
        return [place for place, _ in below] if entry.mode == "tree" else [path]


def _nest(nested: Nested, path: str, entry: Entry) -> None:
    *folders, name = path.split("/")
    for folder in folders:
        below = nested.setdefault(folder, {})
        if not isinstance(below, dict):
            return
        nested = below
    nested.setdefault(name, entry)
