"""JSONPath as the machines here use it: `$`, `$.a.b`, and the context object `$$.a.b`."""

from __future__ import annotations

import re
from typing import Any

_PATH = re.compile(r"\$\$?(\.[A-Za-z_][A-Za-z0-9_-]*)*")


class NoPath(Exception):
    """When a path leads to nothing, or to what cannot be taken there."""


def can_follow(path: object, context: bool = True) -> bool:
    """Say whether a path is one that is followed here, `$$` only where the context may be asked."""
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        return False
    return context or not path.startswith("$$")


def found(path: str, data: Any, context: dict[str, Any]) -> Any:
    """Return what a path leads to.

    Raises:
        NoPath: nothing is there.
    """
    value, parts = (context, path[2:]) if path.startswith("$$") else (data, path[1:])
    for part in parts.split(".")[1:]:
        if not isinstance(value, dict) or part not in value:
            raise NoPath(f"The JSONPath '{path}' could not be found in the input '{data!r:.200}'")
        value = value[part]
    return value


def filled(template: Any, data: Any, context: dict[str, Any]) -> Any:
    """Return a template with its `key.$` members filled in.

    Raises:
        NoPath: a path leads to nothing.
    """
    if isinstance(template, dict):
        return {
            key.removesuffix(".$"): found(value, data, context)
            if key.endswith(".$")
            else filled(value, data, context)
            for key, value in template.items()
        }
    if isinstance(template, list):
        return [filled(each, data, context) for each in template]
    return template


def template_paths(template: Any) -> list[Any]:
    """Return the values of a template's `key.$` members."""
    if isinstance(template, dict):
        here = [value for key, value in template.items() if key.endswith(".$")]
        inner = [value for key, value in template.items() if not key.endswith(".$")]
        return here + [path for each in inner for path in template_paths(each)]
    if isinstance(template, list):
        return [path for each in template for path in template_paths(each)]
    return []


def put(path: str | None, data: Any, result: Any) -> Any:
    """Return the data with a result put where a ResultPath says.

    Raises:
        NoPath: something that is no object is in its way.
    """
    if path is None:
        return data
    if path == "$":
        return result
    return _with(path, path.split(".")[1:], data, result)


def _with(path: str, names: list[str], data: Any, result: Any) -> Any:
    if not names:
        return result
    if not isinstance(data, dict):
        raise NoPath(f"Unable to apply ReferencePath {path} to input {data!r:.200}")
    return {**data, names[0]: _with(path, names[1:], data.get(names[0], {}), result)}
