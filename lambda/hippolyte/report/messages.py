"""The messages beside the night's own and the fleet's: what each says, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from hippolyte.record_form import iso
from hippolyte.report.kinds import Kind, Message
from hippolyte.report.message import money
from hippolyte.report.remedies import DRILL, NO_BACKUP, PREFLIGHT, do, of_alert, told
from hippolyte.report.texts import count_of
from hippolyte.settings import Settings


def mid_night(settings: Settings, run_id: str, alerts: Iterable[str]) -> Message:
    """Return what cannot wait for the report."""
    what = told(((alert, of_alert(alert)) for alert in alerts), settings.runbook_url)
    text = "\n".join([f"Run {run_id}, still under way:", *what])
    return Message(Kind.MID_NIGHT, ("ATTENTION in mid-night",), text, run_id)


def price(settings: Settings, run_id: str, tables: int, cost: dict[str, Any]) -> Message:
    """Return what a first night costs; `cost` as `money` takes it."""
    usd = cost["cost_usd"]
    text = (
        f"Run {run_id}, {count_of(tables, 'table')}, is the first of this deployment, and begins "
        f"now: {money(cost)}. Each night costs about as much.\n"
        f"To end it: hippolyte cancel {run_id}. To bound what a night costs: the variable "
        "max_night_usd. `hippolyte plan` shows the tables; docs/costs.md says what is reckoned.\n"
        f"{do(settings.runbook_url, PREFLIGHT)}"
    )
    forms = (
        f"PREFLIGHT: the first night is estimated at {usd:,.2f} USD",
        f"PREFLIGHT: {usd:,.0f} USD a night",
    )
    return Message(Kind.PRICE, forms, text, run_id)


def not_recorded(settings: Settings, run_id: str, error: object) -> Message:
    """Return that nothing was begun, as the records cannot be reached."""
    text = (
        f"Run {run_id} cannot be recorded in bucket {settings.bucket}: {error}\n"
        "Nothing was raised and nothing was started. Restore the bucket or the role's access to "
        'it, then invoke the scheduler with {"run": "now"}.\n'
        f"{do(settings.runbook_url, NO_BACKUP)}"
    )
    forms = ("NO BACKUP, the run cannot be recorded", "NO BACKUP, not recorded")
    return Message(Kind.NOT_RECORDED, forms, text, run_id)


def too_late(settings: Settings, run_id: str, deadline: datetime) -> Message:
    """Return that a delivery came after its deadline."""
    text = (
        f"The delivery for run {run_id} came after its deadline {iso(deadline)} and was refused: "
        'there is no backup of this night. Invoke the scheduler with {"run": "now"} for one.\n'
        f"{do(settings.runbook_url, NO_BACKUP)}"
    )
    forms = ("NO BACKUP, delivered after its deadline", "NO BACKUP, delivered late")
    return Message(Kind.LATE, forms, text, run_id)


def denied(settings: Settings, function: str, lines: Sequence[str]) -> Message:
    """Return which calls of a function would fail; without any: that all of it is mended."""
    found = f"calls of the {function} that would fail: {len(lines):,}"
    rows = [
        *([found] if lines else []),
        f"Tried before the first night, as the role of the {function}:",
        *(f"  - {line}" for line in lines or ["nothing is denied any more"]),
        "",
        "Look at the role's policy and boundary, at the policies of bucket and keys, and at the "
        "organization's; apply the module again.",
        "The roles of those who read the tables cannot be tried before they run.",
    ]
    return _preflight(settings, Kind.DENIED, found, "denied", len(lines), rows)


def unfit(settings: Settings, lines: Sequence[str]) -> Message:
    """Return what the settings name and is missing or wrong; nothing: that all of it is mended."""
    found = f"named by the settings, missing or unfit: {len(lines):,}"
    rows = [
        *([found] if lines else []),
        "Looked at what the settings name:",
        *(f"  - {line}" for line in lines or ["nothing is missing any more"]),
        "",
        "A night starts all the same, and what needs these fails in it. Correct the inputs of the "
        "module and apply it, or put back what is missing; it is looked at again.",
    ]
    return _preflight(settings, Kind.UNFIT, found, "unfit", len(lines), rows)


def _preflight(
    settings: Settings, kind: Kind, found: str, word: str, count: int, rows: Sequence[str]
) -> Message:
    forms = [found, f"{count:,} {word}"] if count else ["mended"]
    text = "\n".join([*rows, do(settings.runbook_url, PREFLIGHT)])
    return Message(kind if count else Kind.MENDED, [f"PREFLIGHT: {form}" for form in forms], text)


def drilled(settings: Settings, run_id: str, said: str, *, ok: bool) -> Message:
    """Return what a restore drill came to, or that it is not over."""
    kind = Kind.DRILL_GOOD if ok else Kind.DRILL_ATTENTION
    text = said if ok else f"{said}\n{do(settings.runbook_url, DRILL)}"
    return Message(kind, (f"{'OK' if ok else 'ATTENTION'} restore drill",), text, run_id)
