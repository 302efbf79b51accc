"""The line editor under the prompt: keys, completion, colours, and the history that is kept for the user."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import has_selection
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth

from modelhub.catalog.query.statements import ends_statement, is_whole
from modelhub.cli.query_prompt.completions import Recorded, suggest
from modelhub.files import make_private_file

if TYPE_CHECKING:
    from prompt_toolkit.lexers import Lexer

PROMPT = "mh> "
FURTHER = "  > "


def line_editor(recorded: Recorded, history: History, *, colour: bool) -> PromptSession[str]:
    """Return what reads one query or dot command at a time from the terminal."""
    return PromptSession(
        message=PROMPT,
        prompt_continuation=lambda width, number, wrapped: FURTHER,
        multiline=True,
        key_bindings=_keys(),
        completer=_Completer(recorded),
        complete_while_typing=False,
        auto_suggest=AutoSuggestFromHistory() if colour else None,
        history=history,
        lexer=_lexer() if colour else None,
        color_depth=None if colour else ColorDepth.DEPTH_1_BIT,
        enable_history_search=True,
    )


def is_finished(text: str) -> bool:
    """Tell whether Enter ends what was typed: a `;`, a dot command, a saved query's name, or an empty line."""
    said = text.strip()
    if not said or said.startswith((".", "@")) or ends_statement(text):
        return True
    last = text.rpartition("\n")[2]
    return "\n" in text and not last.strip() and is_whole(text)


def history_path(env: Mapping[str, str], home: Path) -> Path:
    """Return the file for what was asked: MH_HISTORY, else in the user's folder for state (XDG_STATE_HOME)."""
    said = env.get("MH_HISTORY")
    if said:
        return Path(said).expanduser()
    state = env.get("XDG_STATE_HOME", "")
    folder = Path(state) if state.startswith("/") else home / ".local" / "state"
    return folder / "modelhub" / "query-history"


def open_history(path: Path) -> History:
    """Open the file, made for nobody but the user; where that cannot be, the history lasts as long as the prompt.

    What begins with a blank is not kept, as in shells.
    """
    with contextlib.suppress(OSError):
        make_private_file(path)
        return _FileHistory(str(path))
    return InMemoryHistory()


class _FileHistory(FileHistory):
    def store_string(self, string: str) -> None:
        if string.strip() and not string.startswith(" "):
            with contextlib.suppress(OSError):
                super().store_string(string)


class _Completer(Completer):
    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        for found in suggest(document.text_before_cursor, document.text_after_cursor, self._recorded):
            yield Completion(found.text, start_position=-found.typed, display_meta=found.meaning)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~has_selection)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None
        elif is_finished(buffer.text) and not buffer.document.text_after_cursor.strip():
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    @keys.add("c-c")
    def _clear(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt)

    return keys


def _lexer() -> Lexer:
    from prompt_toolkit.lexers import PygmentsLexer
    from pygments.lexers.sql import SqlLexer  # type: ignore[import-untyped, unused-ignore]

    return PygmentsLexer(SqlLexer)
