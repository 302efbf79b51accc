"""Tests of `mh import git-lfs`: every version byte for byte, with git-lfs itself and with its store made by hand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from contracts.git_project import GitProject
from contracts.project import Project, safetensors, weights

from modelhub.errors import StateError
from modelhub.importers.git_history import ImportedHistory, ImportRequest
from modelhub.importers.git_lfs import LfsStore, import_git_lfs
from modelhub.importers.git_repository import GitRepository
from modelhub.repository.objects import Commit
from modelhub.repository.trees import find_entry
from modelhub.repository.walk import ancestors


def run_import(project: Project, source: Path, **choices: object) -> ImportedHistory:
    request = ImportRequest(source, **choices)  # type: ignore[arg-type]
    return import_git_lfs(project.repo, act=project.act("import git-lfs"), request=request)


def images(project: Project) -> dict[str, str]:
    """mh's commits by git's id."""
    found = {}
    for oid, commit in ancestors(project.repo, *project.repo.refs.held()):
        assert commit.code is not None
        found[commit.code.commit] = oid
    return found


@pytest.fixture
def source(tmp_path: Path) -> GitProject:
    return GitProject(tmp_path / "source")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def model(change: float = 0.0) -> bytes:
    first = weights(1, 64, 64)
    first[:2] += np.float32(change)
    return safetensors({"a": first, "b": weights(2, 32, 8)})


def test_pointers_are_replaced_by_what_the_store_holds(project: Project, source: GitProject) -> None:
    contents = [model(), model(0.001)]
    source.write("train.py", "lr = 1\n", executable=True)
    source.keep_by_lfs("weights/model.safetensors", contents[0])
    first = source.commit("first")
    source.keep_by_lfs("weights/model.safetensors", contents[1])
    second = source.commit("second")
    result = run_import(project, source.root)
    assert (result.commits, result.kept, result.missing, result.models, result.warnings) == (2, 2, 0, 2, ())
    for sha, content in zip((first, second), contents, strict=True):
        files = project.files_of(images(project)[sha])
        assert files == {"train.py": ("exec", b"lr = 1\n"), "weights/model.safetensors": ("file", content)}
    project.assert_sound()


def test_a_model_is_recorded_as_a_delta_of_the_version_before(project: Project, source: GitProject) -> None:
    for step in range(3):
        source.keep_by_lfs("model.safetensors", model(step * 1e-4))
        source.commit()
    run_import(project, source.root)
    newest = project.repo.refs.head_commit
    assert newest is not None
    entry = find_entry(project.repo, project.repo.get(newest, Commit).tree, "model.safetensors")
    assert entry.manifest is not None
    blame = [project.repo.store.info(oid) for oid in project.repo.store.ids()]
    assert sum(info.base is not None for info in blame) == 2


def test_a_pointer_whose_content_is_missing_stays_and_is_counted(project: Project, source: GitProject) -> None:
    source.keep_by_lfs("a.bin", b"here" * 100)
    source.keep_by_lfs("b.bin", b"lost" * 100, stored=False)
    source.commit()
    result = run_import(project, source.root)
    assert (result.kept, result.missing) == (1, 1)
    assert any("not there: 'b.bin'" in warning for warning in result.warnings)
    files = project.files_of(project.repo.head_commit())
    assert files["a.bin"][1] == b"here" * 100
    assert files["b.bin"][1].startswith(b"version https://git-lfs")


@pytest.mark.parametrize("damage", [b"other", b"HERE" * 100])
def test_content_with_another_hash_or_length_is_not_used(project: Project, source: GitProject, damage: bytes) -> None:
    oid = source.keep_by_lfs("a.bin", b"here" * 100)
    source.commit()
    source.lfs_place(oid).write_bytes(damage)
    result = run_import(project, source.root)
    assert (result.kept, result.missing) == (0, 1)
    assert project.files_of(project.repo.head_commit())["a.bin"][1].startswith(b"version ")
    with pytest.raises(StateError, match=r"'a\.bin'"):
        run_import(Project(project.root.parent / "strict"), source.root, strict=True)


def test_strict_refuses_before_anything_is_read(project: Project, source: GitProject) -> None:
    source.keep_by_lfs("b.bin", b"lost", stored=False)
    source.commit()
    before = set(project.repo.store.ids())
    with pytest.raises(StateError, match="1 content is missing") as caught:
        run_import(project, source.root, strict=True)
    assert "git lfs fetch" in (caught.value.hint or "")
    assert set(project.again().store.ids()) == before


def test_content_that_came_later_is_taken_with_fresh(project: Project, source: GitProject) -> None:
    oid = source.keep_by_lfs("b.bin", b"late", stored=False)
    source.commit()
    run_import(project, source.root)
    source.lfs_place(oid).parent.mkdir(parents=True)
    source.lfs_place(oid).write_bytes(b"late")
    assert run_import(project, source.root).commits == 0
    result = run_import(project, source.root, fresh=True, prefix="again/")
    assert (result.commits, result.missing) == (1, 0)
    assert project.files_of(project.repo.refs.branches()["again/main"])["b.bin"][1] == b"late"


@pytest.mark.parametrize(
    "text",
    [
        "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 63 + "\nsize 1\n",
        "version https://git-lfs.github.com/spec/v1\next-0-foo sha256:" + "0" * 64 + "\noid sha256:" + "0" * 64
        + "\nsize 1\n",
        "version https://git-lfs.github.com/spec/v2\noid sha256:" + "0" * 64 + "\nsize 1\n",
        "see https://git-lfs.github.com/spec/v1",
        "",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_pointer_is_a_file(source: GitProject, text: str) -> None:
    assert LfsStore(GitRepository.find(source.root)).stand_in(text.encode()) is None


def test_a_store_that_is_set_or_borrowed_is_found(project: Project, source: GitProject, tmp_path: Path) -> None:
    source.keep_by_lfs("a.bin", b"content")
    source.commit()
    borrower = tmp_path / "borrower"
    subprocess.run(["git", "clone", "-q", "--shared", str(source.root), str(borrower)], check=True)
    assert run_import(project, borrower).missing == 0
    (source.root / ".git" / "lfs").rename(tmp_path / "elsewhere")
    source.git("config", "lfs.storage", str(tmp_path / "elsewhere"))
    assert run_import(Project(tmp_path / "second"), source.root).missing == 0


def test_every_version_is_what_git_and_git_lfs_check_out(project: Project, source: GitProject) -> None:
    if shutil.which("git-lfs") is None:
        pytest.skip("git-lfs is not installed")
    source.git("lfs", "install", "--local")
    source.git("lfs", "track", "*.safetensors", "*.bin")
    commits = []
    for step in range(4):
        source.write("weights/model.safetensors", model(step * 1e-3))
        source.write("large.bin", weights(step, 1000).tobytes() * 400)
        source.write(f"notes/{step}.md", f"step {step}\n")
        commits.append(source.commit(f"step {step}"))
    source.git("checkout", "-q", "-b", "side", commits[1])
    source.write("side.bin", b"side" * 1000)
    commits.append(source.commit("side"))
    source.git("checkout", "-q", "main")
    source.git("merge", "-q", "--no-ff", "-m", "join", "side")
    commits.append(source.head())
    assert source.git("cat-file", "-p", "HEAD:large.bin").startswith("version https://git-lfs")
    result = run_import(project, source.root, strict=True)
    assert result.commits == len(commits)
    assert (result.missing, result.branches) == (0, ("main", "side"))
    found = images(project)
    for sha in commits:
        assert project.files_of(found[sha]) == source.checked_out(sha)
    project.assert_sound()
