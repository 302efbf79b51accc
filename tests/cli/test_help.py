import pkgutil
from pathlib import Path

import click
import pytest

from modelhub.cli import commands, reference
from modelhub.cli.command import MhCommand
from modelhub.cli.command_table import ABSENT, COMMANDS, GLOBAL_OPTIONS, OTHER_NAMES, OTHER_OPTIONS
from modelhub.cli.commands.help import TOPICS
from modelhub.cli.main import cli

ALL = [[name] for name in COMMANDS] + [["op", "log"]]


def command_at(words):
    found = cli.get_command(click.Context(cli), words[0])
    for word in words[1:]:
        found = found.get_command(click.Context(found), word)
    return found


@pytest.mark.parametrize("words", [[], *ALL], ids=" ".join)
def test_every_help_is_at_most_80_columns_wide(mh, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    done = mh(*words, "--help")
    assert done.out.startswith("Usage: mh")
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_the_short_option_for_help_works_everywhere(mh, words):
    assert mh(*words, "-h").out == mh(*words, "--help").out


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_the_first_line_of_a_help_is_a_short_sentence(words):
    first = (command_at(words).help or "").splitlines()[0]
    assert first[0].isupper()
    assert first.endswith(".")
    assert len(first) <= 72


def test_the_table_says_of_each_command_what_its_help_says():
    assert {name: entry.help + "." for name, entry in COMMANDS.items()} == {
        name: (command_at([name]).help or "").splitlines()[0] for name in COMMANDS
    }


@pytest.mark.parametrize("words", [words for words in ALL if words not in (["op"], ["import"])], ids=" ".join)
def test_every_command_has_examples(words):
    found = command_at(words)
    assert isinstance(found, MhCommand)
    assert found.examples
    assert all(line.startswith("mh ") and meaning.endswith(".") for line, meaning in found.examples)


def test_every_module_is_in_the_table():
    named = {entry.module.rpartition(".")[2] for entry in COMMANDS.values()} | {"import_history"}
    assert {module.name for module in pkgutil.iter_modules(commands.__path__)} == named


def test_other_tools_names_lead_to_commands():
    assert set(OTHER_NAMES.values()) - {"--version"} <= set(COMMANDS)
    assert not set(OTHER_NAMES) & set(COMMANDS)


def test_what_others_have_is_no_command_here():
    assert not set(ABSENT) & (set(COMMANDS) | set(OTHER_NAMES))
    assert {command for command, _ in OTHER_OPTIONS} <= set(COMMANDS)


@pytest.mark.parametrize("option", GLOBAL_OPTIONS)
def test_the_options_that_go_before_the_command_are_those_of_mh(option):
    assert any(option in parameter.opts for parameter in cli.params)
    assert not any(option in parameter.opts for words in ALL for parameter in command_at(words).params)


@pytest.mark.parametrize(("name", "option"), OTHER_OPTIONS)
def test_an_option_that_others_have_is_not_one_here(name, option):
    assert not any(option in parameter.opts for parameter in command_at([name]).params)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_a_text(mh, topic):
    assert len(mh("help", topic).out.splitlines()) > 3


def test_help_on_a_command_is_that_command_s_help(mh):
    assert mh("help", "diff").out == mh("diff", "--help").out
    assert mh("help").out == mh("--help").out
    assert "no command or topic 'nope'" in mh("help", "nope", code=4).err


def test_the_reference_page_is_up_to_date():
    written = (Path(__file__).parents[2] / reference.PAGE).read_text("utf-8")
    assert written == reference.page(), "run python -m modelhub.cli.reference"
