import math

import pytest

from modelhub.cli.output import quantities as q


@pytest.mark.parametrize(
    ("nbytes", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (9_994, "9.99 kB"), (9_999, "10.0 kB"), (99_960, "100 kB"),
     (999_499, "999 kB"), (999_600, "1.00 MB"), (268_000_000, "268 MB"), (10**18, "1000 PB")],
)  # fmt: skip
def test_sizes_have_three_digits(nbytes, shown):
    assert q.size(nbytes) == shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (0.9512, 0.9681, "+0.0169  +1.8 %"),
        (10, 15, "+5  +50.0 %"),
        (0.001, 0.0001, "-0.0009  -90.0 %"),
        (0, 3, "+3"),
        (2.0, 2.0, "="),
        (-2.0, 1.0, "+3  +150 %"),
        ("adam", "sgd", ""),
        (None, 1.0, ""),
        (True, False, ""),
        ("nan", 1.0, ""),
        ("12", 13, ""),
    ],
)
def test_a_change_is_absolute_and_relative(before, after, shown):
    assert q.change(before, after) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (math.nan, "-"), (0.0, "0"), (0.0123, "0.0123"), (0.012, "0.0120"), (1.5e-7, "1.5e-07"),
     (math.inf, "inf"), (123.4, "123"), (12345.0, "1.23e+04")],
)  # fmt: skip
def test_measures_have_three_digits(value, shown):
    assert q.small(value) == shown


@pytest.mark.parametrize(
    ("part", "shown"),
    [(None, "-"), (0.0, "0 %"), (1.0, "100 %"), (0.9999, "99.9 %"), (0.032, "3.2 %"), (0.00001, "<0.1 %")],
)
def test_shares_are_percentages(part, shown):
    assert q.share(part) == shown


def test_values_are_shown_briefly():
    assert [q.number(value) for value in (None, True, 3, 0.1 + 0.2, "adam")] == ["-", "true", "3", "0.3", "adam"]


def test_times_are_shown_in_their_own_zone():
    assert q.moment(0, 90) == "1970-01-01 01:30:00 +0130"
    assert q.day(1_700_000_000_000, -600) == "2023-11-14"


def test_an_absurd_time_does_not_fail():
    assert q.moment(10**18, 0).startswith("1970")
    assert q.moment(0, 10**9).startswith("1970")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "just now"), (40, "40 seconds ago"), (60, "1 minute ago"), (7300, "2 hours ago"),
                           (86400 * 400, "1 year ago"), (-5, "just now")],
)  # fmt: skip
def test_ages_are_rounded(seconds, shown):
    assert q.ago(0, seconds * 1000) == shown


def test_a_bar_shows_any_movement_at_all():
    assert q.bar(0, 4, unicode=True) == "▁▁▁▁"
    assert q.bar(0.001, 4, unicode=True) == "▇▁▁▁"
    assert q.bar(1, 4, unicode=False) == "####"
    assert q.bar(0.5, 4, unicode=False) == "##.."


def test_counts_take_the_plural():
    assert [q.count(number, "file") for number in (0, 1, 2, 12345)] == ["0 files", "1 file", "2 files", "12 345 files"]
