from __future__ import annotations

import pytest
from contracts.project import Project, safetensors, weights

from modelhub.errors import InvalidInputError, NotFoundError, VersionForgotten
from modelhub.porcelain.forgetting import mark_forgotten
from modelhub.porcelain.gc import gc
from modelhub.porcelain.why_stored import why_stored


def tuned(project: Project, rounds: int = 3) -> list[str]:
    """Commit a model and its fine-tunes, each a delta of the one before."""
    base = weights(1, 200, 200)
    made = []
    for number in range(rounds):
        made.append(project.save("m.safetensors", safetensors({"net.w": base, "net.b": weights(number, 50, 50)})))
        base = base + weights(number + 50, 200, 200) * base.dtype.type(0.001)
    return made


def test_the_chain_leads_to_what_stands_alone(project: Project) -> None:
    tuned(project)
    found = why_stored(project.repo, place="HEAD", tensor="net.w")
    infos = [project.repo.store.info(link.oid) for link in found.chain]
    assert [link.depth for link in found.chain] == [2, 1, 0]
    assert [info.base for info in infos] == [infos[1].oid, infos[2].oid, None]
    assert found.decoded_nbytes == 3 * 160_000
    assert found.read_nbytes == sum(info.stored_nbytes for info in infos)


def test_what_is_stored_is_measured_as_it_is_and_what_lost_is_larger(project: Project) -> None:
    made = tuned(project)
    found = why_stored(project.repo, place="HEAD:m.safetensors", tensor="net.w")
    chosen = [one for one in found.alternatives if one.verdict == "stored"]
    assert [one.stored_nbytes for one in chosen] == [found.chain[0].stored_nbytes]
    assert chosen[0].why == f"the same tensor in {made[1][:10]}"
    alone = found.alternatives[0]
    assert (alone.base, alone.verdict) == (None, "larger")
    assert (alone.stored_nbytes or 0) > found.chain[0].stored_nbytes
    assert any(one.why == "near by its values" for one in found.alternatives)


def test_a_tensor_without_a_base_is_measured_as_it_is(project: Project) -> None:
    made = tuned(project)
    found = why_stored(project.repo, place=made[0], tensor="net.w")
    assert len(found.chain) == 1
    assert found.alternatives[0].stored_nbytes == found.chain[0].stored_nbytes
    assert found.alternatives[0].verdict == "stored"
    assert {one.verdict for one in found.alternatives[1:]} == {"builds on this tensor itself"}


def test_a_tensor_that_cannot_be_told_is_refused(project: Project) -> None:
    tuned(project)
    with pytest.raises(NotFoundError, match="no file of 'HEAD' has a tensor 'nothing'"):
        why_stored(project.repo, place="HEAD", tensor="nothing")
    project.save("other.safetensors", safetensors({"net.w": weights(77, 9, 9)}))
    with pytest.raises(InvalidInputError, match="is in 2 files"):
        why_stored(project.repo, place="HEAD", tensor="net.w")
    assert why_stored(project.repo, place="HEAD:other.safetensors", tensor="net.w").chain[0].nbytes == 324


def test_a_forgotten_tensor_says_so(project: Project) -> None:
    made = tuned(project)
    with project.repo.writing():
        mark_forgotten(project.repo, project.act("keep"), made[:1])
    gc(project.repo, act=project.act("gc"), grace_days=0)
    project.repo = project.again()
    with pytest.raises(VersionForgotten):
        why_stored(project.repo, place=made[0], tensor="net.b")
    assert why_stored(project.repo, place=made[0], tensor="net.w").chain  # the base of what is kept
