"""IAM policy evaluation: statements, globs, conditions (IAM guide, policy evaluation logic)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

Context = Mapping[str, str | list[str]]


class Decision(StrEnum):
    """What policies say of a request."""

    ALLOW = "allow"
    DENY = "deny"
    NOTHING = "nothing"


@lru_cache(maxsize=4096)
def parse(document: str) -> dict[str, Any]:
    """Return a policy document."""
    parsed: dict[str, Any] = json.loads(document)
    return parsed


def as_list(value: Any) -> list[Any]:
    """Return what a policy element holds, one or many, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@lru_cache(maxsize=8192)
def _regex(pattern: str, any_case: bool) -> re.Pattern[str]:
    parts = [".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern]
    return re.compile("".join(parts) + r"\Z", re.DOTALL | (re.IGNORECASE if any_case else 0))


def glob(pattern: str, text: str, any_case: bool = False) -> bool:
    """Return whether `text` matches a pattern of `*` and `?`."""
    return _regex(pattern, any_case).match(text) is not None


def decide(
    policies: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    context: Context,
    is_principal: Callable[[Mapping[str, Any]], bool] | None = None,
) -> Decision:
    """Evaluate policies; `is_principal` tells which statements of a resource policy are meant."""
    found = Decision.NOTHING
    lowered = {key.lower(): value for key, value in context.items()}
    for policy in policies:
        for statement in as_list(policy.get("Statement")):
            if is_principal is not None and not is_principal(statement):
                continue
            if not _concerns(statement, action, resource, lowered):
                continue
            if statement["Effect"] == "Deny":
                return Decision.DENY
            found = Decision.ALLOW
    return found


@lru_cache(maxsize=8192)
def _named(patterns: tuple[str, ...], action: str) -> bool:
    return any(glob(pattern, action, any_case=True) for pattern in patterns)


def _concerns(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    if "NotAction" in statement:
        if _named(tuple(as_list(statement["NotAction"])), action):
            return False
    elif not _named(tuple(as_list(statement.get("Action"))), action):
        return False
    if "NotResource" in statement:
        if any(glob(_filled(p, context), resource) for p in as_list(statement["NotResource"])):
            return False
    elif "Resource" in statement and not any(
        glob(_filled(p, context), resource) for p in as_list(statement["Resource"])
    ):
        return False
    return conditions_hold(statement.get("Condition") or {}, context)


def _filled(pattern: str, context: Context) -> str:
    """Fill in policy variables, `${aws:PrincipalAccount}`."""

    def value(match: re.Match[str]) -> str:
        key = match.group(1)
        if key in ("*", "?", "$"):
            return key
        return str(as_list(context.get(key.lower(), match.group(0)))[0])

    return re.sub(r"\$\{([^}]+)\}", value, pattern) if "${" in pattern else pattern


def _date(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if "-" in text else float(text)


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda want, got: want == got,
    "StringEqualsIgnoreCase": lambda want, got: want.lower() == got.lower(),
    "StringLike": glob,
    "ArnEquals": glob,
    "ArnLike": glob,
    "Bool": lambda want, got: want.lower() == got.lower(),
    "NumericEquals": lambda want, got: float(got) == float(want),
    "NumericLessThan": lambda want, got: float(got) < float(want),
    "NumericLessThanEquals": lambda want, got: float(got) <= float(want),
    "NumericGreaterThan": lambda want, got: float(got) > float(want),
    "NumericGreaterThanEquals": lambda want, got: float(got) >= float(want),
    "DateLessThan": lambda want, got: _date(got) < _date(want),
    "DateGreaterThan": lambda want, got: _date(got) > _date(want),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}


def conditions_hold(conditions: Mapping[str, Any], context: Context) -> bool:
    """Return whether every condition of a statement holds (context keys in lower case)."""
    return all(
        _holds(operator, _filled_list(wanted, context), context.get(key.lower()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _filled_list(wanted: Any, context: Context) -> list[str]:
    return [_filled(_text(value), context) for value in as_list(wanted)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(operator: str, wanted: list[str], got: str | list[str] | None) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name == "Null":
        return (got is None) == (wanted[0] == "true")
    negated = name in _NEGATED
    test = _TESTS.get(_NEGATED.get(name, name))
    if test is None:
        raise NotImplementedError(f"the local AWS does not know the condition operator {operator}")
    if got is None:
        return if_exists or negated or quantifier == "ForAllValues"

    def one(value: str) -> bool:
        return any(test(want, value) for want in wanted) != negated

    values = [_text(value) for value in as_list(got)]
    if quantifier == "ForAllValues":
        return all(one(value) for value in values)
    if quantifier == "ForAnyValue":
        return any(one(value) for value in values)
    return all(one(value) for value in values) if negated else any(one(v) for v in values)
