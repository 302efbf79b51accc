"""Shell completion of revisions and branches: reads the refs, touches neither network nor catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelhub.errors import ModelHubError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_revision(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete branches, tags and HEAD."""
    return _complete(ctx, incomplete, branches_only=False)


def complete_branch(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete branches."""
    return _complete(ctx, incomplete, branches_only=True)


def _complete(ctx: click.Context, incomplete: str, *, branches_only: bool) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from modelhub.repository.repository import Repository

    folder = ctx.find_root().params.get("folder") or Path()
    try:
        refs = Repository.find((Path.cwd() / folder).resolve()).refs
    except (ModelHubError, OSError):
        return []
    names = list(refs.branches()) if branches_only else ["HEAD", *refs.branches(), *refs.tags()]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
