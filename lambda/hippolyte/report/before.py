"""What a report keeps of the nights before, so that it alone is needed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hippolyte.record_form import when
from hippolyte.verdicts import ALERTING_VERDICTS, OVER_BUDGET, Verdict


def night_before(previous: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the whole night's figures, None if there is no report of it that has them.

    A part's are of other tables, and say nothing.
    """
    names = ("items", "bytes", "duration_seconds", "cost_usd", "storage_usd")
    if previous.get("part") or "bytes" not in previous:
        return None
    return {name: previous.get(name) for name in names}


def backup_before(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a table's figures, of its row in that report; None if it was not backed up."""
    if row.get("verdict") != Verdict.BACKED_UP.value or "bytes" not in row:
        return None
    return {name: row.get(name) for name in ("items", "bytes", "duration_seconds")}


def oldest(tables: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """Return the table that has been longest without a good backup, and for how many days.

    One that never had any counts from the first night that wanted one.
    """
    wanted = {Verdict.BACKED_UP.value, *(verdict.value for verdict in ALERTING_VERDICTS)}
    ages = [
        (t["last_good"] or t["wanted_since"], n)
        for n, t in tables.items()
        if t["verdict"] in wanted or t["reason"].startswith(OVER_BUDGET)
    ]
    if not ages:
        return None
    since, name = min(ages)
    days = (now - when(since)).total_seconds() / 86_400
    return {"table": name, "last_good": tables[name]["last_good"], "age_days": round(days, 2)}
