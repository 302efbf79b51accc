from __future__ import annotations

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

from modelhub.errors import InvalidInputError, NotFoundError, VersionForgotten
from modelhub.porcelain.forgetting import mark_forgotten
from modelhub.porcelain.gc import gc
from modelhub.porcelain.repack import repack
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
    recorded = [one for one in found.alternatives[1:] if one.why != "weighed by mh repack"]
    assert {one.verdict for one in recorded} == {"builds on this tensor itself"}


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


def test_what_repacking_weighs_is_tried_too_with_what_it_takes_and_decodes(project: Project) -> None:
    made = tuned(project)
    found = why_stored(project.repo, place=made[2], tensor="net.w")
    weighed = [one for one in found.alternatives if one.why == "weighed by mh repack"]
    assert {one.bases for one in weighed} > {(), *(one.bases for one in found.alternatives if one.verdict == "stored")}
    two = next(one for one in weighed if len(one.bases) == 2)
    assert (two.depth, two.decoded_nbytes) == (2, 3 * 160_000)
    assert next(one for one in weighed if not one.bases).decoded_nbytes == 160_000
    assert all(one.stored_nbytes for one in weighed)


def test_second_bases_are_named(project: Project) -> None:
    base, step = weights(1, 200, 200), weights(2, 200, 200) * np.float32(0.05)
    for number in range(3):
        moved = base + step * np.float32(number * 0.9**number)
        project.save("m.safetensors", safetensors({"w": moved}))
    repack(project.repo, max_recreation=100.0)
    found = why_stored(project.repo, place="HEAD", tensor="w")
    assert found.chain[0].codecs == ("fitted binned delta of two",)
    assert {one.oid for one in found.chain[0].bases} == {link.oid for link in found.chain[1:]}
    stored = next(one for one in found.alternatives if one.verdict == "stored")
    assert (stored.bases, stored.stored_nbytes) == (found.chain[0].bases, found.chain[0].stored_nbytes)


def test_casts_and_transposes_are_said_to_be_read_so(project: Project) -> None:
    base = weights(1, 200, 150)
    project.save("m.safetensors", safetensors({"w": base}))
    project.save("half.safetensors", safetensors({"w": base.astype(np.float16)}))
    project.save("turned.safetensors", safetensors({"v": np.ascontiguousarray(base.T)}))
    cast = why_stored(project.repo, place="HEAD:half.safetensors", tensor="w")
    assert [(one.turned, one.converted) for one in cast.chain[0].bases] == [(False, True)]
    assert next(one for one in cast.alternatives if one.verdict == "stored").why == "a cast of it"
    turned = why_stored(project.repo, place="HEAD:turned.safetensors", tensor="v")
    assert [(one.turned, one.converted) for one in turned.chain[0].bases] == [(True, False)]
    assert next(one for one in turned.alternatives if one.verdict == "stored").bases == turned.chain[0].bases
