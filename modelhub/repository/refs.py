"""The ref table: branches, tags and HEAD as one immutable value."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from modelhub.errors import AlreadyExistsError, RefNotFound
from modelhub.repository.names import check_ref_name

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"


class Refs(Struct, frozen=True):
    """HEAD and every ref. `head` is a full ref name (`refs/heads/main`), or a commit's id when detached.

    `forgotten` is the blob that lists the forgotten versions, None where there are none.
    """

    head: str
    table: dict[str, str]
    forgotten: str | None = None

    @property
    def branch(self) -> str | None:
        """The branch HEAD is on, by its short name; None when detached."""
        return self.head.removeprefix(BRANCHES) if self.head.startswith(BRANCHES) else None

    @property
    def head_commit(self) -> str | None:
        """The commit HEAD names; None before the first commit."""
        return self.table.get(self.head) if self.branch is not None else self.head

    def held(self) -> frozenset[str]:
        """Every commit that HEAD, a branch or a tag names."""
        head = self.head_commit
        return frozenset(self.table.values()) | (frozenset() if head is None else {head})

    def branches(self) -> dict[str, str]:
        """Branch names and their commits, sorted."""
        return self._short(BRANCHES)

    def tags(self) -> dict[str, str]:
        """Tag names and their commits, sorted."""
        return self._short(TAGS)

    def names_of(self, commit: str) -> list[str]:
        """The short names of the refs at a commit."""
        return sorted(name.split("/", 2)[2] for name, target in self.table.items() if target == commit)

    def advanced(self, commit: str) -> Refs:
        """The table after HEAD's branch (or detached HEAD) moved to a commit."""
        if self.branch is None:
            return replace(self, head=commit)
        return self.having(self.head, commit)

    def having(self, name: str, commit: str) -> Refs:
        """The table with a ref set, by its full name."""
        return replace(self, table={**self.table, name: commit})

    def with_new(self, name: str, commit: str, *, force: bool = False) -> Refs:
        """The table with a new ref. Raises AlreadyExistsError, or InvalidInputError for a bad name."""
        check_ref_name(name.split("/", 2)[2])
        if name in self.table and not force:
            raise AlreadyExistsError(
                f"{describe(name)} exists already, at {self.table[name][:10]}", hint="--force moves it"
            )
        clash = next(
            (other for other in self.table if other.startswith(name + "/") or name.startswith(other + "/")), None
        )
        if clash is not None:
            raise AlreadyExistsError(
                f"{describe(name)} cannot stand beside {describe(clash)}", hint="choose another name"
            )
        return self.having(name, commit)

    def without(self, name: str) -> Refs:
        """The table without a ref. Raises RefNotFound."""
        if name not in self.table:
            raise RefNotFound(f"there is no {describe(name)}", hint="'mh branch' and 'mh tag' list the names")
        return replace(self, table={key: value for key, value in self.table.items() if key != name})

    def _short(self, prefix: str) -> dict[str, str]:
        return {name.removeprefix(prefix): self.table[name] for name in sorted(self.table) if name.startswith(prefix)}


def describe(name: str) -> str:
    """Say a full ref name as a person would: branch 'main', tag 'v1'."""
    kind = "branch" if name.startswith(BRANCHES) else "tag"
    return f"{kind} '{name.split('/', 2)[2]}'"
