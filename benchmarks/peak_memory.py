"""How much memory do a commit and a checkout of a 438 MB model take?"""

from __future__ import annotations

import shutil

from measure import mh, models_folder, report, workplace


def main() -> None:
    source = models_folder() / "mpnet/model.safetensors"
    with workplace() as root:
        mh(root, "init")
        shutil.copyfile(source, root / source.name)
        commit = mh(root, "commit", "-m", "mpnet")
        (root / source.name).unlink()
        restore = mh(root, "checkout", "--force", "main")
        assert (root / source.name).read_bytes() == source.read_bytes()
    size = source.stat().st_size
    rows = [
        (
            what,
            f"{done.peak_nbytes / 1e6:.0f} MB, {done.seconds:.2f} s",
            f"the file has {size / 1e6:.0f} MB",
            "<= 600 MB",
        )
        for what, done in (("commit", commit), ("checkout", restore))
    ]
    report("Peak memory of one process", rows)


if __name__ == "__main__":
    main()
