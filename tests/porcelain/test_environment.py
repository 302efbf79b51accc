"""Tests of what is recorded of the machine and its Python."""

from __future__ import annotations

import platform
from importlib.metadata import distributions

from modelhub.porcelain import environment as room
from modelhub.porcelain.environment import environment, packages


def test_the_machine_is_described() -> None:
    found = environment()
    assert found["python"] == platform.python_version()
    assert int(found["cpus"]) >= 1
    assert found["system"]


def test_installed_packages_are_listed_as_the_import_system_finds_them() -> None:
    lines = packages().decode().splitlines()
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(names)
    known = {f"{item.name.lower().replace('_', '-').replace('.', '-')}=={item.version}" for item in distributions()}
    assert {line for line in lines if line.startswith(("numpy==", "click==", "msgspec=="))} <= known
    assert any(line.startswith("numpy==") for line in lines)


def test_of_a_package_that_is_there_twice_the_first_counts(tmp_path) -> None:
    for folder, name in (
        ("a", "My_Package-1.0.dist-info"), ("a", "other-2.0-py3.11.egg-info"), ("b", "my.package-3.0.dist-info"),
        ("b", "no-info"),
    ):  # fmt: skip
        (tmp_path / folder / name).mkdir(parents=True)
    folders = [str(tmp_path / "a"), str(tmp_path / "missing"), str(tmp_path / "b")]
    assert packages(folders) == b"my-package==1.0\nother==2.0\n"
    assert packages([]) == b""


def test_gpus_are_those_of_the_driver(tmp_path, monkeypatch) -> None:
    for number in range(2):
        place = tmp_path / f"0000:0{number}:00.0"
        place.mkdir()
        (place / "information").write_text("Model: \t\t NVIDIA A100\nIRQ: 1\n")
    monkeypatch.setattr(room, "GPU_FOLDER", tmp_path)
    assert environment()["gpus"] == "2 x NVIDIA A100"
    monkeypatch.setattr(room, "GPU_FOLDER", tmp_path / "missing")
    assert "gpus" not in environment()
