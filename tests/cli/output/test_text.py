import pytest

from modelhub.cli.output.text import abbreviate, cell_width, clean, clean_lines, cut_end, cut_middle, first_line, pad


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("model.pt", "model.pt"),
        ("größe 模型 ✓", "größe 模型 ✓"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("a\nb", "a\\nb"),
        ("a\rb", "a\\rb"),
        ("ab\u202egnp.exe", "ab\\u202egnp.exe"),
        ("bad\udcff", "bad\\udcff"),
        ("\x9b31m", "\\x9b31m"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_control_and_invisible_characters_are_written_as_escapes(text, safe):
    assert clean(text) == safe


def test_a_message_keeps_its_lines():
    assert clean_lines("one\n\n\ttwo\x07\n") == ["one", "", "    two\\x07"]


def test_the_subject_is_the_first_line():
    assert first_line("\nsubject \n\nbody") == "subject"
    assert first_line("") == ""


def test_widths_count_columns():
    assert cell_width("abc") == 3
    assert cell_width("模型") == 4
    assert cell_width("e\u0301") == 1


@pytest.mark.parametrize("width", range(8, 40))
def test_cut_texts_take_no_more_than_their_width(width):
    name = "encoder.layer.11.attention.模型.self.query.weight"
    assert cell_width(cut_end(name, width)) <= width
    assert cell_width(cut_middle(name, width)) <= width
    assert cell_width(cut_middle(name, width, "...")) <= width


def test_a_name_cut_in_its_middle_keeps_both_ends():
    shown = cut_middle("encoder.layer.11.attention.query.weight", 20)
    assert shown.startswith("enco")
    assert shown.endswith("query.weight")


def test_padding_fills_up_on_either_side():
    assert pad("ab", 4) == "ab  "
    assert pad("模", 4, right=True) == "  模"


def test_a_dotted_name_is_abbreviated_from_the_left_and_keeps_its_numbers():
    name = "encoder.layer.11.attention.query.weight"
    assert abbreviate(name, 39) == name
    assert abbreviate(name, 30) == "e.l.11.attention.query.weight"
    assert abbreviate(name, 24) == "e.l.11.a.query.weight"
    assert cell_width(abbreviate(name, 10)) == 10
    assert abbreviate("..", 1) == "…"
