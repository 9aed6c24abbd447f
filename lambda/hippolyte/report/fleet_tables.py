"""The tables of many deployments, by their newest reports: what no backup is made of, and ages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hippolyte.errors import ConfigurationError
from hippolyte.planning import replicas
from hippolyte.record_form import when
from hippolyte.records.homes import Home, Kept
from hippolyte.verdicts import ALERTING_VERDICTS, OVER_BUDGET, Verdict

_WRONG = frozenset(verdict.value for verdict in ALERTING_VERDICTS)
_GOOD, _SKIPPED = Verdict.BACKED_UP.value, Verdict.SKIPPED.value


@dataclass(frozen=True, slots=True)
class Bare:
    """A table that the newest night did not back up; `last_good`: when its newest backup ended.

    `replica`: that a rule leaves it out, and it is, or was, a global table's; None: neither.
    """

    home: Home
    table: str
    verdict: str
    reason: str
    last_good: str
    replica: bool | None = None


@dataclass(frozen=True, slots=True)
class Age:
    """How old a table's newest good backup is; if there is none, for how long one is wanted."""

    table: str
    days: float
    last_good: str


def rows(kept: Kept) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Return the rows of the newest report."""
    found: Mapping[str, Mapping[str, Any]] = kept.report.get("tables", {})
    return found.items()


def failed(kept: Kept) -> list[Bare]:
    """Return the tables that should have been backed up and were not."""
    return [_bare(kept, name, row) for name, row in rows(kept) if _is_wrong(row)]


def nowhere(all_kept: Iterable[Kept]) -> list[Bare]:
    """Return the tables of which no deployment has a backup, or makes one any more.

    A table that a rule leaves out may be backed up by another deployment of its account and region.
    It is copied elsewhere if it is a global table's replica and another deployment backs up one of
    its name. Reports of older versions do not say whether it is one: of
    those another region of the account will do.
    """
    everywhere = list(all_kept)
    copied: dict[str, set[Home]] = {}
    for kept in everywhere:
        for name, row in rows(kept):
            if row.get("verdict") == _GOOD or (_is_wrong(row) and row.get("last_good")):
                copied.setdefault(name, set()).add(kept.home)
    return [
        _bare(kept, name, row)
        for kept in everywhere
        for name, row in rows(kept)
        if _has_none(row) and not _is_copied(row, kept.home, copied.get(name, set()))
    ]


def oldest(kept: Kept, now: datetime, most: int) -> list[Age]:
    """Return the tables whose newest good backup is oldest, of those that shall have one."""
    found = []
    for name, row in rows(kept):
        if row.get("verdict") == _GOOD or _is_wrong(row):
            good = _good(row)
            if since := good or _time(row, "wanted_since"):
                found.append((since, name, good))
    return [
        Age(name, max(0.0, round((now - when(since)).total_seconds() / 86_400, 2)), good)
        for since, name, good in sorted(found)[:most]
    ]


def _is_wrong(row: Mapping[str, Any]) -> bool:
    return row.get("verdict") in _WRONG or _text(row, "reason").startswith(OVER_BUDGET)


def _has_none(row: Mapping[str, Any]) -> bool:
    left_out = row.get("verdict") == _SKIPPED and not _is_wrong(row)
    return left_out or (_is_wrong(row) and not _good(row))


def _is_copied(row: Mapping[str, Any], home: Home, others: set[Home]) -> bool:
    if row.get("verdict") != _SKIPPED:
        return False
    if any((other.account, other.region) == (home.account, home.region) for other in others):
        return True
    if replicas.KEY in row:
        return row[replicas.KEY] is True and bool(others)
    return any(other.account == home.account for other in others)


def _bare(kept: Kept, name: str, row: Mapping[str, Any]) -> Bare:
    replica = row.get(replicas.KEY)
    return Bare(
        kept.home,
        name,
        str(row.get("verdict")),
        _text(row, "reason"),
        _good(row),
        replica if isinstance(replica, bool) else None,
    )


def _good(row: Mapping[str, Any]) -> str:
    """Return when the newest good backup ended; older reports tell of tonight's only."""
    if row.get("verdict") == _GOOD and "last_good" not in row:
        return _time(row, "finished_at")
    return _time(row, "last_good")


def _time(row: Mapping[str, Any], key: str) -> str:
    text = _text(row, key)
    try:
        return text if text and when(text) else ""
    except ConfigurationError:
        return ""


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""
