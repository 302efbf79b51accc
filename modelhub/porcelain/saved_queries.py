"""Queries kept in the project's folder `queries/`, so that they are versioned with it; asked by name as `@NAME`."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelhub.catalog.query.statements import parameter_names, split_statements
from modelhub.errors import (
    AlreadyExistsError,
    InvalidInputError,
    ModelHubError,
    NotFoundError,
    PathNotFound,
    QuerySyntaxError,
)
from modelhub.files import WorkFolder
from modelhub.repository.repository import Repository

FOLDER = "queries"
SUFFIX = ".sql"
MOST_NBYTES = 1_000_000

Value = str | int | float | None

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_DECLARED = re.compile(r"\s*:(?P<name>\w+)\s*(?P<equals>=\s*(?P<value>'(?:[^']|'')*'|\S+))?\s*(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a saved query takes. Where `required`, it has no default."""

    name: str
    default: Value = None
    required: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query with a name. `text` is the whole file, `path` where it is in the project."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    text: str
    path: str


def saved_queries(repo: Repository) -> tuple[SavedQuery, ...]:
    """Return the queries in the folder, in the order of their names; files with other names are left out."""
    return tuple(_parse(name, _read(repo, name)) for name in _names(repo))


def saved_query(repo: Repository, *, place: str) -> SavedQuery:
    """Return the query `NAME` as it is in the folder, or `NAME@REV` as it was in a version; a leading `@` may stand.

    Raises NotFoundError, RefNotFound, InvalidInputError.
    """
    name, at, revision = place.removeprefix("@").partition("@")
    _check_name(name)
    if at:
        return _parse(name, _read_version(repo, name, revision))
    try:
        return _parse(name, _read(repo, name))
    except FileNotFoundError:
        raise _absent(f"there is no saved query '{name}'", name, _names(repo)) from None


def save_query(
    repo: Repository,
    *,
    name: str,
    text: str,
    description: str = "",
    defaults: Mapping[str, Value] | None = None,
    force: bool = False,
) -> SavedQuery:
    """Write a query into the folder, after a look whether it can be asked; the next commit takes it in.

    Raises AlreadyExistsError unless `force`, QuerySyntaxError for what cannot be asked.
    """
    _check_name(name)
    statements = split_statements(text)
    if len(statements) != 1:
        raise InvalidInputError(
            "a saved query is one statement", hint="as in: mh query --save best 'select * from metrics'"
        )
    query = _parse(name, _headed(statements[0], description, defaults or {}))
    if not force and _path(repo, name).exists():
        raise AlreadyExistsError(f"there is a saved query '{name}' already", hint="--force replaces it")
    _try(repo, query)
    folder = WorkFolder(repo.layout.root, repo.layout.scratch)
    folder.write(query.path, iter([query.text.encode()]), executable=False, check=lambda: None)
    folder.sync({FOLDER})
    return query


def bound_values(query: SavedQuery, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each parameter: the given one, else its default. Raises InvalidInputError for one missing."""
    unknown = [name for name in values if name not in {parameter.name for parameter in query.parameters}]
    if unknown:
        known = ", ".join(parameter.name for parameter in query.parameters)
        hint = f"it takes {known}" if known else "it takes none"
        raise InvalidInputError(f"the saved query '{query.name}' takes no value '{unknown[0]}'", hint=hint)
    for parameter in query.parameters:
        if parameter.required and parameter.name not in values:
            meaning = f" ({parameter.description})" if parameter.description else ""
            raise InvalidInputError(
                f"the saved query '{query.name}' needs a value for '{parameter.name}'{meaning}",
                hint=f"mh query @{query.name} --set {parameter.name}=VALUE",
            )
    return {parameter.name: values.get(parameter.name, parameter.default) for parameter in query.parameters}


def _parse(name: str, text: str) -> SavedQuery:
    """Read the comments above the statement: the description, and a line for each parameter that has one."""
    description = ""
    declared: dict[str, Parameter] = {}
    for line in text.splitlines():
        if not line.lstrip().startswith("--"):
            if line.strip():
                break
            continue
        said = line.lstrip()[2:].strip()
        match = _DECLARED.fullmatch(said)
        if match is not None:
            declared[match["name"]] = _parameter(match)
        elif not description:
            description = said
    names = parameter_names(text)
    parameters = tuple(declared.get(parameter, Parameter(parameter)) for parameter in names)
    return SavedQuery(name, description, parameters, text, f"{FOLDER}/{name}{SUFFIX}")


def _parameter(match: re.Match[str]) -> Parameter:
    if match["equals"] is None:
        return Parameter(match["name"], description=match["text"])
    return Parameter(match["name"], _value(match["value"]), False, match["text"])


def _value(text: str) -> Value:
    """Return a default: text in single quotes as such, a number as a number, `null`, any other word as text."""
    if text.startswith("'") and text.endswith("'") and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text.lower() == "null":
        return None
    for number in (int, float):
        try:
            return text if "_" in text else number(text)
        except ValueError:
            continue
    return text


def _headed(statement: str, description: str, defaults: Mapping[str, Value]) -> str:
    """Return what the file says: the description and the defaults as comments, then the statement."""
    names = parameter_names(statement)
    unknown = [name for name in defaults if name not in names]
    if unknown:
        raise InvalidInputError(f"the query has no ':{unknown[0]}'", hint="a default is for a :NAME in the query")
    lines = [f"-- {' '.join(description.split())}"] if description.strip() else []
    lines += [f"-- :{name} = {_written(value)}" for name, value in defaults.items()]
    return "\n".join([*lines, statement.rstrip(), ""])


def _written(value: Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(int(value) if isinstance(value, bool) else value)


def _try(repo: Repository, query: SavedQuery) -> None:
    """Have the query compiled. Places in its errors are those in its own text."""
    from modelhub.porcelain.query import query as ask

    prefix = "explain query plan "
    values = {parameter.name: parameter.default for parameter in query.parameters}
    statement = query.text
    if statement.lstrip().lower().startswith("explain"):
        prefix = ""
    try:
        ask(repo, sql=prefix + statement, params=values, limit=1)
    except QuerySyntaxError as error:
        position = None if error.position is None else max(0, error.position - len(prefix))
        raise QuerySyntaxError(error.message, text=statement, position=position, hint=error.hint) from None


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"'{name}' cannot be the name of a saved query", hint="letters, digits, '-', '_' and '.' make one"
        )


def _path(repo: Repository, name: str) -> Path:
    return repo.layout.root / FOLDER / f"{name}{SUFFIX}"


def _names(repo: Repository) -> list[str]:
    try:
        found = [path.name.removesuffix(SUFFIX) for path in (repo.layout.root / FOLDER).glob(f"*{SUFFIX}")]
    except OSError:
        return []
    return sorted(name for name in found if _NAME.fullmatch(name) and _path(repo, name).is_file())


def _read(repo: Repository, name: str) -> str:
    path = _path(repo, name)
    if path.stat().st_size > MOST_NBYTES:
        raise InvalidInputError(f"'{FOLDER}/{path.name}' is too large for a query")
    return path.read_bytes().decode("utf-8", "replace")


def _read_version(repo: Repository, name: str, revision: str) -> str:
    from modelhub.porcelain.cat import cat

    place = f"{revision or 'HEAD'}:{FOLDER}/{name}{SUFFIX}"
    try:
        return b"".join(cat(repo, place=place)).decode("utf-8", "replace")
    except PathNotFound:
        raise NotFoundError(
            f"there is no saved query '{name}' in '{revision or 'HEAD'}'", hint=f"@{name} is the one in the folder"
        ) from None


def _absent(message: str, name: str, names: list[str]) -> ModelHubError:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean '@{near[0]}'?" if near else "'mh query --list' lists them, 'mh query --save NAME' makes one"
    return NotFoundError(message, hint=hint)
