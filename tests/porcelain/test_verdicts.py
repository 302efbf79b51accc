"""A relation is judged by the shares of the weights it speaks of."""

import pytest

from modelhub.porcelain.adapters import AdapterCheck
from modelhub.porcelain.tensor_checks import Shares
from modelhub.porcelain.verdicts import judge, judge_adapter


def shares(identical=0.0, near=0.0, related=0.0, compared=1.0, nbytes=1000):
    return Shares(nbytes, identical, max(identical, near), max(identical, near, related), compared, 1.0)


@pytest.mark.parametrize(
    ("relation", "found", "verdict"),
    [
        ("fine-tune", shares(near=0.5), "confirmed"),
        ("fine-tune", shares(near=0.3, related=0.4), "doubtful"),
        ("fine-tune", shares(related=0.04), "contradicted"),
        ("quantize", shares(near=0.99), "confirmed"),
        ("history", shares(), "doubtful"),
        ("slice", shares(identical=1.0), "confirmed"),
        ("slice", shares(near=1.0), "doubtful"),
        ("convert", shares(near=1.0), "confirmed"),
        ("convert", shares(related=0.2), "contradicted"),
        ("merge", shares(related=0.3), "confirmed"),
        ("warm-start", shares(near=0.1), "confirmed"),
        ("warm-start", shares(), "contradicted"),
        ("distill", shares(near=1.0), "unchecked"),
        ("fine-tune", shares(nbytes=0), "unchecked"),
        ("fine-tune", shares(compared=0.0), "unchecked"),
    ],
)
def test_verdicts(relation, found, verdict):
    assert judge(relation, found)[0] == verdict


def test_an_adapter_is_never_confirmed():
    assert judge_adapter(AdapterCheck(("a",), (), ()))[0] == "unchecked"
    assert judge_adapter(AdapterCheck((), (), ("a",)))[0] == "unchecked"
    assert judge_adapter(AdapterCheck(("a",), ("b",), ()))[0] == "contradicted"
