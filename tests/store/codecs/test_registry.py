"""The registry knows its codecs and says so clearly where it does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from modelhub.errors import FormatError
from modelhub.store.codecs.registry import CODEC_IDS, NAMES, codec, codec_names


def test_every_codec_has_the_id_it_is_registered_under() -> None:
    assert [codec(number).id for number in CODEC_IDS] == list(CODEC_IDS)


def test_an_unknown_codec_asks_for_an_upgrade() -> None:
    with pytest.raises(FormatError, match="codec 99") as caught:
        codec(99)
    assert "upgrade" in str(caught.value.hint)


def test_names_are_sorted_and_survive_unknown_ids() -> None:
    assert codec_names({2, 0, 77}) == ("byte planes", "codec 77", "raw")


def test_opening_a_store_and_reading_a_commit_imports_no_numpy(folder) -> None:
    script = f"""
import sys
from pathlib import Path
from modelhub.store.object_store import ObjectStore
store = ObjectStore(Path({str(folder / "objects")!r}), Path({str(folder / "tmp")!r}))
assert not {{"zstandard", "pcodec", "concurrent.futures"}} & set(sys.modules)
with store.writer() as writer:
    oid = writer.put(b'{{"message": "a commit"}}' * 100, "commit")
    writer.publish()
store.read(oid, "commit")
assert not {{"numpy", "pcodec"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_table_of_names_is_the_codecs_own() -> None:
    assert {codec_id: codec(codec_id).name for codec_id in CODEC_IDS} == NAMES
