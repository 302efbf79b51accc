"""Whatever a person does in whatever order, the repository behaves as a few dicts would."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from contracts.answers import all_answers, forget_catalog
from contracts.project import Project, safetensors, weights
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from properties.naive_repository import File, Files, NaiveCommit, NaiveRepository, clashes, is_commit

from modelhub.errors import DirtyTree, MergeConflict, PathNotFound, RefNotFound, StateError
from modelhub.oid import oid_of
from modelhub.porcelain.branch import create_branch, delete_branch, rename_branch
from modelhub.porcelain.gc import gc
from modelhub.porcelain.log import log
from modelhub.porcelain.merge import MergeChoices, merge
from modelhub.porcelain.operations import undo
from modelhub.porcelain.reset import reset
from modelhub.porcelain.restore import restore, unstage
from modelhub.porcelain.tag import create_tag, delete_tag
from modelhub.repository.status import FileChange, load_index

PATHS = st.sampled_from(["a", "b.safetensors", "d", "d/x", "d/y", "d/e/z"])
BRANCHES = st.sampled_from(["main", "topic", "other"])
TAGS = st.sampled_from(["v1", "v2"])
MODES = st.sampled_from(["soft", "mixed", "hard"])

_MODEL = safetensors({"w": weights(1, 40, 40), "b": weights(2, 40)})
CONTENTS = {
    "empty": b"", "one": b"one", "two": b"two", "six": b"six",
    "model": _MODEL,
    "tuned": safetensors({"w": weights(1, 40, 40) + weights(3, 40, 40) * np.float32(0.01), "b": weights(2, 40)}),
    "re-saved": safetensors({"b": weights(2, 40), "w": weights(1, 40, 40)}, {"note": "re-saved"}),
    "truncated": _MODEL[:-5],
    "large": weights(9, 300_000).tobytes(),
    "to a": b"a", "to d/x": b"d/x",
}  # fmt: skip
FILES = st.one_of(
    st.tuples(st.sampled_from(["file", "file", "exec"]), st.sampled_from(list(CONTENTS)[:-2])),
    st.tuples(st.just("link"), st.sampled_from(list(CONTENTS)[-2:])),
)


class RepositoryMachine(RuleBasedStateMachine):
    """Every rule does the same to a repository and to its naive model, and expects the same outcome."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="mh-machine-"))
        self.project = Project(self.home / "project")
        self.model = NaiveRepository()

    def teardown(self) -> None:
        try:
            self._check_history()
            self._check_answers()
            self.project.assert_sound()
        finally:
            shutil.rmtree(self.home)

    # what a person does in the folder

    @rule(path=PATHS, named=FILES)
    def write(self, path: str, named: tuple[str, str]) -> None:
        file = (named[0], CONTENTS[named[1]])
        for other in sorted(clashes(path, self.model.work), reverse=True):
            self._unlink(other)
        self._put(path, file)
        self.model.write(path, file)

    @precondition(lambda self: self.model.work)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.model.work)))
        self._unlink(path)
        del self.model.work[path]

    @precondition(lambda self: any(mode != "link" for mode, _ in self.model.work.values()))
    @rule(data=st.data())
    def chmod(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(path for path, file in self.model.work.items() if file[0] != "link")))
        mode = "file" if self.model.work[path][0] == "exec" else "exec"
        (self.project.root / path).chmod(0o755 if mode == "exec" else 0o644)
        self.model.work[path] = (mode, self.model.work[path][1])

    # recording

    @rule()
    def add_all(self) -> None:
        self.project.add()
        self.model.add(self._known())

    @rule(paths=st.sets(PATHS, min_size=1))
    def add_some(self, paths: set[str]) -> None:
        known = self._known()
        chosen = {name for name in known for path in paths if name == path or name.startswith(path + "/")}
        if any(not any(name == path or name.startswith(path + "/") for name in known) for path in paths):
            with pytest.raises(PathNotFound):
                self.project.add(*paths)
            return
        self.project.add(*paths)
        self.model.add(sorted(chosen - self.model.work.keys()))
        self.model.add(sorted(chosen & self.model.work.keys()))

    @rule(message=st.sampled_from(["more", "a better one\n\nwith reasons", "µ"]))
    def commit(self, message: str) -> None:
        model = self.model
        if model.index == model.head_files:
            model.add(self._known())
        if model.index == model.head_files:
            with pytest.raises(StateError, match="nothing to commit"):
                self.project.commit(message)
            return
        done = self.project.commit(message)
        self._remember(done.commit, (model.refs.head_commit,))
        model.record(model.refs.advanced(done.commit), keeps_folder=True)
        assert done.branch == (None if is_commit(model.refs.head) else model.refs.head)

    # moving

    @rule(branch=BRANCHES, force=st.booleans())
    def switch(self, branch: str, force: bool) -> None:
        model = self.model
        if branch not in model.refs.branches and branch != model.refs.head:
            with pytest.raises(RefNotFound):
                self.project.switch(branch, force=force)
            return
        target = model.refs.copy()
        target.head = branch
        self._move(lambda: self.project.switch(branch, force=force), target, force=force)

    @precondition(lambda self: self.model.commits)
    @rule(data=st.data(), branch=st.sampled_from(["topic", "other"]))
    def switch_to_new(self, data: st.DataObject, branch: str) -> None:
        start = data.draw(st.sampled_from(sorted(self.model.commits)))
        target = self.model.refs.copy()
        target.head = branch
        if branch in target.branches or branch == self.model.refs.head:
            return
        target.branches[branch] = start
        self._move(lambda: self.project.switch(branch, create=True, start=start), target)

    @precondition(lambda self: self.model.commits)
    @rule(data=st.data(), force=st.booleans())
    def checkout(self, data: st.DataObject, force: bool) -> None:
        commit = data.draw(st.sampled_from(sorted(self.model.commits)))
        target = self.model.refs.copy()
        target.head = commit
        self._move(lambda: self.project.checkout(commit, force=force), target, force=force)

    @precondition(lambda self: self.model.refs.head_commit)
    @rule(data=st.data(), mode=MODES, force=st.booleans())
    def reset(self, data: st.DataObject, mode: str, force: bool) -> None:
        model = self.model
        commit = data.draw(st.sampled_from(sorted(model.commits)))
        moved = model.refs.advanced(commit)
        before, after = {**model.index, **model.head_files}, model.files_of(commit)

        def act() -> None:
            act = self.project.act(f"reset --{mode}")
            reset(self.project.repo, act=act, revision=commit, mode=mode, force=force)  # type: ignore[arg-type]

        if mode == "hard":
            beside = {path: file for path, file in model.index.items() if path not in model.head_files}
            lost = {path for path, file in beside.items() if after.get(path) != file}
            lost |= model.lost(before, after, keep_equal=False)
            stuck = model.stuck(before, after)
            if self._refused(act, set() if force else lost, stuck):
                return
            model.move(before, after, force=force, keep_equal=False)
        else:
            act()
        if mode == "mixed":
            model.index = dict(after)
        if moved != model.refs:
            model.record(moved, keeps_folder=mode != "hard")

    @rule(paths=st.sets(PATHS, min_size=1), force=st.booleans(), data=st.data())
    def restore(self, paths: set[str], force: bool, data: st.DataObject) -> None:
        model = self.model
        source = data.draw(st.sampled_from([None, *sorted(model.commits)]))
        known = model.index if source is None else model.files_of(source)
        chosen = self._below(known, paths)

        def act() -> None:
            restore(self.project.repo, paths=sorted(paths), source=source, force=force)

        if chosen is None:
            with pytest.raises(PathNotFound):
                act()
            return
        after = {path: known[path] for path in chosen}
        before = {path: model.head_files[path] for path in after if path in model.head_files}
        lost = set() if force else model.lost(before, after, keep_equal=False)
        if not self._refused(act, lost, model.stuck(before, after)):
            model.move(before, after, force=force, keep_equal=False)

    @rule(paths=st.sets(PATHS, min_size=1))
    def unstage(self, paths: set[str]) -> None:
        model = self.model
        chosen = self._below({**model.index, **model.head_files}, paths)
        if chosen is None:
            with pytest.raises(PathNotFound):
                unstage(self.project.repo, paths=sorted(paths))
            return
        unstage(self.project.repo, paths=sorted(paths))
        for path in chosen:
            model.index.pop(path, None)
        for path in chosen & model.head_files.keys():
            for other in clashes(path, list(model.index)):
                del model.index[other]
            model.index[path] = model.head_files[path]

    # refs

    @precondition(lambda self: self.model.refs.head_commit)
    @rule(name=BRANCHES)
    def make_branch(self, name: str) -> None:
        refs = self.model.refs.copy()
        if name in refs.branches:
            return
        create_branch(self.project.repo, act=self.project.act("branch"), name=name)
        refs.branches[name] = refs.head_commit or ""
        self.model.record(refs, keeps_folder=True)

    @rule(name=BRANCHES)
    def drop_branch(self, name: str) -> None:
        refs = self.model.refs.copy()
        if name not in refs.branches or name == refs.head:
            return
        delete_branch(self.project.repo, act=self.project.act("branch -d"), name=name, force=True)
        del refs.branches[name]
        self.model.record(refs, keeps_folder=True)

    @rule(old=BRANCHES, new=BRANCHES)
    def rename(self, old: str, new: str) -> None:
        refs = self.model.refs.copy()
        if old not in refs.branches or new in refs.branches:
            return
        rename_branch(self.project.repo, act=self.project.act("branch -m"), old=old, new=new)
        refs.branches[new] = refs.branches.pop(old)
        refs.head = new if refs.head == old else refs.head
        self.model.record(refs, keeps_folder=True)

    @precondition(lambda self: self.model.commits)
    @rule(data=st.data(), name=TAGS)
    def tag(self, data: st.DataObject, name: str) -> None:
        refs = self.model.refs.copy()
        if name in refs.tags:
            assert delete_tag(self.project.repo, act=self.project.act("tag -d"), name=name) == refs.tags.pop(name)
        else:
            refs.tags[name] = data.draw(st.sampled_from(sorted(self.model.commits)))
            create_tag(self.project.repo, act=self.project.act("tag"), name=name, revision=refs.tags[name])
        self.model.record(refs, keeps_folder=True)

    @precondition(lambda self: self.model.refs.head_commit)
    @rule(data=st.data(), take=st.sampled_from([None, "ours", "theirs"]), forward=st.sampled_from([None, False]))
    def merge(self, data: st.DataObject, take: str | None, forward: bool | None) -> None:
        model = self.model
        ours, theirs = model.refs.head_commit or "", data.draw(st.sampled_from(sorted(model.commits)))
        base = model.merge_base(ours, theirs)

        def act() -> str:
            choices = MergeChoices({}, take=take, fast_forward=forward)  # type: ignore[arg-type]
            return merge(self.project.repo, act=self.project.act("merge"), revision=theirs, choices=choices).commit

        if base == theirs:
            assert act() == ours
        elif base == ours and forward is None:
            self._move(act, model.refs.advanced(theirs))
        else:
            self._join(act, base, ours, theirs, take)

    def _join(self, act: Callable[[], str], base: str | None, ours: str, theirs: str, take: str | None) -> None:
        model = self.model
        merged, conflicts = model.merged(base, ours, theirs, take)
        head = model.head_files
        staged = {path for path in model.index.keys() | head.keys() if model.index.get(path) != head.get(path)}
        if conflicts:
            with pytest.raises(MergeConflict) as caught:
                act()
            assert set(caught.value.paths) == conflicts
        elif any(model.index.get(path) != merged.get(path) for path in staged):
            with pytest.raises(StateError, match="staged"):
                act()
        elif lost := model.lost(head, merged):
            with pytest.raises(DirtyTree) as refused:
                act()
            assert set(refused.value.paths) == lost
        else:
            commit = act()
            model.move(head, merged)
            self._remember(commit, (ours, theirs), merged)
            model.record(model.refs.advanced(commit))

    @rule(force=st.booleans())
    def undo(self, force: bool) -> None:
        model = self.model

        def act() -> None:
            undo(self.project.repo, act=self.project.act("undo"), force=force)

        if not model.done:
            with pytest.raises(StateError, match="nothing is left to undo"):
                act()
            return
        last = model.done[-1]
        after = model.files_of(last.before.head_commit)
        if last.keeps_folder or model.head_files == after:
            act()
        else:
            lost = set() if force else model.lost(model.head_files, after)
            if self._refused(act, lost, model.stuck(model.head_files, after)):
                return
            model.move(model.head_files, after, force=force)
        model.refs = last.before
        model.done.pop()

    # housekeeping

    @rule()
    def collect_garbage(self) -> None:
        gc(self.project.repo, act=self.project.act("gc"), grace_days=0)

    @rule()
    def open_again(self) -> None:
        self.project.repo = self.project.again()

    @rule()
    def lose_the_catalog(self) -> None:
        self._check_answers()

    # what always holds

    @invariant()
    def folder_index_and_refs_are_as_the_model_says(self) -> None:
        model, repo = self.model, self.project.repo
        assert self.project.folder() == model.work
        entries = load_index(repo).entries
        assert {path: (entry.mode, entry.oid) for path, entry in entries.items()} == _named(model.index)
        refs = repo.refs
        assert (refs.branch or refs.head) == model.refs.head
        assert refs.branches() == model.refs.branches
        assert refs.tags() == model.refs.tags

    @invariant()
    def status_says_what_differs(self) -> None:
        model, found = self.model, self.project.status()
        head = model.head_files
        assert _paths(found.staged) == {
            path for path in model.index.keys() | head.keys() if model.index.get(path) != head.get(path)
        }
        assert _paths(found.unstaged) == {path for path in model.index if model.work.get(path) != model.index[path]}
        assert set(found.untracked) == model.work.keys() - model.index.keys()

    def _check_history(self) -> None:
        for oid, commit in self.model.commits.items():
            assert self.project.files_of(oid) == commit.files
        if self.model.refs.head_commit is not None:
            entries = list(log(self.project.repo))
            assert {entry.commit for entry in entries} == self.model.ancestors(self.model.refs.head_commit)
            seen: set[str] = set()
            for entry in entries:
                assert entry.parents == self.model.commits[entry.commit].parents
                assert not seen & set(entry.parents)
                seen.add(entry.commit)

    def _check_answers(self) -> None:
        before = all_answers(self.project.repo)
        forget_catalog(self.project.repo)
        assert all_answers(self.project.repo) == before

    # tools

    def _known(self) -> list[str]:
        gone = sorted(self.model.index.keys() - self.model.work.keys())
        return gone + sorted(self.model.work)

    @staticmethod
    def _below(known: Files, paths: set[str]) -> set[str] | None:
        chosen = set()
        for path in paths:
            inside = {name for name in known if name == path or name.startswith(path + "/")}
            if not inside:
                return None
            chosen |= inside
        return chosen

    def _move(self, act: Callable[[], object], target: object, *, force: bool = False) -> None:
        model = self.model
        before, after = model.head_files, model.files_of(target.head_commit)  # type: ignore[attr-defined]
        lost = set() if force else model.lost(before, after)
        if self._refused(act, lost, model.stuck(before, after) if force else set()):
            return
        model.move(before, after, force=force)
        if target != model.refs:
            model.record(target)  # type: ignore[arg-type]

    @staticmethod
    def _refused(act: Callable[[], object], lost: set[str], stuck: set[str]) -> bool:
        """Act; where that must be refused, check that it is, for these paths."""
        if not lost and not stuck:
            act()
            return False
        with pytest.raises(DirtyTree) as caught:
            act()
        assert set(caught.value.paths) == (lost or stuck)
        return True

    def _remember(self, commit: str, parents: tuple[str | None, ...], files: Files | None = None) -> None:
        known = tuple(parent for parent in parents if parent is not None)
        content = dict(self.model.index if files is None else files)
        self.model.commits[commit] = NaiveCommit(content, known, self.project.now)

    def _put(self, path: str, file: File) -> None:
        mode, content = file
        place = self.project.root / path
        if place.is_symlink():
            place.unlink()
        if mode == "link":
            place.unlink(missing_ok=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(os.fsdecode(content))
        else:
            self.project.write(path, content, executable=mode == "exec")

    def _unlink(self, path: str) -> None:
        place = self.project.root / path
        place.unlink()
        for folder in place.relative_to(self.project.root).parents:
            if folder.name and not any((self.project.root / folder).iterdir()):
                (self.project.root / folder).rmdir()


def _named(files: Files) -> dict[str, tuple[str, str]]:
    return {path: (mode, oid_of(content)) for path, (mode, content) in files.items()}


def _paths(changes: tuple[FileChange, ...]) -> set[str]:
    return {path for change in changes for path in (change.path, change.old_path) if path is not None}


RepositoryMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRepositoryMachine = RepositoryMachine.TestCase
