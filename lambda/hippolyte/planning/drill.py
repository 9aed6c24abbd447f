"""Which backups are imported as a trial, under which names, and what that costs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from hippolyte.record_form import when
from hippolyte.settings import RestoreDrill, Settings

DRILL_PREFIX = "hippolyte-drill-"
"""Of the tables that drills make, which the rights name; no backup is made of them."""

_LONGEST = 255  # a table's name (API CreateTable)
# a table of more than a tenth of the ceiling comes in turn again only after so long
_LARGE = 0.1
_SELDOM = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backup of tonight. `unfit` says why ImportTable cannot take it, empty if it can."""

    table: str
    bytes: int  # uncompressed, as the table's size
    unfit: str = ""


def drill_name(table: str) -> str:
    """Return the name of the table that a drill of `table` makes; a long one ends with a hash."""
    if len(name := DRILL_PREFIX + table) <= _LONGEST:
        return name
    mark = "-" + hashlib.sha256(table.encode()).hexdigest()[:16]
    return name[: _LONGEST - len(mark)] + mark


def price(size: int, settings: Settings) -> float:
    """Return what an import of so many bytes costs, in USD."""
    return size / 1e9 * settings.prices.import_gb


def choose_drills(
    candidates: Iterable[Candidate], last: Mapping[str, str], settings: Settings, now: datetime
) -> tuple[list[Candidate], list[str]]:
    """Return the canary and the next table in turn, and lines about what is not drilled.

    Args:
        candidates: tonight's good backups.
        last: when each table was drilled last, as ISO text; those never drilled come first.
        settings: with a `restore_drill`.
        now: for how long ago that is.
    """
    rules = settings.restore_drill
    if rules is None:
        return [], []
    by_name = {each.table: each for each in candidates}
    chosen: list[Candidate] = []
    said: list[str] = []
    left = rules.max_usd
    if rules.canary is not None:
        canary = by_name.pop(rules.canary, None)
        why = _unfit(canary, rules, settings, left) if canary else "it has no backup of tonight"
        if why or canary is None:
            said.append(f"{rules.canary}, the canary: not drilled: {why}")
        else:
            chosen.append(canary)
            left -= price(canary.bytes, settings)
    turn = sorted(by_name.values(), key=lambda each: (last.get(each.table, ""), each.table))
    unfit = [each for each in turn if each.unfit]
    for each in turn:
        if _is_due(each, last, rules, now) and not _unfit(each, rules, settings, left):
            chosen.append(each)
            break
    if unfit:
        more = f", and {len(unfit) - 1} more" if len(unfit) > 1 else ""
        said.append(f"{unfit[0].table}{more}: not drilled: {unfit[0].unfit}")
    return chosen, said


def _unfit(each: Candidate, rules: RestoreDrill, settings: Settings, left: float) -> str:
    if each.unfit:
        return each.unfit
    if each.bytes > rules.max_bytes:
        return f"its {each.bytes} bytes are above max_bytes ({rules.max_bytes})"
    if (cost := price(each.bytes, settings)) > left:
        return f"its import costs {cost:.2f} USD, and max_usd leaves {left:.2f}"
    return ""


def _is_due(each: Candidate, last: Mapping[str, str], rules: RestoreDrill, now: datetime) -> bool:
    if any(fnmatchcase(each.table, glob) for glob in rules.exclude):
        return False
    is_large = each.bytes > rules.max_bytes * _LARGE
    before = last.get(each.table)
    return not (is_large and before and now - when(before) < _SELDOM)
