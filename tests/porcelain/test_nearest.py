from __future__ import annotations

from contracts.project import Project

from modelhub.formats.extent import TensorExtent
from modelhub.porcelain.nearest import MOST_KNOWN, NearestTensors
from modelhub.repository.tensor_keeper import TensorFact
from modelhub.weights.sketch import sketch
from modelhub.weights.summary import TensorStatistics


def test_only_the_newest_tensors_of_a_size_are_compared(project: Project) -> None:
    data = bytes(range(256)) * 32
    sample = sketch(lambda offset, nbytes: data[offset : offset + nbytes], "uint8", len(data))
    nearest = NearestTensors(project.repo)
    for number in range(MOST_KNOWN + 1):
        statistics = TensorStatistics(0, *[None] * 8)
        nearest.learn(TensorFact(f"{number:064x}", "uint8", len(data), statistics, sample if number < 2 else b""))
    extent = TensorExtent("w", "uint8", (len(data),), 0, len(data))
    assert nearest.find(extent, sample) == [f"{1:064x}"]
    nearest.close()
