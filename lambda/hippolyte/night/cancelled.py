"""Ends a run before its window does, because a person asked: a mark in its folder says so.

The mark is written once, by `hippolyte cancel`; each pass that meets it does what is left to do.
"""

from __future__ import annotations

from typing import Any

from hippolyte import clock
from hippolyte.night.one_pass import Pass
from hippolyte.record_form import iso
from hippolyte.records.runs import Run, Runs

MARK = "cancel.json"


def ask(runs: Runs, run_id: str, by: str, reason: str = "") -> dict[str, Any] | None:
    """Mark a run as cancelled; return the mark that was there already, None if there was none."""
    key = runs.key(run_id, MARK)
    if runs.store.create(key, {"by": by, "at": iso(clock.now()), "reason": reason}) is not None:
        return None
    found = runs.store.read(key)
    return found[0] if found else None


def take_note(p: Pass, run: Run) -> None:
    """Let the ledger say that the run is cancelled, if it is."""
    if run.ledger.cancelled:
        return
    if found := p.store.read(p.runs.key(run.plan.run_id, MARK)):
        mark = found[0]
        why = f" ({mark['reason']})" if mark.get("reason") else ""
        run.ledger.cancelled = f"cancelled by {mark.get('by')} at {mark.get('at')}{why}"
