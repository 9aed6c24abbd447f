"""The form of the settings: what their JSON may hold, and each fault named by its key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from math import inf
from typing import Any

ENGINES = ("lambda", "datapipeline", "emr")

_ONE_OF = {"engine": ENGINES, "estimates": ("measured", "formula")}
_LOWEST = {
    "window_seconds": 900,
    "consumed_percentage": 1,
    "core_instance_count": 1,
    "max_read_capacity": 1,
    "attempts": 1,
    "max_clusters": 1,
    "bytes_per_read_unit": 1,
    "cluster_bytes_per_second": 1,
    "on_demand_read_rate": 1,
    "discovery_concurrency": 1,
    "timeout_seconds": 1,
    "memory_size": 128,
    "max_workers": 1,
    "retention_days": 1,
    "max_bytes": 1,
}


@dataclass(frozen=True, slots=True)
class NativeExport:
    """Globs of the tables that DynamoDB itself is to export; none by default, for it costs."""

    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreDrill:
    """Which backups are imported as a trial; `max_bytes` of a table, `max_usd` of a night."""

    canary: str | None = None
    max_bytes: int = 10_000_000_000
    max_usd: float = 2.0
    exclude: tuple[str, ...] = ()


def build(
    kind: type[Any],
    data: object,
    nested: Mapping[str, type[Any]],
    problems: list[str],
    path: str = "",
) -> object:
    """Build `kind` of JSON's `data`; name in `problems` whatever does not fit, None if any does.

    `nested`: which fields are built likewise, and of what; not those within them.
    """
    if not isinstance(data, dict):
        problems.append(f"{path.rstrip('.') or 'the settings'} must be an object, got {data!r}")
        return None
    known = {f.name: f for f in fields(kind)}
    problems += [f"unknown key {path}{key}" for key in data if key not in known]
    values: dict[str, object] = {}
    for name, spec in known.items():
        if name not in data:
            if spec.default is MISSING and spec.default_factory is MISSING:
                problems.append(f"missing key {path}{name}")
            continue
        value = data[name]
        if name in nested and not (value is None and "None" in str(spec.type)):
            value = build(nested[name], value, {}, problems, f"{path}{name}.")
        elif wrong := _wrong(name, str(spec.type), value):
            problems.append(f"{path}{name} {wrong}, got {value!r}")
        else:
            value = _frozen(value)
        values[name] = value
    return None if problems else kind(**values)


def _frozen(value: object) -> object:
    """Return lists as tuples and objects as tuples of pairs: settings can be hashed."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return tuple((k, v if isinstance(v, str) else tuple(v)) for k, v in value.items())
    return value


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _no_number(name: str, kind: str, value: object) -> str | None:
    if kind.startswith("float"):
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < inf
        return None if good else "must be a number above 0"
    if isinstance(value, bool) or not isinstance(value, int):
        return "must be a whole number"
    lowest = _LOWEST.get(name, 0)
    if value < lowest:
        return f"must be at least {lowest}"
    return "must be at most 100" if name.endswith("percentage") and value > 100 else None


def _wrong(name: str, kind: str, value: object) -> str | None:
    if value is None:
        return None if "None" in kind else "must not be null"
    if kind == "TagRules":
        good = isinstance(value, dict) and all(_strings(one) for one in value.values())
        return None if good else "must be an object of lists of strings"
    if kind == "TagPairs":
        good = isinstance(value, dict) and _strings(list(value.values()))
        return None if good else "must be an object of strings"
    if kind.startswith("tuple"):
        return None if _strings(value) else "must be a list of strings"
    if kind.startswith("bool"):
        if isinstance(value, bool) or ("plan" in kind and value == "plan"):
            return None
        return "must be true or false" + (', or "plan"' if "plan" in kind else "")
    if kind.startswith(("float", "int")):
        return _no_number(name, kind, value)
    if not isinstance(value, str):
        return "must be a string"
    if value not in _ONE_OF.get(name, (value,)):
        return f"must be one of {', '.join(_ONE_OF[name])}"
    if name == "jar" and not re.fullmatch(r"s3://[^/]+/.+\.jar", value):
        return "must be like s3://bucket/key.jar"
    return "must not be empty" if name == "service_role" and not value else None
