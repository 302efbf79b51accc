"""Tests of importing a git history: the same commits, refs and files, again and again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from contracts.git_project import GitProject
from contracts.project import Project

from modelhub.errors import AlreadyExistsError, ConflictError, DirtyTree, InvalidInputError, RefNotFound
from modelhub.importers import git_contents
from modelhub.importers.git_history import ImportedHistory, ImportRequest
from modelhub.importers.git_lfs import import_git_lfs
from modelhub.porcelain.operations import operation_log, undo
from modelhub.progress import Silent
from modelhub.repository.objects import Commit, Person
from modelhub.repository.walk import ancestors


def run_import(project: Project, source: Path, **choices: object) -> ImportedHistory:
    request = ImportRequest(source, **choices)  # type: ignore[arg-type]
    return import_git_lfs(project.repo, act=project.act("import git-lfs"), request=request)


def by_git(project: Project) -> dict[str, tuple[str, Commit]]:
    found = {}
    for oid, commit in ancestors(project.repo, *project.repo.refs.held()):
        if commit.environment.get("import"):
            assert commit.code is not None
            found[commit.code.commit] = (oid, commit)
    return found


@pytest.fixture
def source(tmp_path: Path) -> GitProject:
    return GitProject(tmp_path / "source")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_author_time_zone_and_message_are_git_s(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    sha = source.commit("subject\n\n  body, indented\n\n\nZoë\n")
    run_import(project, source.root)
    _, commit = by_git(project)[sha]
    assert commit.author == Person("Grace Hopper", "grace@example.org")
    assert (commit.time, commit.offset) == (1_700_000_060_000, 330)
    assert commit.message == "subject\n\n  body, indented\n\n\nZoë"
    assert commit.code is not None
    assert (commit.code.branch, commit.code.dirty) == (None, False)


def test_a_merge_keeps_all_its_parents_in_order(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    base = source.commit()
    for name in ("one", "two", "three"):
        source.git("checkout", "-q", "-b", name, base)
        source.write(name, name)
        source.commit()
    source.git("checkout", "-q", "main")
    source.git("merge", "-q", "-m", "octopus", "--no-ff", "one", "two", "three")
    run_import(project, source.root)
    found = by_git(project)
    for sha, (_, commit) in found.items():
        parents = source.git("rev-parse", f"{sha}^@").split()
        assert commit.parents == tuple(found[parent][0] for parent in parents)
    assert len(found[source.head()][1].parents) in (3, 4)


def test_branches_and_tags_keep_their_names(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    first = source.commit()
    source.git("tag", "plain")
    source.git("tag", "-a", "-m", "words", "annotated")
    source.git("tag", "-a", "-m", "a tag of a tag", "nested", "annotated")
    source.git("tag", "of-a-tree", "HEAD^{tree}")
    source.git("branch", "feature/x")
    result = run_import(project, source.root)
    oid = by_git(project)[first][0]
    refs = project.repo.refs
    assert refs.branches() == {"feature/x": oid, "main": oid}
    assert refs.tags() == {"annotated": oid, "nested": oid, "plain": oid}
    assert any("of-a-tree" in warning for warning in result.warnings)


def test_files_links_and_modes_are_the_same(project: Project, source: GitProject) -> None:
    source.write("folder/deep/file.txt", "x\r\n")
    source.write("run.sh", "#!/bin/sh\n", executable=True)
    source.write("empty", "")
    (source.root / "link").symlink_to("folder/deep")
    (source.root / "folder" / "up").symlink_to("../run.sh")
    source.write("large.bin", os.urandom(5 << 20))
    sha = source.commit()
    run_import(project, source.root)
    assert project.files_of(by_git(project)[sha][0]) == source.checked_out(sha)
    assert project.folder() == source.checked_out(sha)
    assert project.status().clean
    project.assert_sound()


def test_importing_twice_makes_nothing_new(project: Project, source: GitProject) -> None:
    for step in range(3):
        source.write("a", str(step))
        source.commit()
    first = run_import(project, source.root)
    objects, operations = set(project.repo.store.ids()), len(operation_log(project.repo))
    again = run_import(project, source.root)
    assert (first.commits, again.commits, again.known) == (3, 0, 3)
    assert (set(project.again().store.ids()), len(operation_log(project.repo))) == (objects, operations)
    fresh = run_import(project, source.root, fresh=True)
    assert (fresh.commits, fresh.known, set(project.again().store.ids())) == (0, 3, objects)


def test_the_same_history_has_the_same_ids_everywhere(project: Project, source: GitProject, tmp_path: Path) -> None:
    source.write("a", "1")
    source.commit()
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(source.root), str(bare)], check=True)
    other = Project(tmp_path / "other")
    run_import(project, source.root)
    run_import(other, bare)
    assert project.repo.refs == other.repo.refs


def test_only_what_is_new_is_read_when_git_went_on(project: Project, source: GitProject) -> None:
    source.write("old.bin", b"old" * 1000)
    source.write("sub/kept.bin", b"kept" * 1000)
    source.commit()
    run_import(project, source.root)
    source.write("new.bin", b"new" * 1000)
    sha = source.commit()
    source.git("tag", "v2")
    result = run_import(project, source.root)
    assert (result.commits, result.known, result.read_nbytes) == (1, 1, 3000)
    other = Project(project.root.parent / "at-once")
    run_import(other, source.root)
    assert other.repo.refs == project.repo.refs
    assert project.files_of(by_git(project)[sha][0]) == source.checked_out(sha)


def test_a_branch_that_moved_on_here_only_stays(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    source.commit()
    run_import(project, source.root)
    mine = project.save("b", "mine")
    run_import(project, source.root)
    assert project.repo.refs.head_commit == mine


def test_a_branch_that_moved_on_here_and_in_git_is_refused(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    source.commit()
    run_import(project, source.root)
    mine = project.save("b", "mine")
    source.write("c", "theirs")
    source.commit()
    with pytest.raises(ConflictError, match="branch 'main'") as caught:
        run_import(project, source.root)
    assert "--prefix" in (caught.value.hint or "")
    with pytest.raises(ConflictError, match="branch 'main'"):
        run_import(project, source.root, fresh=True)
    assert project.repo.refs.head_commit == mine
    assert run_import(project, source.root, prefix="git/").branches == ("git/main",)
    assert set(project.repo.refs.branches()) == {"main", "git/main"}


def test_history_that_git_rewrote_is_refused(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    source.commit()
    source.write("a", "2")
    source.commit()
    run_import(project, source.root)
    source.git("reset", "-q", "--hard", "HEAD~1")
    source.write("a", "3")
    source.commit()
    with pytest.raises(ConflictError, match="branch 'main'"):
        run_import(project, source.root)


def test_a_tag_that_leads_elsewhere_is_refused(project: Project, source: GitProject) -> None:
    project.save("mine", "1")
    project.repo.record(project.act("tag"), project.repo.refs.with_new("refs/tags/v1", project.repo.head_commit()))
    source.write("a", "1")
    source.commit()
    source.git("tag", "v1")
    source.git("branch", "-m", "theirs")
    with pytest.raises(ConflictError, match="tag 'v1'"):
        run_import(project, source.root)


def test_a_name_that_cannot_stand_beside_another_is_refused_at_once(project: Project, source: GitProject) -> None:
    project.save("mine", "1")
    source.write("a", "1")
    source.commit()
    source.git("branch", "-m", "main/sub")
    before = set(project.repo.store.ids())
    with pytest.raises(AlreadyExistsError):
        run_import(project, source.root)
    assert set(project.again().store.ids()) == before


def test_a_history_of_one_s_own_is_kept_beside(project: Project, source: GitProject) -> None:
    mine = project.save("mine", "1")
    source.write("a", "1")
    source.commit()
    result = run_import(project, source.root, prefix="theirs/")
    assert (result.branch, result.written) == ("main", ())
    assert project.repo.refs.branches().keys() == {"main", "theirs/main"}
    assert project.repo.refs.head_commit == mine
    assert project.folder().keys() == {"mine"}


def test_head_is_git_s_branch_in_an_empty_repository(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    source.commit()
    source.git("branch", "zzz")
    source.git("branch", "-m", "trunk")
    result = run_import(project, source.root)
    assert (result.branch, result.written, result.folder_left) == ("trunk", ("a",), False)


def test_files_in_the_folder_are_left_alone(project: Project, source: GitProject) -> None:
    source.write("a", "theirs")
    source.write("b", "same")
    source.commit()
    project.write("a", "mine")
    project.write("b", "same")
    result = run_import(project, source.root)
    assert (result.folder_left, result.written) == (True, ())
    assert project.folder() == {"a": ("file", b"mine"), "b": ("file", b"same")}
    changes = {(change.kind, change.path) for change in project.status().unstaged}
    assert changes == {("modified", "a")}


def test_git_s_own_folder_can_be_imported_in_place(source: GitProject) -> None:
    source.write("a", "1")
    source.commit()
    project = Project(source.root)
    assert run_import(project, source.root).folder_left
    assert project.status().clean
    source.write("a", "2")
    source.commit()
    result = run_import(project, source.root)
    assert (result.commits, result.written) == (1, ())
    assert project.status().clean


def test_the_folder_follows_its_branch_unless_work_would_be_lost(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    source.commit()
    run_import(project, source.root)
    source.write("a", "2")
    source.commit()
    project.write("a", "mine")
    before = project.repo.refs
    with pytest.raises(DirtyTree, match="'main' would move"):
        run_import(project, source.root)
    assert project.repo.refs == before
    project.write("a", "1")
    assert run_import(project, source.root).written == ("a",)
    assert project.read("a") == b"2"


def test_files_staged_before_the_first_commit_stay_staged(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    source.commit()
    project.write("mine", "1")
    project.add()
    assert run_import(project, source.root).written == ("a",)
    assert {(change.kind, change.path) for change in project.status().staged} == {("added", "mine")}
    project.assert_sound()


def test_undo_takes_an_import_back_and_leaves_the_files(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    source.commit()
    source.git("tag", "v1")
    before = project.repo.refs
    run_import(project, source.root)
    undo(project.repo, act=project.act("undo"))
    assert project.repo.refs == before
    assert project.folder().keys() == {"a"}


def test_names_that_mh_refuses_are_left_out_with_a_warning(project: Project, source: GitProject) -> None:
    blob = source.git("hash-object", "-w", "--stdin", given=b"x")
    names = [b"fine", b"CON.txt", b"tail.", b"a\\b", b"lat\xefn", "zero\u200bwidth".encode(), b"Readme", b"readme"]
    rows = b"".join(b"100644 blob " + blob.encode() + b"\t" + name + b"\0" for name in names)
    inner = source.git("mktree", "-z", given=rows)
    tree = source.git("mktree", "-z", given=f"040000 tree {inner}\t.MH\x00040000 tree {inner}\tsub\x00".encode())
    sha = source.git("commit-tree", tree, "-m", "odd")
    source.git("update-ref", "refs/heads/main", sha)
    result = run_import(project, source.root)
    assert project.files_of(by_git(project)[sha][0]).keys() == {"sub/fine", "sub/Readme"}
    text = "\n".join(result.warnings)
    assert "mh does not take such names" in text
    assert "'sub/readme'" in text
    project.assert_sound()


def test_folders_whose_names_differ_in_case_only_go_together_if_their_files_do(
    project: Project, source: GitProject
) -> None:
    source.write("A/x", "1")
    source.write("a/y", "2")
    source.write("B/x", "3")
    source.write("b/x", "4")
    sha = source.commit()
    result = run_import(project, source.root)
    assert project.files_of(by_git(project)[sha][0]).keys() == {"A/x", "a/y", "B/x"}
    assert len(result.warnings) == 1


def test_submodules_are_left_out_with_a_warning(project: Project, source: GitProject) -> None:
    source.write("a", "1")
    first = source.commit()
    source.git("update-index", "--add", "--cacheinfo", f"160000,{first},vendor/lib")
    source.git("commit", "-q", "-m", "submodule")
    result = run_import(project, source.root)
    assert project.files_of(by_git(project)[source.head()][0]).keys() == {"a"}
    assert any("submodules" in warning and "vendor/lib" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("encoding", "raw", "text"),
    [
        ("ISO-8859-1", "gr\u00fcn".encode("latin-1"), "grün"),
        ("", b"gr\xfcn", "grün"),
        ("nonsense", "grün".encode(), "grün"),
    ],
)
def test_messages_in_other_encodings_are_read(
    project: Project, source: GitProject, encoding: str, raw: bytes, text: str
) -> None:
    source.write("a", "1")
    head = source.git("cat-file", "-p", source.commit()).split("\n\n")[0]
    extra = f"\nencoding {encoding}" if encoding else ""
    sha = source.git("hash-object", "-t", "commit", "-w", "--stdin", given=f"{head}{extra}\n\n".encode() + raw)
    source.git("update-ref", "refs/heads/main", sha)
    run_import(project, source.root)
    assert by_git(project)[sha][1].message == text


def test_single_refs_and_branches_of_remotes_can_be_chosen(
    project: Project, source: GitProject, tmp_path: Path
) -> None:
    source.write("a", "1")
    source.commit()
    source.git("checkout", "-q", "-b", "dev")
    source.write("a", "2")
    source.commit()
    source.git("checkout", "-q", "main")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(source.root), str(clone)], check=True)
    result = run_import(project, clone)
    assert result.branches == ("main",)
    assert any("--ref origin/dev" in warning for warning in result.warnings)
    assert run_import(project, clone, refs=("origin/dev",)).branches == ("dev",)
    with pytest.raises(RefNotFound, match="'absent'"):
        run_import(project, clone, refs=("absent",))


def test_a_shallow_clone_begins_where_it_was_cut(project: Project, source: GitProject, tmp_path: Path) -> None:
    for step in range(3):
        source.write("a", str(step))
        source.commit()
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=2", f"file://{source.root}", str(clone)], check=True)
    result = run_import(project, clone)
    assert result.commits == 2
    assert any("shallow" in warning for warning in result.warnings)


def test_a_dry_run_tells_what_would_come_and_changes_nothing(project: Project, source: GitProject) -> None:
    source.write("a", "12345")
    source.keep_by_lfs("b.bin", b"x" * 5000)
    source.commit()
    before = set(project.repo.store.ids())
    result = run_import(project, source.root, dry_run=True)
    assert (result.commits, result.files, result.kept, result.branches) == (1, 2, 1, ("main",))
    assert set(project.again().store.ids()) == before
    assert project.repo.refs.table == {}


def test_a_work_tree_beside_and_a_folder_inside_are_found(project: Project, source: GitProject, tmp_path: Path) -> None:
    source.keep_by_lfs("sub/a.bin", b"content")
    source.commit()
    source.git("worktree", "add", "-q", "--detach", str(tmp_path / "beside"))
    assert run_import(project, tmp_path / "beside" / "sub", dry_run=True).missing == 0
    assert run_import(project, source.root / ".git", dry_run=True).commits == 1
    with pytest.raises(InvalidInputError, match="not a git repository"):
        run_import(project, project.root)


def test_an_empty_git_repository_has_nothing_to_import(project: Project, source: GitProject) -> None:
    with pytest.raises(RefNotFound, match="no branch or tag"):
        run_import(project, source.root)


def test_git_runs_no_program_and_nothing_is_written_there(project: Project, source: GitProject, tmp_path: Path) -> None:
    source.write("a", "1")
    source.write(".gitattributes", "* filter=evil diff=evil\n")
    source.commit()
    trap = tmp_path / "trapped"
    for name in ("filter.evil.smudge", "filter.evil.process", "core.fsmonitor", "core.pager", "diff.evil.textconv"):
        source.git("config", name, f"touch {trap}; cat")
    hook = source.root / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
    hook.chmod(0o755)
    before = snapshot_of(source.root)
    run_import(project, source.root)
    assert not trap.exists()
    assert snapshot_of(source.root) == before


def snapshot_of(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(place): (place.lstat().st_mtime_ns, place.lstat().st_size)
        for place in root.rglob("*") if not place.is_dir()
    }  # fmt: skip


class StopAfter(Silent):
    """Ends an import once so many bytes were read."""

    def __init__(self, nbytes: int) -> None:
        self.left = nbytes

    def advance(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise KeyboardInterrupt


def test_an_import_that_was_cut_short_has_not_happened_and_the_next_reuses_its_objects(
    project: Project, source: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_contents, "BATCH_NBYTES", 50_000)
    for _ in range(10):
        source.write("a.bin", os.urandom(20_000))
        source.commit()
    request = ImportRequest(source.root)
    with pytest.raises(KeyboardInterrupt):
        import_git_lfs(project.repo, act=project.act("import"), request=request, progress=StopAfter(150_000))
    assert project.again().refs.table == {}
    kept = {oid for oid in project.again().store.ids() if project.repo.store.info(oid).size == 20_000}
    assert 5 <= len(kept) < 10
    result = run_import(project, source.root)
    assert result.commits == 10
    assert result.stored_nbytes < 20_000 * 6
    project.assert_sound()


def test_killed_at_any_instant_an_import_has_not_happened_or_has_and_can_be_made_again() -> None:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("kill_git_import.py")], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 50
