"""The shape every `mh` command has: examples and exit codes in its help, and paths after `--` kept apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from modelhub.cli.command_table import GLOBAL_OPTIONS, OTHER_OPTIONS
from modelhub.errors import InvalidInputError

PATHS_KEY = "modelhub.paths"


class MhCommand(click.Command):
    """A click command whose help ends with examples and the exit codes that are its own."""

    examples: Sequence[tuple[str, str]] = ()
    exits: Mapping[int, str] = {}
    splits_paths = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what follows `--` aside as paths, for commands that tell revisions from paths."""
        if self.splits_paths and "--" in args:
            cut = args.index("--")
            ctx.meta[PATHS_KEY] = tuple(args[cut + 1 :])
            args = args[:cut]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            hint = _hint_on(ctx, error.option_name)
            if hint is None:
                raise
            raise InvalidInputError(f"no such option '{error.option_name}'", hint=hint) from None
        except click.BadOptionUsage as error:
            error.ctx = error.ctx or ctx
            raise

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show `[-- PATH...]` where paths are taken so."""
        return super().collect_usage_pieces(ctx) + (["[-- PATH...]"] if self.splits_paths else [])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, the exit codes, then the epilog."""
        if self.examples:
            with formatter.section("Examples"):
                for line, meaning in self.examples:
                    formatter.write_text(f"{line}")
                    with formatter.indentation():
                        formatter.write_text(meaning)
        if self.exits:
            with formatter.section("Exit codes"):
                formatter.write_dl([(str(code), meaning) for code, meaning in self.exits.items()])
        super().format_epilog(ctx, formatter)


def _hint_on(ctx: click.Context, option: str) -> str | None:
    """Return where an option belongs that the command does not have, None where nobody knows."""
    if option in GLOBAL_OPTIONS:
        root, _, rest = ctx.command_path.partition(" ")
        return f"it goes before the command: {root} {GLOBAL_OPTIONS[option]} {rest}"
    return OTHER_OPTIONS.get((ctx.info_name or "", option))


def _be_quiet(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and ctx.obj is not None:
        ctx.obj = replace(ctx.obj, quiet=True)


def _quiet_option() -> click.Option:
    """`-q` after the command's name means what it means before it."""
    return click.Option(
        ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_be_quiet, help="Say nothing but errors."
    )


def command(
    name: str,
    *,
    examples: Sequence[tuple[str, str]] = (),
    exits: Mapping[int, str] | None = None,
    splits_paths: bool = False,
) -> Callable[[Callable[..., Any]], MhCommand]:
    """Make a function a command. `examples` are (command line, what it does), `exits` the codes of its own."""

    def decorate(function: Callable[..., Any]) -> MhCommand:
        made = click.command(name, cls=MhCommand)(function)
        made.params.append(_quiet_option())
        made.examples, made.exits, made.splits_paths = examples, exits or {}, splits_paths
        return made

    return decorate


def paths_after_dashes() -> tuple[str, ...] | None:
    """Return what followed `--` on the command line, None where there was no `--`."""
    paths: tuple[str, ...] | None = click.get_current_context().meta.get(PATHS_KEY)
    return paths
