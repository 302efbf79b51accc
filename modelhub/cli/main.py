"""The entry point: find the command, run it, and turn whatever happens into an exit code."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from modelhub.cli import exit_codes, failures
from modelhub.cli.command_table import ABSENT, COMMANDS, OTHER_NAMES, SECTIONS
from modelhub.cli.context import Session
from modelhub.cli.freed_memory import MOVES_MODELS, keep_freed_memory
from modelhub.cli.output.terminal import describe_terminal
from modelhub.errors import InvalidInputError, NotFoundError

GARBAGE_THRESHOLD = 100_000

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

ARGUMENTS_KEY = "modelhub.arguments"


class PipeClosed(Exception):
    """The program that read our output has gone."""


class LazyGroup(click.Group):
    """The `mh` group: knows its commands by name and imports only the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        if args[0] in ABSENT:
            raise InvalidInputError(f"there is no command '{args[0]}'", hint=ABSENT[args[0]])
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"there is no command '{args[0]}'{_nearest(args[0])}", ctx)
        ctx.meta[ARGUMENTS_KEY] = tuple(args)
        return super().resolve_command(ctx, args)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the command line; keep click from turning a closed pipe under the help into exit code 1."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError as error:
            raise PipeClosed from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; keep click from turning a closed pipe into exit code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise PipeClosed from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in their sections."""
        longest = max(map(len, COMMANDS))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(longest), entry.help) for name, entry in section.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete command names from the table."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=entry.help) for name, entry in COMMANDS.items() if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _nearest(name: str) -> str:
    import difflib

    meant = OTHER_NAMES.get(name) or next(iter(difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)), None)
    return f"; did you mean 'mh {meant}'?" if meant else ""


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"mh {version('modelhub')}")
        except PackageNotFoundError:
            click.echo("mh, run from its sources without being installed")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="'mh help exit-codes' lists the exit codes, 'mh COMMAND --help' has examples.",
)
@click.option("-C", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Run as if started in DIR.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="When to use colours.",
)
@click.option("--no-pager", is_flag=True, help="Do not show long output through a pager.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors: no progress, no remarks.")
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version."
)
@click.pass_context
def cli(ctx: click.Context, folder: Path | None, color: str, no_pager: bool, quiet: bool) -> None:
    """Version control for models: exact, small, and askable in SQL."""
    if folder is not None:
        os.chdir(folder)
    if ctx.invoked_subcommand in MOVES_MODELS:
        keep_freed_memory()
    ctx.obj = Session(
        folder=_current_folder(),
        arguments=ctx.meta[ARGUMENTS_KEY],
        env=dict(os.environ),
        terminal=describe_terminal(sys.stdout, os.environ, color),
        talk=describe_terminal(sys.stderr, os.environ, color),
        pager=not no_pager,
        quiet=quiet,
    )
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # after `env`: programs of the user's own have what they had


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise NotFoundError("the folder you are in was deleted", hint="cd to another one") from None


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. Says on stderr what went wrong; raises nothing."""
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        _tolerate_any_text(stream)
    try:
        code = cli.main(args=arguments and list(arguments), prog_name="mh", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else exit_codes.OK
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.message)
        return exit_codes.USAGE
    except (BrokenPipeError, PipeClosed):
        _forget_output()
        return exit_codes.BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as error:
        return _report(error)


def _report(error: BaseException) -> int:
    failure = failures.describe(error)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        if os.environ.get("MH_DEBUG") and failure.code != exit_codes.INTERRUPTED:
            import traceback

            traceback.print_exception(error)
        failures.show(failure, describe_terminal(sys.stderr, os.environ))
    _forget_output_if_broken()
    return failure.code


def _replace_closed_streams() -> None:
    """Give the process the streams it was started without (`mh log >&-`); their numbers must not go to other files."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _tolerate_any_text(stream: TextIO) -> None:
    """Write letters that the encoding lacks as escapes rather than fail."""
    reconfigure: Any = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _forget_output_if_broken() -> None:
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _forget_output()


def _forget_output() -> None:
    """Point stdout to nowhere, so that the interpreter's last flush does not complain."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def main() -> NoReturn:
    """Run the command line of this process, which is too short-lived to look for garbage often, or at its end."""
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 100)
    code = run()
    gc.freeze()
    sys.exit(code)
