from __future__ import annotations

from contracts.project import Project, weights

from modelhub.catalog.facts import remember_facts
from modelhub.catalog.opening import open_current
from modelhub.formats.extent import TensorExtent
from modelhub.porcelain.nearest import MOST_KNOWN, NearestTensors
from modelhub.repository.tensor_keeper import TensorFact
from modelhub.weights.sketch import sketch
from modelhub.weights.summary import TensorStatistics


def fact(oid: str, dtype: str, data: bytes) -> TensorFact:
    sample = sketch(lambda offset, nbytes: data[offset : offset + nbytes], dtype, len(data))
    return TensorFact(oid, dtype, len(data), TensorStatistics(0, *[None] * 8), sample)


def test_what_the_catalog_has_by_now_is_not_named_twice(project: Project) -> None:
    data = weights(1, 40, 40).tobytes()
    with open_current(project.repo):
        pass
    learned = [fact(f"{number:064x}", "float32", data) for number in range(2)]
    nearest = NearestTensors(project.repo)
    for one in learned:
        nearest.learn(one)
    remember_facts(project.repo, [learned[1], fact("f" * 64, "float32", data)])
    extent = TensorExtent("w", "float32", (40, 40), 0, len(data))
    assert nearest.find(extent, learned[0].sketch) == [learned[1].oid, learned[0].oid, "f" * 64]
    nearest.close()


def test_small_tensors_and_those_of_another_size_or_dtype_are_no_bases(project: Project) -> None:
    nearest = NearestTensors(project.repo)
    for data in (weights(1, 40, 40).tobytes(), weights(1, 30).tobytes()):
        nearest.learn(fact("1" * 64, "float32", data))
        nearest.learn(fact("2" * 64, "int32", data))
    small = weights(1, 30).tobytes()
    whole = fact("", "float32", weights(1, 1600).tobytes())
    found = [
        nearest.find(TensorExtent("w", "float32", (30,), 0, len(small)), fact("", "float32", small).sketch),
        nearest.find(TensorExtent("w", "float32", (1600,), 0, 6400), whole.sketch),
    ]
    assert found == [[], ["1" * 64]]
    nearest.close()


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
