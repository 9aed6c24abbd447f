"""Has some of tonight's backups read back, each table's in its turn, and tells what was found.

Whatever engine made them, the exporter reads them. The report waits for it, but an hour at the
longest, and never beyond the window.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines.workers import DAMAGED, READER, WHOLE, Order, Orders, TableRecord, Workers
from hippolyte.errors import EngineError
from hippolyte.exports import verified
from hippolyte.exports.findings import LISTED, READ, Checked, Finding
from hippolyte.night.batches import scan_id
from hippolyte.night.judge_native import export_id
from hippolyte.night.one_pass import Pass
from hippolyte.planning.keeping import place
from hippolyte.planning.plan import NATIVE
from hippolyte.record_form import iso, when
from hippolyte.records.ledger import TableEntry
from hippolyte.records.runs import Run
from hippolyte.verdicts import Verdict

# the report waits for the reading no longer
_MOST = timedelta(hours=1)
# what a link takes to say its last word after the deadline
_LAST_WORD = timedelta(minutes=2)
# less than that is not begun
_LEAST = timedelta(minutes=5)
_LATE = "there was no time left"

_log = logging.getLogger(__name__)


def in_turn(table_id: str, day: int, days: int) -> bool:
    """Say whether a table's backup of a day is read back, if each is once in so many days."""
    number = int.from_bytes(hashlib.sha256(table_id.encode()).digest()[:8], "big")
    return days > 0 and number % days == day % days


def is_reading(run: Run) -> bool:
    """Say whether backups are being read."""
    return run.ledger.reading_until is not None and not run.ledger.read_back


def read_back(p: Pass, run: Run) -> None:
    """Order the reading once every table has its verdict; then take what it came to."""
    ledger = run.ledger
    if not ledger.decided or ledger.read_back:
        return
    if ledger.reading_until is None:
        _order(p, run)
    else:
        _take(p, run)


def _share(p: Pass, run: Run) -> list[tuple[str, TableEntry]]:
    """Return the backups whose turn it is, the small ones first: so most are read."""
    days, day = p.settings.reading_turn, run.plan.start.toordinal()
    if p.settings.exporter is None or run.plan.part or run.ledger.cancelled:
        return []
    found = [
        (name, entry)
        for name, entry in run.ledger.tables.items()
        if entry.verdict is Verdict.BACKED_UP
        and entry.batch_id
        and in_turn(run.plan.identity(name).table_id or name, day, days)
    ]
    return sorted(found, key=lambda each: each[1].bytes)


def _order(p: Pass, run: Run) -> None:
    ledger, now = run.ledger, clock.now()
    share = _share(p, run)
    until = min(run.plan.deadline, now + _MOST)
    if not share or until - now < _LEAST:
        ledger.not_read = {name: _LATE for name, _ in share}
        ledger.read_back = True
        return
    ledger.reading_until = iso(until)
    # whoever comes after must know of it
    p.runs.save(run)
    _start(p, run)


def _start(p: Pass, run: Run) -> None:
    """Order and start the worker; again it is the same one."""
    until = run.ledger.reading_until or ""
    orders = Orders(run.plan.run_id, READER, until, _tables(p, run, _share(p, run)))
    try:
        Workers(p.store, p.settings, orders.run).order(orders, None)
        p.engines["lambda"].started({"run": orders.run, "worker": READER, "deadline": until})
    except (ClientError, BotoCoreError, EngineError) as error:
        # the next pass tries again
        _log.warning("no backup is read back: %s", error)


def _tables(p: Pass, run: Run, share: list[tuple[str, TableEntry]]) -> dict[str, Order]:
    above = f"s3://{p.settings.bucket}/"
    return {
        name: Order(
            number=number,
            table_id=run.plan.identity(name).table_id or "",
            directory=entry.location.removeprefix(above),
            scan=export_of(run, name, entry),
            segments=0,
            fraction=0.0,
        )
        for number, (name, entry) in enumerate(share)
    }


def export_of(run: Run, name: str, entry: TableEntry) -> str:
    """Return the id of a table's export; empty: it has none, a cluster wrote it."""
    engine = run.ledger.engine_of(name) or run.plan.engine
    if engine == NATIVE:
        return export_id(entry)
    return scan_id(run, name, entry.attempt) if engine == "lambda" else ""


def _take(p: Pass, run: Run) -> None:
    ledger = run.ledger
    late = clock.now() >= when(ledger.reading_until or "") + _LAST_WORD
    workers = Workers(p.store, p.settings, run.plan.run_id)
    try:
        kept, found = workers.record(READER), workers.orders(READER)
    except (ClientError, BotoCoreError) as error:
        _log.warning("what was read back cannot be seen: %s", error)
        return
    if not late and not (kept and kept[0].stopped):
        if kept is None:
            _start(p, run)
        return
    for name in found[0].tables if found else ():
        table = kept[0].tables.get(name) if kept else None
        entry = ledger.tables[name]
        if table and table.state in (WHOLE, DAMAGED):
            if READ in entry.levels or entry.damage:
                continue
            # the rest by the next pass
            if p.time_is_short:
                return
            _tell(p, run, name, table)
        else:
            ledger.not_read[name] = (table.reason if table else "") or _LATE
    ledger.read_back = True


def _tell(p: Pass, run: Run, name: str, table: TableRecord) -> None:
    entry = run.ledger.tables[name]
    whole = table.state == WHOLE
    # what a cluster wrote was counted if its log was found
    if whole and entry.items not in (None, table.items):
        whole, said = False, f"its files hold {table.items} items, {entry.items} were written"
    else:
        said = table.reason
    if whole:
        entry.levels = sorted({*entry.levels, READ})
        checked = Checked((LISTED, READ))
    else:
        entry.damage.append(said)
        checked = Checked((LISTED,), findings=(Finding("", None, said),))
        run.ledger.alerts.append(
            f"{name}: its backup of tonight is damaged, though all its files were there: {said} "
            f"(`hippolyte verify {name}`)"
        )
        # with the report, not at once
        run.ledger.told.append(run.ledger.alerts[-1])
    with p.apart(f"what was read back of {name} is not noted"):
        key = place(p.settings, run.plan, "catalog", name, f"{run.plan.run_id}.json")
        at = iso(clock.now())
        if why := verified.record(p.store, key, entry.location, checked, at, "night"):
            _log.warning("what was read back of %s is not noted: %s", name, why)
