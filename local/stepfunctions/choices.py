"""The rules of Choice states (Amazon States Language)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.stepfunctions.paths import NoPath, found

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "GreaterThan": lambda a, b: a > b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
_KINDS: dict[str, Callable[[Any], Any]] = {
    "Boolean": lambda v: v if isinstance(v, bool) else None,
    "String": lambda v: v if isinstance(v, str) else None,
    "Numeric": lambda v: v if isinstance(v, int | float) and not isinstance(v, bool) else None,
    "Timestamp": lambda v: _moment(v),
}


def known(name: str) -> bool:
    """Say whether a comparison is one that is carried out here."""
    return name in ("IsPresent", "IsNull") or _parts(name) is not None


def holds(rule: dict[str, Any], data: Any, context: dict[str, Any]) -> bool:
    """Say whether a rule holds; of a value of another kind none does.

    Raises:
        NoPath: its variable is not there.
    """
    if "And" in rule:
        return all(holds(each, data, context) for each in rule["And"])
    if "Or" in rule:
        return any(holds(each, data, context) for each in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], data, context)
    name = next(key for key in rule if key not in ("Variable", "Next", "Comment"))
    if name == "IsPresent":
        return _is_there(rule["Variable"], data, context) == rule[name]
    value = found(rule["Variable"], data, context)
    if name == "IsNull":
        return (value is None) == rule[name]
    parts = _parts(name)
    assert parts
    kind, compare, by_path = parts
    other = found(rule[name], data, context) if by_path else rule[name]
    mine, its = _KINDS[kind](value), _KINDS[kind](other)
    return mine is not None and its is not None and _COMPARE[compare](mine, its)


def _is_there(path: str, data: Any, context: dict[str, Any]) -> bool:
    try:
        found(path, data, context)
    except NoPath:
        return False
    return True


def _parts(name: str) -> tuple[str, str, bool] | None:
    by_path = name.endswith("Path")
    bare = name.removesuffix("Path")
    for kind in _KINDS:
        if bare.startswith(kind) and bare[len(kind) :] in _COMPARE:
            return kind, bare[len(kind) :], by_path
    return None


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None
