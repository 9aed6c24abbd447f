"""The figures of the night before, kept in a report beside its own, so that it alone is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hippolyte.verdicts import Verdict


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
