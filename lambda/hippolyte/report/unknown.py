"""What a run does not know of its backups, or did not have, each a line of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hippolyte.records.ledger import Ledger, TableEntry
from hippolyte.tables.settings_of import OPERATIONS
from hippolyte.verdicts import Verdict


def uncounted(tables: Mapping[str, Any]) -> list[str]:
    """Say how many backups nobody counted: the job's log has the only count of clusters'."""
    names = [
        name
        for name, table in tables.items()
        if table["verdict"] == Verdict.BACKED_UP.value and table["items"] is None
    ]
    if not names:
        return []
    whose = f"of {names[0]}" + (f" and {len(names) - 1:,} more" if names[1:] else "")
    return [f"the count {whose} is unknown: no log of the job says how many items it read"]


def unread_of(entry: TableEntry) -> list[str]:
    """Return the operations whose answers are not in the table's catalogue entry."""
    if entry.verdict is not Verdict.BACKED_UP:
        return []
    return entry.unread if entry.settings_at or entry.unread else list(OPERATIONS)


def unread(tables: Mapping[str, Any], reasons: Mapping[str, str]) -> list[str]:
    """Return a line for each operation that was not read of some tables."""
    lines = []
    for operation in OPERATIONS:
        names = [name for name, table in tables.items() if operation in table["unread_settings"]]
        if names:
            whose = f"of {names[0]}" + (f" and {len(names) - 1:,} more" if names[1:] else "")
            why = reasons.get(operation, "there was no time left")
            lines.append(f"settings that a restore needs: {operation} {whose} is unread: {why}")
    return lines


def not_read(reasons: Mapping[str, str]) -> list[str]:
    """Return a line on the backups whose turn it was to be read back, and that were not."""
    if not reasons:
        return []
    name, why = next(iter(reasons.items()))
    whose = name + (f" and {len(reasons) - 1:,} more" if len(reasons) > 1 else "")
    return [f"backups not read back in their turn (verified to level 1 only): {whose}: {why}"]


def unguarded(ledger: Ledger) -> list[str]:
    """Return a line on the clusters that no schedule would have ended."""
    left = [b.handle for b in ledger.batches.values() if b.handle.get("unguarded")]
    if not left:
        return []
    whose = left[0]["cluster"] + (f" and {len(left) - 1:,} more" if left[1:] else "")
    why = left[0]["unguarded"]
    return [f"only the node's own shutdown guarded cluster {whose}, no schedule: {why}"]
