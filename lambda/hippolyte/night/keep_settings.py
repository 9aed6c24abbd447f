"""Adds to the catalogue what a restore of each table will need: its settings as raw answers.

Nothing waits for it but the report, and that not for long: it comes last in a pass, makes a
bounded number of calls, none of them twice, and leaves off where the services are busy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import botocore

from hippolyte import clock
from hippolyte.night.batches import since
from hippolyte.night.catalogue import add_to_catalogue
from hippolyte.night.one_pass import Pass
from hippolyte.record_form import iso
from hippolyte.records.ledger import TableEntry
from hippolyte.records.runs import Run
from hippolyte.tables.names import table_arn
from hippolyte.tables.settings_of import TableSettings, settings_of
from hippolyte.verdicts import Verdict

# the form of what is kept; a reader of a later one knows this one
FORM = 1
# a monitor passes every five minutes: 5 calls a second at the most, half of what is allowed of
# the two operations that have a stated limit, each of which is one call of eight
CALLS_A_PASS = 1500
_SECONDS_A_PASS = 60
# of a table without indexes and scaling
_CALLS_A_TABLE = 8
# while the night goes on, tables are gathered until they are a pass's, or one waited for so long:
# a pass in which few end is soon over
_GATHERING_SECONDS = 900
# and after this many tables that were throttled or timed out the rest waits for the next pass
_BUSY_A_PASS = 10
# the report waits for settings this long after the last verdict; then it names what is unread
_PATIENCE_SECONDS = 900
# or, until the deadline, for as long as so many tables take at that pace; seconds
_PATIENCE_A_TABLE = 1.7
# a table that is still raised by then is read as it is, and says so
_RAISED_PATIENCE_SECONDS = 600
# the longest that the report says of an operation's refusal
_WHY = 400


def keep_settings(p: Pass, run: Run) -> None:
    """Read some tables' settings into their catalogue entries: of those backed up, first come."""
    tables = list(_wanted(p, run))
    if not tables or p.time_is_short or _gathers(run, tables):
        return
    # what the pass has done must not hang on what follows
    p.runs.save(run)
    definitions = p.definitions(run)
    calls, busy, began = 0, 0, p.remaining()
    for name, entry in sorted(tables, key=lambda t: bool(t[1].unread)):
        late = p.time_is_short or began - p.remaining() > _SECONDS_A_PASS
        if late or calls >= CALLS_A_PASS or busy >= _BUSY_A_PASS:
            return
        found, kept = settings_now(p, name, definitions.get(name, {}))
        calls, busy = calls + found.calls, busy + found.busy
        with p.apart(f"the settings of {name} cannot be kept"):
            add_to_catalogue(p, run, name, entry, definitions.get(name), kept)
            entry.unread = sorted(found.unread)
            entry.settings_at = None if found.again else iso(clock.now())
            run.ledger.unread |= {o: why[:_WHY] for o, why in found.unread.items()}


def settings_now(
    p: Pass, name: str, definition: Mapping[str, Any]
) -> tuple[TableSettings, dict[str, Any]]:
    """Read a table's settings; return what was answered, and it as the catalogue keeps it."""
    found = settings_of(p.clients, table_arn(p.settings, name), definition)
    return found, {
        "form": FORM,
        "read_at": iso(clock.now()),
        "botocore": botocore.__version__,
        "raised": _raised(p, name),
        "answers": found.answers,
        "unread": found.unread,
    }


def _gathers(run: Run, tables: list[tuple[str, TableEntry]]) -> bool:
    now = clock.now()
    return not (
        run.ledger.decided
        or now >= run.plan.deadline
        or len(tables) * _CALLS_A_TABLE >= CALLS_A_PASS
        or any(since(entry.finished_at, now) >= _GATHERING_SECONDS for _, entry in tables)
    )


def has_unread(p: Pass, run: Run) -> bool:
    """Say whether the report should wait for settings that another pass may read."""
    waited, patience = since(run.ledger.decided_at, clock.now()), float(_PATIENCE_SECONDS)
    if clock.now() < run.plan.deadline:
        patience = max(patience, _PATIENCE_A_TABLE * len(run.ledger.tables))
    return waited < patience and next(_wanted(p, run, raised=True), None) is not None


def _wanted(p: Pass, run: Run, raised: bool = False) -> Iterator[tuple[str, TableEntry]]:
    """Yield the tables whose settings are to be read; `raised`: those that are raised as well.

    While a table is raised it tells a capacity, and a suspended scaling, that are not its own.
    """
    raised = raised or since(run.ledger.decided_at, clock.now()) >= _RAISED_PATIENCE_SECONDS
    for name, entry in run.ledger.tables.items():
        unread = entry.verdict is Verdict.BACKED_UP and not entry.settings_at
        if unread and (raised or name not in p.held):
            yield name, entry


def _raised(p: Pass, name: str) -> dict[str, Any] | None:
    held = p.held.get(name)
    return {"from": held.lease.before, "to": held.lease.target} if held else None
