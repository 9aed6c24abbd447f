"""Which backups are imported as a trial, under which names, and what that costs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from hippolyte.planning.plan import Job
from hippolyte.record_form import when
from hippolyte.settings import RestoreDrill, Settings
from hippolyte.tables.names import first_names

DRILL_PREFIX = "hippolyte-drill-"
"""Of the tables that drills make, which the rights name; no backup is made of them."""

ALERT = "restore drill: "
"""How an alert of a drill that failed begins."""

COST = "drills"
"""Of the parts of a plan's cost."""

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


def left(names: Iterable[str], settings: Settings) -> tuple[str, ...]:
    """Tell of drills' tables that nobody deletes, as drills are switched off."""
    found = sorted(name for name in names if name.startswith(DRILL_PREFIX))
    if settings.restore_drill is not None or not found:
        return ()
    whose = "a restore drill's table by its name" if len(found) == 1 else "restore drills' tables"
    return (
        f"{first_names(found)}: {whose}, and restore_drill is null, so that nothing deletes what "
        f"is left of a drill and no table of such a name is backed up: delete it, or rename it",
    )


def missing(names: Collection[str], settings: Settings) -> tuple[str, ...]:
    """Tell of a canary that is no table: it would never be drilled."""
    canary = settings.restore_drill.canary if settings.restore_drill else None
    if canary is None or canary in names:
        return ()
    return (f"restore_drill.canary names {canary!r}, and there is no such table: correct the name",)


def left_of(settings: Settings, usd: float) -> Settings:
    """Return the settings with what `max_night_usd` leaves of the drills' ceiling beside `usd`."""
    rules, most = settings.restore_drill, settings.max_night_usd
    if rules is None or most is None:
        return settings
    rules = replace(rules, max_usd=min(rules.max_usd, max(0.0, most - usd)))
    return replace(settings, restore_drill=rules)


def most_usd(
    scanned: Iterable[Job], exported: Iterable[Job], settings: Settings, part: bool, spent: float
) -> float:
    """Return what a night's drills cost at the most, beside `spent`, in USD.

    The canary, and the dearest of those whose turn it may be; of which engine's backups ImportTable
    takes, see `night.drill`.
    """
    rules = left_of(settings, spent).restore_drill
    if rules is None or part:
        return 0.0
    jobs = [*(scanned if settings.engine == "lambda" else ()), *exported]
    usd = {
        job.table: price(job.size_bytes, settings)
        for job in jobs
        if job.size_bytes <= rules.max_bytes
    }
    first = usd.pop(rules.canary or "", 0.0)
    first = first if first <= rules.max_usd else 0.0
    others = (
        each
        for name, each in usd.items()
        if not _is_out(name, rules) and each <= rules.max_usd - first
    )
    return first + max(others, default=0.0)


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
    unfit = [each for each in turn if each.unfit and not _is_out(each.table, rules)]
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
        return f"its import costs {cost:.2f} USD, and {left:.2f} are left of the night's"
    return ""


def _is_due(each: Candidate, last: Mapping[str, str], rules: RestoreDrill, now: datetime) -> bool:
    if _is_out(each.table, rules):
        return False
    is_large = each.bytes > rules.max_bytes * _LARGE
    before = last.get(each.table)
    return not (is_large and before and now - when(before) < _SELDOM)


def _is_out(table: str, rules: RestoreDrill) -> bool:
    return any(fnmatchcase(table, glob) for glob in rules.exclude)
