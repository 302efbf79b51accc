"""Tests of the import from TensorBoard: files of its own writers, compared with what its own reader finds."""

from __future__ import annotations

import shutil
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contracts.imported import Imported

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.importers.imported_runs import ImportedRuns
from modelhub.importers.tensorboard_import import import_tensorboard
from modelhub.importers.tensorboard_records import masked
from modelhub.porcelain.fsck import fsck

crc = pytest.importorskip("google_crc32c")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import STORE_EVERYTHING_SIZE_GUIDANCE, EventAccumulator
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import metadata as hparams
    from tensorboard.plugins.hparams import plugin_data_pb2
    from tensorboard.plugins.scalar import summary_v2 as scalar
    from tensorboard.plugins.text import summary_v2 as texts
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util import tensor_util

pytestmark = pytest.mark.filterwarnings("ignore")


def take(imported: Imported, source: Path, **options: Any) -> ImportedRuns:
    return import_tensorboard(imported.repo, act=imported.act, source=source, **options)


def write(folder: Path, events: list[Event]) -> Path:
    """Write events with TensorBoard's own writer."""
    writer = EventFileWriter(str(folder))
    for event in events:
        writer.add_event(event)
    writer.close()
    return max(folder.glob("events.out.tfevents.*"), key=lambda place: (place.stat().st_mtime_ns, place.name))


def point(tag: str, step: int, value: float, wall: float = 1_700_000_000.0) -> Event:
    return Event(wall_time=wall + step, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))


def hyperparameters(tag: str, **content: Any) -> Event:
    metadata = hparams.create_summary_metadata(plugin_data_pb2.HParamsPluginData(**content))
    value = Summary.Value(tag=tag, metadata=metadata, tensor=hparams.NULL_TENSOR)
    return Event(wall_time=1_700_000_001.0, summary=Summary(value=[value]))


def told(folder: Path) -> dict[str, list[tuple[int, int, str]]]:
    """The scalars that TensorBoard's own reader finds."""
    reader = EventAccumulator(str(folder), size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE)
    reader.Reload()
    found = {
        tag: [(one.step, round(one.wall_time * 1000), repr(float(one.value))) for one in reader.Scalars(tag)]
        for tag in reader.Tags()["scalars"]
    }
    for tag in reader.Tags()["tensors"]:
        if reader.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            found[tag] = [
                (one.step, round(one.wall_time * 1000), repr(float(tensor_util.make_ndarray(one.tensor_proto).item())))
                for one in reader.Tensors(tag)
            ]
    return found


def test_what_torch_writes_is_there_point_by_point(tmp_path: Path, imported: Imported) -> None:
    from torch.utils.tensorboard import SummaryWriter

    random = np.random.default_rng(0)
    for name in ("a/version_0", "a/version_1", "b"):
        with SummaryWriter(tmp_path / "runs" / name) as writer:
            for step, value in enumerate(random.standard_normal(500)):
                writer.add_scalar("loss/train", value, step)
                writer.add_scalar("new style", value, step, new_style=True)
                writer.add_scalar("twice", value, step, new_style=True, double_precision=True)
            for step, odd in enumerate([float("nan"), float("inf"), float("-inf"), 1e38, 1e-45, -0.0]):
                writer.add_scalar("odd", odd, step)
            writer.add_histogram("weights", random.standard_normal(10), 1)
            writer.add_text("note", "two\nlines", 0)
            writer.add_text("note", "later", 3)
            writer.add_text("long", "x" * 5000, 0)
    result = take(imported, tmp_path / "runs")
    assert {run.name for run in imported.runs().values()} == {"a/version_0", "a/version_1", "b"}
    for run in imported.runs().values():
        assert imported.points(run) == told(tmp_path / "runs" / run.name)
        assert run.tags == {"note": "later"}
        assert run.status == "finished"
        assert run.ended is not None
        assert run.started <= run.ended
        assert run.environment["host"]
    assert result.points == 3 * 1506
    assert result.warnings == ("left out, since only numbers and short texts are taken: 3 histograms, 3 long texts",)
    assert result.message == "import 3 runs from TensorBoard: a/version_0, a/version_1, b"
    assert fsck(imported.repo, full=True).problems == ()


def test_hyperparameters_of_torch_are_params(tmp_path: Path, imported: Imported) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_hparams(
            {"lr": 0.1, "layers": 3, "optimizer": "adam", "nesterov": True}, {"accuracy": 0.5}, run_name="trial"
        )
    take(imported, tmp_path / "runs")
    run = imported.named("trial")
    assert run.params == {"lr": 0.1, "layers": 3, "optimizer": "adam", "nesterov": True}
    assert run.status == "finished"
    assert [series.name for series in run.series] == ["accuracy"]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i4", "i8", "u1", "?"])
def test_scalars_that_are_tensors_of_any_type(dtype: str, tmp_path: Path, imported: Imported) -> None:
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

    events = []
    for step, value in enumerate(np.array([1, 0, 3, 100], dtype="f8").astype(dtype)):
        proto = tensor_util.make_tensor_proto(value)
        metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars")) if step == 0 else None
        summary = Summary(value=[Summary.Value(tag="x", tensor=proto, metadata=metadata)])
        events.append(Event(wall_time=1_700_000_000.0 + step, step=step, summary=summary))
    write(tmp_path / "run", events)
    take(imported, tmp_path / "run")
    assert imported.points(imported.named("run")) == told(tmp_path / "run")


def test_the_scalar_and_text_plugins_of_tensorboard(tmp_path: Path, imported: Imported) -> None:
    start = plugin_data_pb2.SessionStartInfo(group_name="sweep")
    start.hparams["lr"].number_value = 0.5
    start.hparams["units"].number_value = 16
    start.hparams["drop"].bool_value = False
    start.hparams["nothing"].null_value = 0
    events = [
        Event(wall_time=1_700_000_000.25, step=7, summary=scalar.scalar_pb("loss", 0.1)),
        Event(wall_time=1_700_000_000.5, step=8, summary=texts.text_pb("config", "lr: 0.1")),
        hyperparameters("_hparams_/session_start_info", session_start_info=start),
        hyperparameters("_hparams_/session_end_info", session_end_info=plugin_data_pb2.SessionEndInfo(status=2)),
    ]
    write(tmp_path / "run", events)
    take(imported, tmp_path / "run")
    run = imported.named("run")
    (series,) = imported.points(run).values()
    assert series == [(7, 1_700_000_000_250, repr(float(np.float32(0.1))))]
    assert run.params == {"lr": 0.5, "units": 16, "drop": False, "nothing": None}
    assert run.tags["hparams.group"] == "sweep"
    assert "lr: 0.1" in run.tags.values()
    assert (run.status, run.ended) == ("failed", max(run.ended or 0, 1_700_000_001_000))


def test_a_restart_replaces_what_it_did_again(tmp_path: Path, imported: Imported) -> None:
    folder = tmp_path / "run"
    write(folder, [point("loss", step, 1.0) for step in range(10)])
    restart = Event(wall_time=1_700_000_100.0, step=5, session_log=SessionLog(status=SessionLog.START))
    write(folder, [restart, *(point("loss", step, 2.0, 1_700_000_100.0) for step in range(5, 8))])
    result = take(imported, folder)
    run = imported.named("run")
    assert imported.points(run) == told(folder)
    assert [step for step, _, _ in imported.points(run)["loss"]] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert any("5 points left out" in warning for warning in result.warnings)


def test_a_torn_last_record_is_left_out_and_told(tmp_path: Path, imported: Imported) -> None:
    place = write(tmp_path / "run", [point("loss", step, 1.0) for step in range(10)])
    whole = place.read_bytes()
    place.write_bytes(whole[:-7])
    result = take(imported, tmp_path / "run")
    assert len(imported.points(imported.named("run"))["loss"]) == 9
    assert [warning for warning in result.warnings if "10 records before that" in warning and str(place) in warning]
    place.write_bytes(whole)
    again = take(imported, tmp_path / "run")
    assert len(again.updated) == 1
    assert len(imported.points(imported.named("run"))["loss"]) == 10


def records(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the records of a file lie."""
    position = 0
    while position < len(data):
        (nbytes,) = struct.unpack_from("<Q", data, position)
        yield position, 16 + nbytes
        position += 16 + nbytes


def test_every_flipped_byte_is_noticed_and_the_rest_is_kept(tmp_path: Path, imported: Imported) -> None:
    place = write(tmp_path / "run", [point("loss", step, 1.0) for step in range(4)])
    whole = place.read_bytes()
    spans = list(records(whole))
    for at in range(*[spans[2][0], spans[3][0]]):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        result = take(imported, place, dry_run=True)
        assert any(str(place) in warning for warning in result.warnings)
        in_head = at < spans[2][0] + 12
        assert result.points == (1 if in_head else 3)


def test_a_record_that_is_no_event_is_told(tmp_path: Path, imported: Imported) -> None:
    place = write(tmp_path / "run", [point("loss", 0, 1.0)])
    content = b"\xff\xff\xff"
    head = struct.pack("<Q", len(content))
    with open(place, "ab") as file:
        file.write(head + struct.pack("<I", masked(crc.value(head))))
        file.write(content + struct.pack("<I", masked(crc.value(content))))
    result = take(imported, tmp_path / "run")
    assert result.points == 1
    assert any("1 record left out, no event" in warning for warning in result.warnings)


def test_one_file_a_moved_folder_and_a_copy_are_the_same_run(tmp_path: Path, imported: Imported) -> None:
    place = write(tmp_path / "runs" / "one", [point("loss", 0, 1.0)])
    first = take(imported, tmp_path / "runs")
    assert take(imported, tmp_path / "runs").commit is None
    shutil.copytree(tmp_path / "runs", tmp_path / "moved")
    assert take(imported, tmp_path / "moved").unchanged == 1
    assert take(imported, place).unchanged == 1
    shutil.copytree(tmp_path / "runs" / "one", tmp_path / "runs" / "two")
    result = take(imported, tmp_path / "runs")
    assert (result.new, result.unchanged) == ((), 1)
    assert any("is a copy of" in warning for warning in result.warnings)
    assert first.new == (imported.named("one").id,)


def test_a_dry_run_changes_nothing(tmp_path: Path, imported: Imported) -> None:
    write(tmp_path / "run", [point("loss", 0, 1.0)])
    before = imported.repo.pointer()
    result = take(imported, tmp_path / "run", dry_run=True)
    assert (len(result.new), result.points, result.commit) == (1, 1, None)
    assert imported.repo.pointer() == before


def test_a_folder_without_event_files_is_refused(tmp_path: Path, imported: Imported) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="no event files"):
        take(imported, tmp_path / "empty")
    with pytest.raises(PathNotFound):
        take(imported, tmp_path / "nowhere")
