"""JSONPath as the machines here use it: `$`, `$.a.b`, and the context object `$$.a.b`."""

from __future__ import annotations

from typing import Any


class NoPath(Exception):
    """When a path leads to nothing."""


def found(path: str, data: Any, context: dict[str, Any]) -> Any:
    """Return what a path leads to.

    Raises:
        NoPath: nothing is there.
    """
    value, parts = (context, path[3:]) if path.startswith("$$.") else (data, path[2:])
    if path in ("$", "$$"):
        return data if path == "$" else context
    for part in parts.split("."):
        if not isinstance(value, dict) or part not in value:
            raise NoPath(f"The JSONPath '{path}' could not be found in the input {data!r:.200}")
        value = value[part]
    return value


def filled(template: Any, data: Any, context: dict[str, Any]) -> Any:
    """Return a template with its `key.$` members filled in."""
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


def put(path: str | None, data: Any, result: Any) -> Any:
    """Return the data with a result put where a ResultPath says."""
    if path is None:
        return data
    if path == "$":
        return result
    names = path[2:].split(".")
    out = dict(data)
    inner = out
    for name in names[:-1]:
        inner[name] = dict(inner.get(name, {}))
        inner = inner[name]
    inner[names[-1]] = result
    return out
