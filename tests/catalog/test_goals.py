"""Whether low or high values are good is guessed from the words of a metric's name."""

import pytest

from modelhub.catalog.goals import guess_goal


@pytest.mark.parametrize("name", ["loss", "val_loss", "eval/WER", "testRmse", "top1_error", "latency.ms", "perplexity"])
def test_what_should_be_small(name):
    assert guess_goal(name) == "min"


@pytest.mark.parametrize("name", ["accuracy", "f1", "bleu", "glossary", "tokens_per_second", "reward", ""])
def test_what_should_be_large(name):
    assert guess_goal(name) == "max"
