"""`mh reindex`."""

from __future__ import annotations

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.quantities import count
from modelhub.porcelain.reindex import reindex


@command("reindex", examples=[("mh reindex", "After .mh/catalog.db was deleted or damaged.")])
@json_option
@pass_session
def reindex_command(session: Session, as_json: bool) -> None:
    """Rebuild the catalog from the objects.

    The catalog is what 'mh log' and 'mh query' read. It holds nothing that the objects do not, so this gives the same
    answers as before.
    """
    with session.progress() as progress:
        result = reindex(session.repository, progress=progress, waiting=session.waiting)
    if as_json:
        print_json(session, "reindex", result)
        return
    counted = (
        count(result.commits, "commit"), count(result.files, "file"), count(result.tensors, "tensor"),
    )  # fmt: skip
    session.say("catalog rebuilt: " + ", ".join(counted))
