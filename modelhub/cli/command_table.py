"""Every command by name: where it is and what it does, so that `mh --help` imports none of them."""

from __future__ import annotations

from typing import NamedTuple


class CommandEntry(NamedTuple):
    """Where a command is defined and the first line of its help."""

    module: str
    attribute: str
    help: str


def _entry(verb: str, summary: str) -> CommandEntry:
    return CommandEntry(f"modelhub.cli.commands.{verb}", f"{verb}_command", summary)


SECTIONS: dict[str, dict[str, CommandEntry]] = {
    "Start and record": {
        "init": _entry("init", "Make a repository in a folder"),
        "status": _entry("status", "Show what the next commit would record"),
        "add": _entry("add", "Stage changed files for the next commit"),
        "commit": _entry("commit", "Record a version with its params and metrics"),
    },
    "Look at history": {
        "log": _entry("log", "Show the history, newest first"),
        "show": _entry("show", "Show one version and what it changed"),
        "diff": _entry("diff", "Show what changed: files, params, metrics, tensors"),
        "ls": _entry("ls", "List the files or tensors of a version"),
        "cat": _entry("cat", "Print one file or one tensor of a version"),
        "query": _entry("query", "Ask the history in SQL"),
    },
    "Move about": {
        "checkout": _entry("checkout", "Bring the folder to a version, or files of it"),
        "switch": _entry("switch", "Go to another branch"),
        "restore": _entry("restore", "Bring files back, or unstage them"),
        "reset": _entry("reset", "Move the branch to a commit, or unstage files"),
        "branch": _entry("branch", "List, make, rename or delete branches"),
        "tag": _entry("tag", "List, make or delete tags"),
        "merge": _entry("merge", "Bring another line of history into this one"),
        "undo": _entry("undo", "Take back the last operation"),
        "op": _entry("op", "Look at the operations on this repository"),
    },
    "Care for the repository": {
        "du": _entry("du", "Explain where the bytes are"),
        "fsck": _entry("fsck", "Check that everything stored is whole"),
        "gc": _entry("gc", "Delete objects that nothing needs any more"),
        "reindex": _entry("reindex", "Rebuild the catalog from the objects"),
        "config": _entry("config", "Show or change settings"),
        "help": _entry("help", "Show help on a command or a topic"),
    },
}

COMMANDS: dict[str, CommandEntry] = {name: entry for section in SECTIONS.values() for name, entry in section.items()}

# What people type who know other tools, and what it is called here.
OTHER_NAMES: dict[str, str] = {
    "ci": "commit", "co": "checkout", "st": "status", "br": "branch", "stage": "add", "unstage": "reset",
    "history": "log", "reflog": "op", "sql": "query", "cat-file": "cat", "ls-files": "ls", "ls-tree": "ls",
    "prune": "gc", "verify": "fsck", "version": "--version", "rm": "add", "mv": "add", "revert": "undo",
}  # fmt: skip
