"""Tests of `mh import dvc` on repositories that DVC 2 and DVC 3 made (data/README.md), and on made-up ones."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from contracts.git_project import GitProject
from contracts.project import Project

from modelhub.errors import StateError
from modelhub.importers.dvc_import import import_dvc
from modelhub.importers.git_history import ImportedHistory, ImportRequest
from modelhub.repository.objects import Commit
from modelhub.repository.refs import TAGS
from modelhub.repository.walk import ancestors

pytest.importorskip("yaml")

DATA = Path(__file__).parent / "data"
VERSIONS = ("dvc-2", "dvc-3")


def run_import(project: Project, source: Path, *, caches: tuple[Path, ...] = (), **choices: object) -> ImportedHistory:
    request = ImportRequest(source, **choices)  # type: ignore[arg-type]
    return import_dvc(project.repo, act=project.act("import dvc"), request=request, caches=caches)


def unpacked(version: str, folder: Path) -> Path:
    with tarfile.open(DATA / f"{version}.tar.gz") as archive:
        archive.extractall(folder, filter="tar")
    return folder / "project"


def expected(source: Path) -> dict[str, dict[str, str]]:
    """The SHA-256 of every file that git and DVC checked out, by commit and path."""
    found: dict[str, dict[str, str]] = {}
    for line in (source.parent / "expected.txt").read_text().splitlines():
        commit, digest, path = line.split(maxsplit=2)
        found.setdefault(commit, {})[path.removeprefix("./")] = digest
    return found


def by_git(project: Project) -> dict[str, tuple[str, Commit]]:
    found = {}
    for oid, commit in ancestors(project.repo, *project.repo.refs.held()):
        assert commit.code is not None
        found[commit.code.commit] = (oid, commit)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "imported")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_what_git_and_dvc_check_out(project: Project, tmp_path: Path, version: str) -> None:
    source = unpacked(version, tmp_path)
    result = run_import(project, source, strict=True)
    assert (result.commits, result.missing, result.warnings) == (5, 0, ())
    found = by_git(project)
    for sha, digests in expected(source).items():
        files = project.files_of(found[sha][0])
        assert {path: hashlib.sha256(content).hexdigest() for path, (_, content) in files.items()} == digests
        assert {"data/raw.csv", "data/set/1.txt", "model.safetensors", "part/out/result.bin"} <= files.keys()
    project.assert_sound()


@pytest.mark.parametrize("version", VERSIONS)
def test_params_and_metrics_that_dvc_yaml_names_are_recorded(project: Project, tmp_path: Path, version: str) -> None:
    run_import(project, unpacked(version, tmp_path))
    first = project.repo.get(project.repo.refs.table[TAGS + "v1"], Commit)
    second = project.repo.get(project.repo.refs.table[TAGS + "v2"], Commit)
    assert first.params == {"train.epochs": 3, "train.lr": 0.001, "train.name": "small"}
    assert first.metrics == {"test.accuracy": 0.355, "train.loss": 0.25}
    assert (second.params["train.lr"], second.metrics["test.accuracy"]) == (0.0005, 0.365)


@pytest.mark.parametrize("version", VERSIONS)
def test_importing_again_makes_nothing_new(project: Project, tmp_path: Path, version: str) -> None:
    source = unpacked(version, tmp_path)
    run_import(project, source)
    objects = set(project.repo.store.ids())
    assert run_import(project, source).commits == 0
    fresh = run_import(project, source, fresh=True)
    assert (fresh.commits, fresh.known, fresh.stored_nbytes) == (0, 5, 0)
    assert set(project.again().store.ids()) == objects


def test_later_versions_read_only_what_is_new(project: Project, tmp_path: Path) -> None:
    source = unpacked("dvc-3", tmp_path)
    run_import(project, source, refs=("v1",))
    result = run_import(project, source)
    assert (result.commits, result.known) == (4, 1)
    other = Project(tmp_path / "at-once")
    run_import(other, source)
    assert by_git(other).keys() == by_git(project).keys()
    assert all(by_git(other)[sha][0] == oid for sha, (oid, _) in by_git(project).items())


def test_missing_files_are_left_out_and_counted(project: Project, tmp_path: Path) -> None:
    source = unpacked("dvc-3", tmp_path)
    digest = hashlib.md5(b"two\n").hexdigest()
    (source / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]).unlink()
    result = run_import(project, source)
    assert result.missing == 1
    assert any("not there: 'data/set/in/2.txt'" in warning for warning in result.warnings)
    assert "data/set/in/2.txt" not in project.files_of(project.repo.head_commit())
    with pytest.raises(StateError, match="1 content is missing"):
        run_import(Project(tmp_path / "strict"), source, strict=True)


def test_a_damaged_file_is_not_used(project: Project, tmp_path: Path) -> None:
    source = unpacked("dvc-2", tmp_path)
    digest = hashlib.md5(b"two\n").hexdigest()
    place = source / ".dvc" / "cache" / digest[:2] / digest[2:]
    place.chmod(0o644)
    place.write_bytes(b"too\n")
    assert run_import(project, source).missing == 1
    assert "data/set/in/2.txt" not in project.files_of(project.repo.head_commit())


@pytest.mark.parametrize("where", ["setting", "remote", "option"])
def test_caches_elsewhere_are_found(project: Project, tmp_path: Path, where: str) -> None:
    source = unpacked("dvc-3", tmp_path)
    elsewhere = tmp_path / "elsewhere"
    shutil.move(source / ".dvc" / "cache", elsewhere)
    told = {"setting": f"[cache]\n    dir = {elsewhere}\n", "remote": f"['remote \"disk\"']\n    url = {elsewhere}\n"}
    (source / ".dvc" / "config.local").write_text(told.get(where, ""))
    result = run_import(project, source, caches=(elsewhere,) if where == "option" else ())
    assert result.missing == 0


def test_a_bare_repository_needs_to_be_told_the_cache(project: Project, tmp_path: Path) -> None:
    source = unpacked("dvc-3", tmp_path)
    assert run_import(project, source / ".git", dry_run=True).missing == 0
    bare = tmp_path / "bare"
    shutil.copytree(source / ".git", bare)
    assert run_import(project, bare, dry_run=True).missing > 0
    assert run_import(project, bare, caches=(source / ".dvc" / "cache",)).missing == 0


def track(source: GitProject, path: str, content: bytes, **more: object) -> str:
    """Track a file by hand as DVC 3 does."""
    digest = hashlib.md5(content).hexdigest()
    place = source.root / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    out = {"md5": digest, "size": len(content), "hash": "md5", "path": path.rpartition("/")[2], **more}
    source.write(f"{path}.dvc", json.dumps({"outs": [out]}))
    return digest


@pytest.fixture
def source(tmp_path: Path) -> GitProject:
    made = GitProject(tmp_path / "source")
    made.write(".git/info/exclude", "/.dvc/cache\n")
    made.write(".dvc/config", "")
    return made


def test_modes_and_git_lfs_pointers_are_kept_too(project: Project, source: GitProject) -> None:
    track(source, "bin/tool", b"#!/bin/sh\n", isexec=True)
    source.keep_by_lfs("by-lfs.bin", b"large")
    source.commit()
    run_import(project, source.root, strict=True)
    files = project.files_of(project.repo.head_commit())
    assert files["bin/tool"] == ("exec", b"#!/bin/sh\n")
    assert files["by-lfs.bin"] == ("file", b"large")


def test_what_git_has_itself_stays_as_it_is(project: Project, source: GitProject) -> None:
    track(source, "both.txt", b"cached")
    source.write("both.txt", "in git")
    digest = track(source, "only-git.txt", b"gone")
    shutil.rmtree(source.root / ".dvc" / "cache" / "files" / "md5" / digest[:2])
    source.write("only-git.txt", "gone")
    source.commit()
    assert run_import(project, source.root).missing == 0
    files = project.files_of(project.repo.head_commit())
    assert (files["both.txt"][1], files["only-git.txt"][1]) == (b"in git", b"gone")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("outs: [", "not understood"),
        ("- a\n- b\n", None),
        ("outs:\n- path: x\n  etag: abc\n", "by MD5"),
        ("outs:\n- path: ../../x\n  md5: " + "a" * 32, "outside"),
        ("outs:\n- path: /x\n  md5: " + "a" * 32, "outside"),
        ("outs:\n- path: x\n  md5: ../../../../etc/passwd\n", "not there"),
        ("outs:\n- path: CON\n  md5: " + "a" * 32, "such names"),
        ("a: &a [*a]\nouts: *a\n", None),
        ("[" * 5000, "not understood"),
    ],
)  # fmt: skip
def test_odd_files_of_dvc_are_no_reason_to_stop(
    project: Project, source: GitProject, text: str, reason: str | None
) -> None:
    source.write("sub/odd.dvc", text)
    source.commit()
    result = run_import(project, source.root)
    assert project.files_of(project.repo.head_commit()).keys() == {".dvc/config", "sub/odd.dvc"}
    assert reason is None or any(reason in warning for warning in result.warnings)


def test_a_folder_whose_listing_leads_outside_stays_inside(project: Project, source: GitProject) -> None:
    digest = track(source, "good.bin", b"good")
    rows = [{"md5": digest, "relpath": "../escape"}, {"md5": digest, "relpath": "in/side"}]
    listing = json.dumps(rows).encode()
    name = hashlib.md5(listing).hexdigest()
    place = source.root / ".dvc" / "cache" / "files" / "md5" / name[:2] / f"{name[2:]}.dir"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(listing)
    source.write("set.dvc", json.dumps({"outs": [{"md5": f"{name}.dir", "hash": "md5", "path": "set"}]}))
    source.commit()
    result = run_import(project, source.root)
    assert any("escape" in warning for warning in result.warnings)
    assert project.files_of(project.repo.head_commit()).keys() == {
        ".dvc/config", "good.bin", "good.bin.dvc", "set.dvc", "set/in/side"
    }  # fmt: skip


def test_facts_of_two_files_with_one_name_are_told_apart(project: Project, source: GitProject) -> None:
    source.write("params.yaml", "lr: 1e-3\nshared: 1\nday: 2024-01-01\n")
    source.write("other.toml", "lr = 0.5\nshared = 1\n[deep]\nx = true\n")
    source.write("one.json", '{"loss": 0.5, "nan": NaN, "text": "x", "list": [1]}')
    source.write("two.yaml", "loss: 0.25\nbig: 1e400\n")
    source.write(
        "dvc.yaml",
        "params: [other.toml]\nmetrics:\n- one.json\n- two.yaml:\n    x: y\n- broken.json\n- '${templated}'\n"
        "stages:\n  each:\n    foreach: [1]\n    do:\n      cmd: x\n      metrics: [three.json]\n",
    )
    source.write("three.json", '{"f1": 1}')
    source.write("broken.json", "{")
    source.commit()
    run_import(project, source.root)
    commit = project.repo.get(project.repo.head_commit(), Commit)
    assert commit.params == {
        "lr": 0.001, "shared": 1, "day": "2024-01-01", "other.toml:lr": 0.5, "deep.x": True
    }  # fmt: skip
    assert commit.metrics == {"f1": 1.0, "loss": 0.5, "nan": "nan", "two.yaml:loss": 0.25, "big": "inf"}


def test_a_project_in_a_sub_folder_has_its_own_cache(project: Project, source: GitProject) -> None:
    track(source, "part/x.bin", b"inside")
    shutil.move(source.root / ".dvc" / "cache", source.root / "part" / ".dvc" / "cache")
    source.write(".git/info/exclude", "cache\n")
    source.commit()
    assert run_import(project, source.root).missing == 0
