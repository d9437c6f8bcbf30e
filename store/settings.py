"""YAML into strict pydantic settings, with errors that name file, line, what was found and the nearest valid name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from store.errors import ConfigError


class Settings(BaseModel):
    """What every room's settings derive from: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=BaseModel)
WHOLE = ("",)  # the place of a whole file, in which something is missing


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[tuple[str | int, ...], str]]:
    """A YAML file's content and, for every key path, `file:line` (under WHOLE: `file`); those it `extends` lie beneath.

    Mappings merge key by key, lists and scalars of the nearer file win. Raises ConfigError.
    """
    return _read(path, ())


def _read(path: Path, below: tuple[Path, ...]) -> tuple[dict[str, Any], dict[tuple[str | int, ...], str]]:
    """As `read_yaml`, for a file that those of `below` extend."""
    if path.resolve() in below:
        raise ConfigError(
            "extends itself",
            where=str(path),
            expected="files that end somewhere",
            do=f"look at `extends` of {', '.join(one.name for one in below)}",
        )
    loaded = _parsed(path)
    content: dict[str, Any] = {}
    places: dict[tuple[str | int, ...], str] = {}
    for parent in _extended(path, loaded):
        known, known_places = _read((path.parent / parent).resolve(), (*below, path.resolve()))
        _merge(content, known)
        places |= known_places
    places[WHOLE] = path.name
    plain = _plain(loaded, (), path.name, places)
    _merge(content, plain)
    return content, places


def _extended(path: Path, loaded: CommentedMap) -> list[str]:
    """The files that a file says it extends. Raises ConfigError where it says something else."""
    if "extends" not in loaded:
        return []
    line = _line(loaded, "extends")
    said = loaded.pop("extends")
    parents = [said] if isinstance(said, str) else said
    if not isinstance(parents, list) or not all(isinstance(one, str) and one for one in parents):
        raise ConfigError(
            "'extends' names no file",
            where=f"{path.name}:{line}",
            expected="a YAML file, or a list of them",
            do="write it as `extends: standard.yaml`, or leave the line out",
        )
    return parents


def _parsed(path: Path) -> CommentedMap:
    try:
        loaded = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], 1, 0.3)
        do = f"did you mean {path.parent / near[0]}?" if near else "name an existing YAML file"
        raise ConfigError("no such file", where=str(path), do=do) from None
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            expected="a YAML file",
            do="name the file itself, and let this user read it",
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise ConfigError(f"not valid YAML: {problem or str(error).splitlines()[0]}", where=where) from error
    if not isinstance(loaded, CommentedMap):
        raise ConfigError("holds no mapping", where=str(path), expected="key: value lines at the top")
    return loaded


def load(path: Path, model: type[S]) -> S:
    """The validated settings of one YAML file. Raises ConfigError naming every wrong line."""
    content, places = read_yaml(path)
    return validate(content, model, places)


def validate(content: dict[str, Any], model: type[S], places: dict[tuple[str | int, ...], str]) -> S:
    """`content` as `model`. Raises ConfigError with one line per mistake: place, what was found, nearest valid name."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [_say(item, model, places) for item in error.errors()]
        raise ConfigError("\n  ".join(lines)) from None


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _plain(node: Any, at: tuple[str | int, ...], name: str, places: dict[tuple[str | int, ...], str]) -> Any:
    if isinstance(node, CommentedMap):
        for key in node:
            places[(*at, key)] = f"{name}:{_line(node, key)}"
        return {key: _plain(value, (*at, key), name, places) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        for index in range(len(node)):
            places[(*at, index)] = f"{name}:{node.lc.item(index)[0] + 1}"
        return [_plain(value, (*at, index), name, places) for index, value in enumerate(node)]
    return node


def _line(node: CommentedMap, key: str | int) -> int:
    """The line of a key; for one that came by `<<`, the line of the mapping that takes it in."""
    own = (node.lc.data or {}).get(key)
    return int((own[0] if own else node.lc.line) + 1)


def _say(item: Any, model: type[BaseModel], places: dict[tuple[str | int, ...], str]) -> str:
    at = tuple(item["loc"])
    known = next((places[at[:size]] for size in range(len(at), 0, -1) if at[:size] in places), places.get(WHOLE, "top level"))
    dotted = ".".join(str(part) for part in at)
    if item["type"] == "extra_forbidden":
        names = _fields_at(model, at[:-1])
        near = difflib.get_close_matches(str(at[-1]), names, 1, 0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(names))}"
        return f"{known}: unknown key '{dotted}'; {hint}"
    if item["type"] == "missing":
        return f"{known}: '{dotted}' is missing"
    said, given = item["msg"].removeprefix("Value error, "), item.get("input")
    shown = "" if isinstance(given, dict | list | tuple) else f" is {given!r}"
    return f"{known}: '{dotted}'{shown}: {said}"


def _fields_at(model: type[BaseModel], at: tuple[str | int, ...]) -> list[str]:
    current: Any = model
    for part in at:
        fields = getattr(current, "model_fields", None)
        if fields is not None and part in fields:
            current = _inner(fields[part].annotation)
    return list(getattr(current, "model_fields", {}))


def _inner(annotation: Any) -> Any:
    """The settings class inside list[X], dict[str, X], X | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner(argument)
        if found is not None:
            return found
    return None
