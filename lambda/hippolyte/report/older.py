"""Reports of older versions in today's form: what they did not say is said to be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# within a version of the record keys were added only: these are all that ever were
_REPORT: dict[str, Any] = {
    "engine": "datapipeline",
    "part": [],
    "storage_usd": None,
    "before": None,
    "timezone": "UTC",
    "runbook_url": None,
    "drills": [],
    "would_raise": [],
}
_BATCH: dict[str, Any] = {"workers": 1}
_TABLE: dict[str, Any] = {"before": None, "last_good": None, "damage": [], "engine": None}


def filled(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report with every key that a page is made of."""
    return {
        **_REPORT,
        **report,
        "batches": [{**_BATCH, **batch} for batch in report["batches"]],
        "tables": {name: {**_TABLE, **row} for name, row in report["tables"].items()},
    }
