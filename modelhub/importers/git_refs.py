"""Which branches and tags of git are taken in, under which names, and whether mh's may move to where they lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelhub.errors import ConflictError, InvalidInputError, RefNotFound
from modelhub.importers import import_notes
from modelhub.importers.git_repository import HEADS, REMOTES, TAGS, GitRef, GitRepository
from modelhub.importers.import_notes import ImportNotes
from modelhub.repository.names import check_ref_name
from modelhub.repository.refs import BRANCHES, Refs, describe
from modelhub.repository.repository import Repository
from modelhub.repository.walk import is_ancestor

ADVICE = "--prefix NAME/ puts all imported branches and tags below a name of their own"


@dataclass(frozen=True, slots=True)
class ChosenRefs:
    """mh's full ref names with the git commits they will lead to; `head` is the one git has checked out, if chosen."""

    commits: dict[str, str]
    head: str | None

    def tips(self) -> list[str]:
        """The git commits, each once."""
        return list(dict.fromkeys(self.commits.values()))


def choose(git: GitRepository, names: Sequence[str], prefix: str, notes: ImportNotes) -> ChosenRefs:
    """Return the refs of these names, or all local branches and tags.

    Raises RefNotFound for a name that git does not have, InvalidInputError for a bad prefix.
    """
    if prefix:
        check_ref_name(prefix + "x")
    known = {ref.name: ref for ref in git.refs(HEADS, TAGS, *((REMOTES,) if names else ()))}
    wanted = [_named(known, name) for name in names] or list(known.values())
    commits: dict[str, str] = {}
    head, default = git.head_branch(), None
    for ref in wanted:
        target = _target(ref.name, prefix)
        if ref.commit is None or not _is_allowed(target):
            why = "leads to no commit" if ref.commit is None else "cannot be a name here"
            notes.add(import_notes.REF, f"{ref.name} ({why})")
            continue
        commits[target] = ref.commit
        default = target if ref.name == head else default
    if not commits:
        raise RefNotFound(f"'{git.git_dir}' has no branch or tag with a commit", hint="--ref NAME takes a single one")
    return ChosenRefs(commits, default or next((name for name in commits if name.startswith(BRANCHES)), None))


def moved(repo: Repository, refs: Refs, chosen: ChosenRefs, images: Mapping[str, str]) -> Refs:
    """Return the ref table with the chosen refs at the images of their commits.

    A branch that is already further stays. Raises ConflictError where one went another way, and where a tag differs.
    """
    for name, sha in chosen.commits.items():
        image, present = images[sha], refs.table.get(name)
        if present is None:
            refs = refs.with_new(name, image)
        elif present != image:
            if not name.startswith(BRANCHES):
                raise _conflict(name, "leads elsewhere here")
            if is_ancestor(repo, present, image):
                refs = refs.having(name, image)
            elif not is_ancestor(repo, image, present):
                raise _conflict(name, "has commits here that git's branch does not have")
    return refs


def check_beforehand(git: GitRepository, refs: Refs, chosen: ChosenRefs, images: Mapping[str, str]) -> None:
    """Raise ConflictError where it is plain before anything is read that a ref cannot move; AlreadyExistsError too."""
    shas = {image: sha for sha, image in images.items()}
    for name, sha in chosen.commits.items():
        present = refs.table.get(name)
        if present is None:
            refs = refs.with_new(name, "")
        elif sha not in images:
            ours = shas.get(present)
            if not name.startswith(BRANCHES):
                raise _conflict(name, "leads elsewhere here")
            if ours is None or not git.succeeds("merge-base", "--is-ancestor", ours, sha):
                raise _conflict(name, "has commits here that git's branch does not have")


def _conflict(name: str, why: str) -> ConflictError:
    return ConflictError(f"{describe(name)} {why}: it cannot be moved to git's", hint=ADVICE)


def _named(known: Mapping[str, GitRef], name: str) -> GitRef:
    for candidate in (name, HEADS + name, TAGS + name, REMOTES + name):
        if candidate in known:
            return known[candidate]
    raise RefNotFound(f"git has no branch or tag '{name}'", hint="'git branch --all' and 'git tag' list them")


def _target(name: str, prefix: str) -> str:
    """A remote's branch becomes a branch of the same name."""
    if name.startswith(REMOTES):
        return BRANCHES + prefix + name.removeprefix(REMOTES).partition("/")[2]
    kind, short = name.split("/", 2)[1:]
    return f"refs/{kind}/{prefix}{short}"


def _is_allowed(target: str) -> bool:
    try:
        check_ref_name(target.split("/", 2)[2])
    except InvalidInputError:
        return False
    return True
