"""Small bars: lowest to highest, gaps blank, spikes kept."""

import math

import pytest

from modelhub.cli.output.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([], ""),
        ([math.nan], ""),
        ([1.0], "▄"),
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([1.0, math.nan, 2.0], "▁ █"),
        ([-1e308, math.inf, 1e308], "▁ █"),
    ],
)
def test_bars(values, bars):
    assert sparkline(values) == bars


def test_a_long_series_keeps_its_spike_and_its_width():
    shown = sparkline([0.0] * 500 + [9.0] + [0.0] * 499, 10)
    assert len(shown) == 10
    assert shown.count("█") == 1


def test_without_the_letters_there_is_ascii():
    assert sparkline([0, 1], unicode=False) == "_#"
