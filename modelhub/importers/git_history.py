"""Make a commit of mh's for each commit of git, so that the same history always gets the same ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelhub.catalog.ingest import catch_up
from modelhub.errors import StateError
from modelhub.importers import import_notes
from modelhub.importers.git_contents import GitContents, Tally
from modelhub.importers.git_landing import Landing, land, with_head
from modelhub.importers.git_objects import GitObjects
from modelhub.importers.git_refs import ChosenRefs, check_beforehand, choose, moved
from modelhub.importers.git_repository import HEADS, REMOTES, TAGS, GitRepository
from modelhub.importers.git_trees import GitTrees
from modelhub.importers.import_notes import ImportNotes
from modelhub.importers.kept_files import POINTER_NBYTES, KeepingTool, KeptFile, KeptFolder
from modelhub.progress import SILENT, Progress
from modelhub.repository.objects import CodeState, Commit, Entry, metric_value
from modelhub.repository.refs import BRANCHES, Refs
from modelhub.repository.repository import Act, Repository
from modelhub.repository.walk import ancestors

MARK = "import"
"""The entry of a commit's environment that names the tool whose history it was imported from."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import and how. `refs` empty: all local branches and tags; `fresh` takes nothing as known already."""

    source: Path
    refs: tuple[str, ...] = ()
    prefix: str = ""
    strict: bool = False
    fresh: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ImportedHistory:
    """What an import brought. `commits` are new ones, `known` were there; sizes in bytes.

    `kept` counts contents taken from the tool's store, `missing` those it does not have. `files`, `models` (files with
    tensors) and `read_nbytes` count each content once. `branch` is where HEAD is now, `written` the files put into the
    folder; `folder_left` where the folder had files of its own and was left. In a dry run it says what would come.
    """

    source: Path
    branches: tuple[str, ...]
    tags: tuple[str, ...]
    commits: int
    known: int
    files: int
    models: int
    kept: int
    missing: int
    read_nbytes: int
    stored_nbytes: int
    branch: str | None
    written: tuple[str, ...]
    folder_left: bool
    dry_run: bool
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Survey:
    """What the new commits hold, by a first look."""

    files: int = 0
    nbytes: int = 0
    kept: int = 0
    missing: int = 0
    _seen: set[str] = field(default_factory=set)

    def add(self, item: KeptFile | KeptFolder) -> None:
        """Count a file or the files of a folder, each once."""
        if item.key in self._seen:
            return
        self._seen.add(item.key)
        if isinstance(item, KeptFolder):
            for file in (item.files() or {}).values():
                self.add(file)
            return
        self.kept += item.place is not None
        self.missing += item.place is None
        self.nbytes += item.nbytes


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done. `images` are mh's commits by git's id, `known` those of earlier imports.

    `border` are the known ones that new ones descend from.
    """

    chosen: ChosenRefs
    new: list[tuple[str, tuple[str, ...]]]
    known: dict[str, str]
    images: dict[str, str]
    border: dict[str, str]
    survey: _Survey


def import_history(
    repo: Repository,
    git: GitRepository,
    tool: KeepingTool,
    notes: ImportNotes,
    *,
    act: Act,
    request: ImportRequest,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> ImportedHistory:
    """Import the history of a git repository with what a tool keeps beside it.

    Objects are made durable in batches, the refs move at the end in one operation: cut short, nothing has happened.
    Raises ConflictError where a branch or tag went another way here, StateError where `strict` and files are missing.
    """
    chosen = choose(git, request.refs, request.prefix, notes)
    with repo.writing(waiting=waiting), GitObjects(git) as objects:
        refs = with_head(repo.refs, chosen)
        plan = _plan(repo, git, objects, tool, chosen=chosen, fresh=request.fresh, progress=progress)
        _check(git, refs, plan, request, tool.advice)
        if request.dry_run:
            landing, tally = Landing(repo.refs.branch), _foretold(plan.survey)
        else:
            progress.start("importing", plan.survey.nbytes)
            catch_up(repo)
            contents = GitContents(repo, objects, tool, notes, strict=request.strict, progress=progress)
            with contents:
                importer = _Importer(repo, objects, contents, tool, notes)
                importer.run(plan)
                contents.flush()
            tally = contents.tally
            landing = land(repo, act, moved(repo, refs, chosen, plan.images), importer.without_models, progress)
    again = sum(plan.images.get(sha) == plan.known.get(sha, "") for sha, _ in plan.new)
    missing = plan.survey.missing + notes.count(import_notes.DAMAGED)
    return ImportedHistory(
        source=request.source,
        branches=_short(chosen, BRANCHES),
        tags=_short(chosen, TAGS),
        commits=len(plan.new) - again,
        known=len(plan.known) if not request.fresh else again,
        files=tally.files,
        models=tally.models,
        kept=tally.kept,
        missing=missing,
        read_nbytes=tally.read_nbytes,
        stored_nbytes=tally.stored_nbytes,
        branch=landing.branch,
        written=landing.written,
        folder_left=landing.folder_left,
        dry_run=request.dry_run,
        warnings=(*_limits(git, request, plan), *notes.warnings(), *((tool.advice,) if missing else ())),
    )


def _plan(
    repo: Repository,
    git: GitRepository,
    objects: GitObjects,
    tool: KeepingTool,
    *,
    chosen: ChosenRefs,
    fresh: bool,
    progress: Progress,
) -> _Plan:
    history = git.history(chosen.tips())
    known = _known_images(repo, tool.name, history)
    images = {} if fresh else dict(known)
    new = [(sha, parents) for sha, parents in history if sha not in images]
    border = {parent: images[parent] for _, parents in new for parent in parents if parent in images}
    tips = [tip for tip in chosen.tips() if tip not in images]
    survey = _Survey()
    for item in git.contents(tips, border) if tips else ():
        survey.files += 1
        survey.nbytes += item.size
        kept = tool.stand_in(objects.read(item.sha)) if item.size < POINTER_NBYTES else None
        if kept is not None:
            survey.files -= kept.place is not None
            survey.add(kept)
    progress.start("looking ahead", len(new), "commits")
    for sha, _ in new:
        progress.advance(1)
        for item_beside in tool.beside(objects, objects.commit(sha).tree).values():
            survey.add(item_beside)
    return _Plan(chosen, new, known, images, border, survey)


def _check(git: GitRepository, refs: Refs, plan: _Plan, request: ImportRequest, advice: str) -> None:
    """Raise what can be raised before anything is read."""
    if not request.fresh:
        check_beforehand(git, refs, plan.chosen, plan.images)
    if request.strict and plan.survey.missing:
        count = plan.survey.missing
        raise StateError(f"{count} content{' is' if count == 1 else 's are'} missing", hint=advice)


def _known_images(repo: Repository, tool: str, history: Sequence[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    """Return the commits that an earlier import made, by git's id: those whose parents are images as well."""
    candidates: dict[str, list[tuple[str, Commit]]] = {}
    for oid, commit in ancestors(repo, *repo.refs.held()):
        if commit.code is not None and commit.environment.get(MARK) == tool:
            candidates.setdefault(commit.code.commit, []).append((oid, commit))
    images: dict[str, str] = {}
    for sha, parents in history:
        expected = tuple(images.get(parent, "") for parent in parents)
        for oid, commit in candidates.get(sha, ()):
            if commit.parents == expected:
                images[sha] = oid
    return images


def _foretold(survey: _Survey) -> Tally:
    return Tally(files=survey.files + survey.kept, kept=survey.kept, read_nbytes=survey.nbytes)


def _limits(git: GitRepository, request: ImportRequest, plan: _Plan) -> Iterator[str]:
    if git.is_shallow:
        yield "this is a shallow clone: only the commits that git has here are imported ('git fetch --unshallow')"
    if request.refs:
        return
    local = {ref.commit for ref in git.refs(HEADS)}
    others = [ref.name.removeprefix(REMOTES) for ref in git.refs(REMOTES) if ref.commit not in local]
    if others:
        yield f"branches of remotes are left out unless named, such as --ref {others[0]}: {len(others)} are not here"


def _short(chosen: ChosenRefs, kind: str) -> tuple[str, ...]:
    return tuple(sorted(name.removeprefix(kind) for name in chosen.commits if name.startswith(kind)))


class _Importer:
    """Makes the commits of one import, parents before children."""

    def __init__(
        self, repo: Repository, objects: GitObjects, contents: GitContents, tool: KeepingTool, notes: ImportNotes
    ) -> None:  # fmt: skip
        self._repo = repo
        self._objects = objects
        self._contents = contents
        self._tool = tool
        self._trees = GitTrees(objects, contents, notes)
        self._tree_of: dict[str, str] = {}
        self._compared: set[tuple[str, str]] = set()
        self._has_models: dict[str, bool] = {}
        self.without_models: list[str] = []

    def run(self, plan: _Plan) -> None:
        """Make every new commit and add it to the images."""
        for sha, oid in plan.border.items():
            self._tree_of[oid] = self._repo.get(oid, Commit).tree
            self._learn(sha, self._tree_of[oid])
        for sha, parents in plan.new:
            plan.images[sha] = self._make(sha, tuple(plan.images[parent] for parent in parents))
            self._contents.flush_if_large()

    def _make(self, sha: str, parents: tuple[str, ...]) -> str:
        found = self._objects.commit(sha)
        self._contents.bases = [self._tree_of[parent] for parent in parents]
        beside = self._tool.beside(self._objects, found.tree)
        facts = self._tool.facts(self._objects, found.tree)
        tree = self._trees.place(self._trees.convert(found.tree), beside)
        oid = self._contents.put(
            Commit(
                tree=tree,
                parents=parents,
                author=found.author,
                time=found.time,
                offset=found.offset,
                message=found.message,
                params=facts.params,
                metrics={name: metric_value(value) for name, value in facts.metrics.items()},
                code=CodeState(sha, None, dirty=False),
                environment={MARK: self._tool.name},
            )
        )
        self._tree_of[oid] = tree
        if not any(map(self._holds_models, (tree, *self._contents.bases))):
            self.without_models.append(oid)
        return oid

    def _holds_models(self, tree: str) -> bool:
        if tree not in self._has_models:
            self._has_models[tree] = any(
                entry.manifest is not None or (entry.mode == "tree" and self._holds_models(entry.oid))
                for entry in self._contents.entries(tree).values()
            )
        return self._has_models[tree]

    def _learn(self, sha: str, tree: str) -> None:
        """Take over from a commit that was imported before what its files are here."""
        root = self._objects.commit(sha).tree
        self._learn_folder(root, tree, "")
        for path, item in self._tool.beside(self._objects, root).items():
            entry = self._contents.at(tree, path)
            if entry is not None and isinstance(item, KeptFolder) == (entry.mode == "tree"):
                self._learn_kept(item, path, entry)

    def _learn_folder(self, sha: str, tree: str, prefix: str) -> None:
        if (sha, tree) in self._compared:
            return
        self._compared.add((sha, tree))
        entries = self._contents.entries(tree)
        for item in self._objects.tree(sha):
            entry = entries.get(item.name)
            if entry is None or item.is_submodule:
                continue
            if item.is_folder and entry.mode == "tree":
                self._learn_folder(item.sha, entry.oid, f"{prefix}{item.name}/")
            elif item.is_link == (entry.mode == "link") and entry.mode != "tree":
                self._contents.learn(item.sha, prefix + item.name, entry)

    def _learn_kept(self, item: KeptFile | KeptFolder, path: str, entry: Entry) -> None:
        if isinstance(item, KeptFile):
            self._contents.learn(item.key, path, entry)
        elif (item.key, entry.oid) not in self._compared:
            self._compared.add((item.key, entry.oid))
            files = item.files() or {}
            for name, below in self._contents.files_below(entry.oid):
                if name in files:
                    self._contents.learn(files[name].key, f"{path}/{name}", below)
