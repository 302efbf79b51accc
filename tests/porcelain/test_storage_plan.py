"""By default nothing becomes larger and nothing slower than its bound or now; a bound that is given is kept."""

from __future__ import annotations

import math

import pytest
from contracts.project import Project

from modelhub.porcelain.storage_plan import PlannedStorage, Speed, plan_storage
from modelhub.porcelain.storage_ways import Way
from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors
from modelhub.progress import SILENT
from modelhub.store.entry import Base
from modelhub.store.item import Item
from modelhub.store.object_info import ObjectInfo

COUNT = 6
ALL = frozenset(range(COUNT))


def line(held: str = "") -> StoredTensors:
    """Return a tensor in six versions, each a delta of the one before; `held` is the id of the last version."""
    found = StoredTensors()
    for number in range(COUNT):
        oid = f"{number:064x}"
        info = ObjectInfo(oid, "blob", 4000, 3000, (), number, (), "loose")
        found.tensors.append(StoredTensor(number, oid, Item.of("float32"), (1000,), info, 0, None))
        found.versions[held if held and number == COUNT - 1 else f"v{number}"] = (number,)
    return found


def ways(is_chain: bool) -> list[Way]:
    """Return whole ways of 3000 bytes and a second, and deltas of 1000 bytes and a second on the one before."""
    found = []
    for number in range(COUNT):
        whole_now = not is_chain or number == 0
        found.append(Way(number, (), (), 3000.0, 1.0, whole_now))
        if number:
            named = (Base(f"{number - 1:064x}"),)
            found.append(Way(number, (number - 1,), named, 1000.0, 1.0, is_chain))
    return found


@pytest.fixture(autouse=True)
def no_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelhub.porcelain.storage_plan.DELIVERY_SECONDS", 0.0)
    monkeypatch.setattr("modelhub.porcelain.storage_plan.DELIVERY_SECONDS_A_BYTE", 0.0)


def planned(
    project: Project, bound: float, *, is_strict: bool, is_chain: bool = True, held: str = ""
) -> PlannedStorage:
    return plan_storage(project.repo, line(held), ways(is_chain), bound=bound, is_strict=is_strict, progress=SILENT)


def test_a_version_over_the_bound_stays_as_it_is_and_what_the_bound_costs_is_known(project: Project) -> None:
    found = planned(project, 3.0, is_strict=False)
    assert (found.storage, found.speed(ALL)) == (8000.0, Speed(6.0, 3))
    assert (found.slow_now, found.within_nbytes) == (3, 10_000.0)


def test_a_bound_that_is_given_is_kept_though_the_store_grows(project: Project) -> None:
    found = planned(project, 3.0, is_strict=True)
    assert (found.storage, found.speed(ALL)) == (10_000.0, Speed(3.0, 0))
    assert (found.slow_now, found.within_nbytes) == (3, None)


def test_what_is_not_carried_out_leaves_the_versions_as_quick_as_they_were(project: Project) -> None:
    found = planned(project, 3.0, is_strict=True)
    assert found.speed(frozenset()) == Speed(6.0, 3)


def test_versions_within_the_bound_use_what_it_allows(project: Project) -> None:
    for is_strict in (True, False):
        found = planned(project, 3.0, is_strict=is_strict, is_chain=False)
        assert (found.storage, found.speed(ALL)) == (10_000.0, Speed(3.0, 0))
        assert (found.slow_now, found.within_nbytes) == (0, None)


def test_no_bound_is_the_least_storage(project: Project) -> None:
    assert planned(project, math.inf, is_strict=True, is_chain=False).storage == 8000.0


def test_a_version_that_a_ref_names_takes_half_of_what_is_allowed_beyond(project: Project) -> None:
    head = project.save("notes.md", "text")
    assert planned(project, 6.0, is_strict=True, is_chain=False).storage == 8000.0
    found = planned(project, 6.0, is_strict=True, is_chain=False, held=head)
    assert found.storage == 10_000.0


def test_a_base_that_no_version_has_any_more_counts_as_none(project: Project) -> None:
    """Then what is there now is no way of the plan, and the tensor is taken as whole."""
    known = line()
    given = [way for way in ways(is_chain=False) if not way.is_current or way.tensor]
    given.append(Way(0, (), (), 3000.0, 1.0, is_current=False))
    found = plan_storage(project.repo, known, given, bound=3.0, is_strict=False, progress=SILENT)
    assert found.storage == 10_000.0
