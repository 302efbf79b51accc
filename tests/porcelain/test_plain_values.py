"""Tests of reading numbers and words from settings files."""

from __future__ import annotations

import pytest

from modelhub.errors import FormatError
from modelhub.porcelain.plain_values import MOST_VALUES, as_metrics, as_params, flattened, read_values


def test_words_of_yaml_mean_what_dvc_takes_them_for() -> None:
    pytest.importorskip("yaml")
    text = b"a: 1e-3\nb: 0o17\nc: 0123\nd: no\ne: 2024-01-01\nf: .inf\ng: ~\nh: True\ni: 12:30\nj: -.5\nk: 0x1F\n"
    text += b"l: 1_000\n"
    assert flattened(read_values("x.yaml", text)) == {
        "a": 0.001, "b": 15, "c": 123, "d": "no", "e": "2024-01-01", "f": float("inf"), "g": None, "h": True,
        "i": "12:30", "j": -0.5, "k": 31, "l": "1_000",
    }  # fmt: skip


def test_tables_are_flattened_and_lists_left_out() -> None:
    assert flattened({"a": {"b": 1, "c": {"d": "x"}}, "l": [1], 3: 4.0}) == {"a.b": 1, "a.c.d": "x", "3": 4.0}
    assert flattened([1]) == {}


def test_what_grows_without_end_is_cut() -> None:
    pytest.importorskip("yaml")
    rows = "".join(f"x{level}: &x{level} {{a: *x{level - 1}, b: *x{level - 1}}}\n" for level in range(1, 30))
    found = flattened(read_values("x.yaml", b"x0: &x0 {v: 1}\n" + rows.encode()))
    assert len(found) <= MOST_VALUES


@pytest.mark.parametrize(
    ("name", "data"), [("x.json", b"{"), ("x.toml", b"="), ("x.yaml", b"a: ["), ("x.json", b"\xff")]
)
def test_what_cannot_be_understood_is_told(name: str, data: bytes) -> None:
    if name.endswith("yaml"):
        pytest.importorskip("yaml")
    with pytest.raises(FormatError, match=name):
        read_values(name, data)


def test_yaml_cannot_make_objects() -> None:
    pytest.importorskip("yaml")
    with pytest.raises(FormatError):
        read_values("x.yaml", b"!!python/object/apply:os.system ['true']")


def test_params_are_what_can_be_recorded() -> None:
    values = {"a": 1 << 70, "b": float("nan"), " c": 1, "": 2, "d": "\ud800", "e": None, "f": False}
    assert as_params(values) == {"a": str(1 << 70), "b": "nan", "e": None, "f": False}


def test_metrics_are_the_numbers() -> None:
    found = as_metrics({"a": 1, "b": 0.5, "c": True, "d": "x", "e": float("-inf"), "f": 1 << 70})
    assert found == {"a": 1.0, "b": 0.5, "e": float("-inf")}
