"""The rules of Choice states (Amazon States Language)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.stepfunctions.paths import NoPath, can_follow, found

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
    "Timestamp": lambda v: moment(v),
}
# RFC 3339 with capital T and Z, as the States Language wants it: seconds, and a zone
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TESTS = ("IsPresent", "IsNull", *(f"Is{kind}" for kind in _KINDS))
_BESIDE = ("Variable", "Next", "Comment")


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
    name = next(key for key in rule if key not in _BESIDE)
    if name == "IsPresent":
        return _is_there(rule["Variable"], data, context) == rule[name]
    value = found(rule["Variable"], data, context)
    if name == "IsNull":
        return (value is None) == rule[name]
    if name in _TESTS:
        return (_KINDS[name.removeprefix("Is")](value) is not None) == rule[name]
    parts = _parts(name)
    assert parts
    kind, compare, by_path = parts
    other = found(rule[name], data, context) if by_path else rule[name]
    mine, its = _KINDS[kind](value), _KINDS[kind](other)
    return mine is not None and its is not None and _COMPARE[compare](mine, its)


def problems(rule: Any, inner: bool = False) -> list[str]:
    """Return what is wrong with a rule, in words; one inside another has no Next."""
    if not isinstance(rule, dict):
        return [f"{rule!r} is no rule"]
    wrong = []
    if inner and "Next" in rule:
        wrong.append("a rule inside another has a Next")
    if not inner and not isinstance(rule.get("Next"), str):
        wrong.append("a rule has no Next")
    names = [key for key in rule if key not in _BESIDE]
    if len(names) != 1:
        return [*wrong, f"a rule is one comparison, not {names}"]
    name, value = names[0], rule[names[0]]
    if name in ("And", "Or"):
        if not isinstance(value, list) or not value:
            return [*wrong, f"{name} wants a list of rules"]
        return wrong + [each for one in value for each in problems(one, inner=True)]
    if name == "Not":
        return wrong + problems(value, inner=True)
    if not can_follow(rule.get("Variable")):
        wrong.append(f"the local AWS follows no Variable {rule.get('Variable')!r}")
    return wrong + _of_comparison(name, value)


def _of_comparison(name: str, value: Any) -> list[str]:
    if name in _TESTS:
        return [] if isinstance(value, bool) else [f"{name} wants true or false"]
    parts = _parts(name)
    if parts is None:
        return [f"the local AWS knows no comparison {name!r}"]
    kind, _, by_path = parts
    if by_path:
        return [] if can_follow(value) else [f"the local AWS follows no path {value!r}"]
    return [] if _KINDS[kind](value) is not None else [f"{name} compares with no {value!r}"]


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
        compare = bare.removeprefix(kind)
        known = ("Equals",) if kind == "Boolean" else _COMPARE
        if bare.startswith(kind) and compare in known:
            return kind, compare, by_path
    return None


def moment(value: Any) -> datetime | None:
    """Return the time that a text is, None if it is none."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
