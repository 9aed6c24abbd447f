"""Clusters that end before they ran anything: one is tried after a pause, then the others.

Whatever it is (a quota, a role, a bootstrap action, EC2 short of a type), it is hardly one batch's
own, so that all of them at once would only end likewise, and be paid for.
"""

from __future__ import annotations

from datetime import UTC, datetime

from hippolyte import clock
from hippolyte.night.batches import since
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import NATIVE
from hippolyte.record_form import when
from hippolyte.records.ledger import STARTED, BatchEntry, Ledger

# after the first such end, doubled after each further one, and the most; seconds
_PAUSE, _MOST_PAUSE = 300, 2400
# of a recorded time, the characters up to its minute
_MINUTE = 16
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def may_begin(p: Pass, ledger: Ledger) -> int | None:
    """Return how many clusters may be begun now; None: as many as there is room for."""
    clusters = _clusters(p, ledger)
    ran = _ran(ledger) if any(batch.ended_at for batch in clusters) else {}
    early = [batch for batch in clusters if batch.ended_at and batch.batch_id not in ran]
    if not early:
        return None
    last = max(early, key=lambda batch: when(batch.ended_at or ""))
    # one that was begun no earlier ran something: whatever it was is over
    if any(ran.get(b.batch_id, _LONG_AGO) >= when(last.started_at or "") for b in clusters):
        return None
    if any(b.state in STARTED and b.batch_id not in ran for b in clusters):
        return 0
    # those that were begun in one minute ended for one reason
    rounds = len({(batch.started_at or "")[:_MINUTE] for batch in early})
    pause = min(_MOST_PAUSE, _PAUSE * 2 ** (rounds - 1))
    return 1 if since(last.ended_at, clock.now()) >= pause else 0


def ran_nothing(p: Pass, ledger: Ledger) -> set[str]:
    """Return the batches that were started, and whose cluster ended before it ran anything."""
    ended = {batch.batch_id for batch in _clusters(p, ledger) if batch.ended_at}
    return ended - _ran(ledger).keys() if ended else ended


def _clusters(p: Pass, ledger: Ledger) -> list[BatchEntry]:
    """Return the batches whose cluster was begun; workers are none, nor is what DynamoDB does."""
    if p.host.side_by_side:
        return []
    return [b for b in ledger.batches.values() if b.started_at and b.engine != NATIVE]


def _ran(ledger: Ledger) -> dict[str, datetime]:
    """Return the batches of which a table's export began, and when the last one did."""
    found: dict[str, datetime] = {}
    for entry in ledger.tables.values():
        present = {"batch": entry.batch_id, "started_at": entry.started_at}
        for one in (present, *entry.earlier):
            if one["batch"] and one["started_at"]:
                began = when(one["started_at"])
                found[one["batch"]] = max(began, found.get(one["batch"], began))
    return found
