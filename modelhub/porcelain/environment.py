"""What the machine and its Python are: recorded with every version and run."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

GPU_FOLDER = Path("/proc/driver/nvidia/gpus")

_PACKAGE = re.compile(r"(.+?)-([^-]+)(?:-py[0-9.]+)?\.(?:dist|egg)-info")


def environment() -> dict[str, str]:
    """Return Python's version, the system, the host, how many processors there are, and the GPUs where there are some.

    No framework is loaded to find GPUs: the driver is asked, or torch where it is in use already.
    """
    found = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "host": platform.node(),
        "cpus": str(_processors()),
    }
    gpus = Counter(_driver_gpus() or _torch_gpus())
    if gpus:
        found["gpus"] = ", ".join(f"{number} x {name}" if number > 1 else name for name, number in gpus.items())
    return found


def packages(folders: Sequence[str] | None = None) -> bytes:
    """Return the installed packages as sorted lines `name==version`, from the folders Python imports from.

    Names are in their normal form. Of a package that is there twice the first counts, as in an import.
    """
    found: dict[str, str] = {}
    for folder in sys.path if folders is None else folders:
        for entry in _names_in(folder):
            match = _PACKAGE.fullmatch(entry)
            if match is not None:
                found.setdefault(re.sub(r"[-_.]+", "-", match[1]).lower(), match[2])
    lines = (f"{name}=={version}\n" for name, version in sorted(found.items()))
    return "".join(lines).encode("utf-8", "backslashreplace")


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")
    except OSError:
        return []


def _processors() -> int:
    count = getattr(os, "sched_getaffinity", None)
    return len(count(0)) if count is not None else os.cpu_count() or 1


def _driver_gpus() -> list[str]:
    try:
        return [name for folder in sorted(GPU_FOLDER.iterdir()) for name in _model_in(folder / "information")]
    except OSError:
        return []


def _model_in(information: Path) -> Iterator[str]:
    for line in information.read_text("utf-8", "replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Model":
            yield value.strip()


def _torch_gpus() -> list[str]:
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return []
    return [str(cuda.get_device_name(number)) for number in range(cuda.device_count())]
