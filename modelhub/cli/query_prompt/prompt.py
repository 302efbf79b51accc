"""The prompt itself: read a query or a dot command, answer it, and go on whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from modelhub.cli import failures
from modelhub.cli.answers import Asking, answer, refuse_binary_on_terminal
from modelhub.cli.context import Session
from modelhub.cli.facts import parse_params
from modelhub.cli.options import FORMATS
from modelhub.cli.output.quantities import count
from modelhub.cli.output.tables import Cell, Column, render
from modelhub.cli.output.view_guide import view_lines
from modelhub.cli.query_prompt.dot_commands import help_rows, parse
from modelhub.cli.query_prompt.line_editor import history_path, line_editor, open_history
from modelhub.cli.query_prompt.recorded import RecordedNames
from modelhub.errors import InvalidInputError, ModelHubError
from modelhub.repository.repository import Repository

WELCOME = "Ask the history in SQL: end a query with ';'. Tab completes, .help lists the commands, Ctrl-D leaves."


class Prompt:
    """One conversation. Every query sees the repository as it is by then."""

    def __init__(self, session: Session, asking: Asking) -> None:
        self._session = session
        self._asking = asking
        self._last = ""
        self._timer = False
        self._recorded = RecordedNames(lambda: Repository.find(session.folder))
        self._commands: dict[str, Callable[[str], None]] = {
            "views": lambda _: self._page_views(()),
            "schema": self._schema,
            "queries": self._queries,
            "save": self._save,
            "as-of": self._as_of,
            "format": self._format,
            "timer": self._time,
            "help": self._help,
        }

    def run(self) -> None:
        """Read and answer until the person leaves."""
        session = self._session
        _ = session.repository  # fails here where there is none
        history = open_history(history_path(session.env, session.home))
        editor = line_editor(self._recorded, history, colour=session.terminal.colour)
        session.say(WELCOME)
        while True:
            try:
                text = editor.prompt()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if not self.do(text):
                return

    def do(self, text: str) -> bool:
        """Answer one query or carry out one dot command; tell whether to go on. What fails is said, not raised."""
        said = text.strip()
        try:
            if said.startswith("."):
                name, argument = parse(said)
                if name == "quit":
                    return False
                self._commands[name](argument)
            elif said.strip("; \n"):
                self._ask(said.rstrip("; \n"))
        except KeyboardInterrupt:
            session = self._session
            session.say(session.talk.style("stopped", "yellow"))
        except (ModelHubError, OSError) as error:
            failures.show(failures.describe(error), self._session.talk)
        return True

    def _ask(self, text: str) -> None:
        asking = self._asking
        if text.startswith("@"):
            text, *words = text.split()
            asking = replace(asking, params={**asking.params, **parse_params(words, "a saved query")})
        else:
            self._last = text
        self._recorded.forget()
        started = time.perf_counter()
        result = answer(self._fresh(), text, asking)
        if self._timer:
            self._session.say(f"{count(len(result), 'row')} in {time.perf_counter() - started:.3f} s")

    def _fresh(self) -> Session:
        """Return the session with a repository that is opened anew."""
        return replace(self._session)

    def _page_views(self, names: tuple[str, ...]) -> None:
        self._session.page(view_lines(self._session.terminal, names))

    def _schema(self, argument: str) -> None:
        from modelhub.catalog.views.registry import BY_NAME

        self._page_views(tuple(argument.split()) or tuple(BY_NAME))

    def _queries(self, _: str) -> None:
        from modelhub.cli.saved import list_saved

        list_saved(self._fresh(), "table")

    def _save(self, argument: str) -> None:
        from modelhub.cli.saved import save

        name, _, description = argument.partition(" ")
        if not name or not self._last:
            raise InvalidInputError("there is no query to save" if name else "a saved query needs a name")
        save(self._fresh(), name, self._last, description)

    def _as_of(self, argument: str) -> None:
        self._asking = replace(self._asking, as_of=argument or None)
        self._session.say(f"asking the history as of {argument}" if argument else "asking the history as it is")

    def _format(self, argument: str) -> None:
        if argument and argument not in FORMATS:
            asking = replace(self._asking, style=argument)
            refuse_binary_on_terminal(self._session, asking)
            raise InvalidInputError(f"there is no format '{argument}'", hint=f"the formats are {', '.join(FORMATS)}")
        self._asking = replace(self._asking, style=argument or self._asking.style)
        self._session.say(f"rows are printed as {self._asking.style}")

    def _time(self, argument: str) -> None:
        self._timer = {"on": True, "off": False}.get(argument, not self._timer)
        self._session.say(f"the timer is {'on' if self._timer else 'off'}")

    def _help(self, _: str) -> None:
        rows = [(Cell(word, ("bold",)), meaning) for word, meaning in help_rows()]
        self._session.write(render((Column(), Column(least=20)), rows, self._session.terminal, indent=2))
        self._session.say("A query may take several lines; ';' or an empty line ends it. Ctrl-C stops one that runs.")
