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
        "run": _entry("run", "Run a command and record it as a training run"),
        "replay": _entry("replay", "Run a recorded command again and compare"),
    },
    "Look at history": {
        "log": _entry("log", "Show the history, newest first"),
        "show": _entry("show", "Show one version and what it changed"),
        "diff": _entry("diff", "Show what changed: files, params, metrics, tensors"),
        "blame": _entry("blame", "Show which version last changed each tensor of a file"),
        "lineage": _entry("lineage", "Draw what a version or a model came from"),
        "verify": _entry("verify", "Check what is said of a version's parents against its weights"),
        "ls": _entry("ls", "List the files or tensors of a version or run"),
        "cat": _entry("cat", "Print one file or one tensor of a version or run"),
    },
    "Make smaller copies": {
        "export": _entry("export", "Write a lossy copy of a model"),
        "eval-precision": CommandEntry(
            "modelhub.cli.commands.eval_precision",
            "eval_precision_command",
            "Measure size against accuracy of lossy copies",
        ),
    },
    "Compare and ask": {
        "runs": _entry("runs", "List training runs, or show one"),
        "compare": _entry("compare", "Show params and metrics of versions or runs side by side"),
        "best": _entry("best", "List the best versions by a metric"),
        "plot": _entry("plot", "Draw the curves of metrics"),
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
    "Come from other tools": {
        "import": CommandEntry("modelhub.cli.commands.import_", "import_command", "Take in what another tool recorded"),
    },
    "Care for the repository": {
        "du": _entry("du", "Explain where the bytes are"),
        "fsck": _entry("fsck", "Check that everything stored is whole"),
        "keep": _entry("keep", "Keep the best checkpoints and forget the others"),
        "gc": _entry("gc", "Delete objects that nothing needs any more"),
        "repack": _entry("repack", "Store all versions anew, smaller"),
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
    "optimize": "repack", "archive": "repack",
    "prune": "gc", "version": "--version", "revert": "undo", "rollback": "undo", "annotate": "blame",
    "doctor": "fsck", "check": "fsck", "search": "query", "find": "query", "experiments": "runs", "experiment": "runs",
    "exp": "runs", "ps": "runs", "exec": "run", "repro": "replay", "reproduce": "replay", "rerun": "replay",
    "metrics": "compare", "params": "compare", "plots": "plot", "curves": "plot", "leaderboard": "best",
    "forget": "keep", "retain": "keep", "retention": "keep",
    "dag": "lineage", "provenance": "lineage", "ancestry": "lineage", "models": "ls", "artifacts": "ls",
}  # fmt: skip

_NO_REMOTES = "remotes are not there yet; all of a repository is in its folder .mh"
_NO_SERVER = "there is no page and no server: 'mh runs' lists, 'mh compare' compares, 'mh plot -o FILE.svg' draws"
_NO_ACCOUNT = "there is no server and no account; all of a repository is in its folder .mh"

# What people type who know other tools, and there is nothing like it here.
ABSENT: dict[str, str] = {
    "push": _NO_REMOTES,
    "pull": _NO_REMOTES,
    "fetch": _NO_REMOTES,
    "clone": _NO_REMOTES,
    "remote": _NO_REMOTES,
    "stash": "keep the work on a branch of its own: mh switch -c NAME, then mh commit -m MESSAGE",
    "rm": "delete the file as any other: 'mh commit' records that",
    "mv": "move the file as any other: 'mh commit' records that",
    "rebase": "'mh merge' joins lines of history; 'mh restore --source REV PATH' brings single files",
    "cherry-pick": "'mh restore --source REV PATH' brings the files of a version",
    "ui": _NO_SERVER,
    "gui": _NO_SERVER,
    "server": _NO_SERVER,
    "serve": _NO_SERVER,
    "dashboard": _NO_SERVER,
    "board": _NO_SERVER,
    "login": _NO_ACCOUNT,
    "sync": _NO_ACCOUNT,
    "offline": _NO_ACCOUNT,
    "sweep": "a loop of the shell is one: for rate in 0.1 0.3; do mh run -- python train.py --rate $rate; done",
    "register": "'mh tag NAME REV' gives a version a name, 'mh tag -f NAME REV' moves it",
    "registry": "'mh tag NAME REV' gives a version a name, 'mh tag' lists them",
}

# Options of `mh` itself that may be looked for behind a command, and how they are written before it.
GLOBAL_OPTIONS: dict[str, str] = {"--no-pager": "--no-pager", "--color": "--color WHEN", "-C": "-C DIR"}

_EVERYTHING = "leave it away: 'mh commit' records every change unless something is staged, 'mh add -A' stages all"
_ALL_OR_NOTHING = "leave it away: a merge that meets a conflict changes nothing; 'mh undo' takes back one that was made"

# Options people know from other tools: (command, option) to what to do here.
OTHER_OPTIONS: dict[tuple[str, str], str] = {
    ("commit", "-a"): _EVERYTHING,
    ("commit", "--all"): _EVERYTHING,
    ("commit", "--amend"): "'mh undo' takes the last commit back and leaves the files; then commit again",
    ("merge", "--abort"): _ALL_OR_NOTHING,
    ("merge", "--continue"): _ALL_OR_NOTHING,
    ("add", "-f"): "what .mhignore names is left out: take the name out of it",
    ("add", "--force"): "what .mhignore names is left out: take the name out of it",
    ("log", "-p"): "'mh diff REV~1 REV' shows what a version changed",
    ("log", "--stat"): "'mh show REV' lists the files a version changed",
    ("diff", "--stat"): "'mh diff --no-tensors' lists the files only",
    ("diff", "--name-only"): "'mh diff --no-tensors' lists the files only",
}
