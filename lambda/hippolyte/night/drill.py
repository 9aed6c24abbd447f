"""The restore drill: imports a few of tonight's backups as tables, counts them, deletes them.

DynamoDB itself is the judge: ImportedItemCount must be what the backup's manifest says, ErrorCount
0. Here the drills are ordered and what they came to is taken into the report; `drill_steps` does
them. All that is under way is in one record, written before each call; nothing here waits.
Facts: Developer Guide, "DynamoDB data import from Amazon S3"; API ImportTable.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.errors import ConfigurationError, read_passes
from hippolyte.exports.native import DATA, root
from hippolyte.night.drill_record import CLOSED, FOUND, INTENDED, line, read, token, write
from hippolyte.night.one_pass import Pass
from hippolyte.night.read_back import export_of
from hippolyte.planning.drill import (
    ALERT,
    COST,
    DRILL_PREFIX,
    Candidate,
    choose_drills,
    drill_name,
    left_of,
)
from hippolyte.record_form import iso, when
from hippolyte.records.runs import Run
from hippolyte.verdicts import Verdict

# the report waits no longer; what ends later has a message of its own
_MOST = timedelta(hours=1)
_LEAST = timedelta(minutes=10)
# an earlier drill of today is a run by hand's
_HALF_A_DAY = timedelta(hours=12)
_WRONG_FORM = "format dynamodbexport, which ImportTable cannot take: `hippolyte export` converts it"
_KEY = "a customer's key encrypts it, and the drill's table would not have it"
_GONE = (
    "what became of tonight's drills is not known: their record is gone; the next night looks "
    "for their tables"
)

_log = logging.getLogger(__name__)


def is_drilling(run: Run) -> bool:
    """Say whether the report waits for drills."""
    return run.ledger.drilling_until is not None and not run.ledger.drilled


def drill(p: Pass, run: Run) -> None:
    """Order the night's drills once its backups are verified; then take what they came to."""
    ledger = run.ledger
    if ledger.drilled or run.plan.part or not (ledger.decided and ledger.read_back):
        return
    off = p.settings.restore_drill is None
    if off or ledger.cancelled:
        if is_drilling(run):
            _leave(p, run, "restore_drill was set to null" if off else "the run was cancelled")
        return
    try:
        if not ledger.drills_ordered:
            _order(p, run)
        else:
            _take(p, run)
    except (ConfigurationError, ClientError, BotoCoreError) as error:
        if _may_wait(run, error):
            _log.warning("what the restore drills came to cannot be seen: %s", error)
            return
        # a trial must not keep a night from its end
        _log.exception("the restore drill is not seen to")
        p.failures.append(error)
        ledger.drills.append(f"the restore drill is not seen to: {error}")
        ledger.drilled = True


def _leave(p: Pass, run: Run, why: str) -> None:
    """Wait no longer: what has ended is in the report, the rest has a message of its own."""
    ended = list[dict[str, Any]]()
    try:
        record, etag = read(p)
        own = [each for each in record["drills"].values() if each["run_id"] == run.plan.run_id]
        ended = [each for each in own if each.get("ok") is not None]
        for each in own:
            each["until"] = min(each["until"], iso(clock.now()))
        if own:
            write(p, record, etag)
    except (ConfigurationError, ClientError, BotoCoreError) as error:
        # it must not keep a night from its end
        _log.exception("what the drills come to is not told")
        p.failures.append(error)
    run.ledger.drills.append(f"tonight's drills were not waited for: {why}")
    for each in ended:
        _note_end(run, each)
    run.ledger.drilled = True


def _may_wait(run: Run, error: ConfigurationError | ClientError | BotoCoreError) -> bool:
    """Say whether the next pass may take what this one could not see."""
    until = run.ledger.drilling_until
    if until is None or isinstance(error, ConfigurationError):
        return False
    # what was ordered is over by then
    return read_passes(error) and clock.now() < when(until) + _LEAST


def _order(p: Pass, run: Run) -> None:
    ledger, now = run.ledger, clock.now()
    until = min(run.plan.deadline, now + _MOST)
    # from now on the report waits
    ledger.drilling_until = iso(until)
    record, etag = read(p)
    ordered = any(each["run_id"] == run.plan.run_id for each in record["drills"].values())
    if not ordered:
        if open_now := sorted(_open(record["drills"])):
            _wait_for(run, record["drills"][open_now[0]])
        elif until - now < _LEAST:
            ledger.drills = ["no drill: there was no time left"]
        else:
            ordered = _choose(p, run, record, iso(until))
        ordered |= _look_for_left(run, record["drills"], iso(until))
        if ordered:
            write(p, record, etag)
    ledger.drills_ordered, ledger.drilled = ordered, not ordered


def _choose(p: Pass, run: Run, record: dict[str, Any], until: str) -> bool:
    """Note the drills of tonight; say whether there are any."""
    now = clock.now()
    spent = run.plan.cost_usd - run.plan.cost.get(COST, 0.0)
    chosen, run.ledger.drills = choose_drills(
        _candidates(p, run), record["last"], left_of(p.settings, spent), now
    )
    for each in chosen:
        name = drill_name(each.table)
        record["drills"][name] = {
            **_note(run, name, each.table, until),
            **_entry(p, run, each.table),
        }
        record["last"][each.table] = iso(now)
    return bool(chosen)


def _wait_for(run: Run, earlier: dict[str, Any]) -> None:
    """Begin no drill beside an earlier one: tables that cannot be deleted must not pile up."""
    said = f"no drill: an earlier one is not over: {line(earlier)}"
    run.ledger.drills = [said]
    if clock.now() - when(earlier["at"]) > _HALF_A_DAY:
        run.ledger.alerts.append(f"{ALERT}{said}")
        run.ledger.told.append(run.ledger.alerts[-1])


def _look_for_left(run: Run, drills: dict[str, Any], until: str) -> bool:
    """Note the tables of a drill's name that no drill under way has; say whether there are any."""
    names = {n for n in run.ledger.tables if n.startswith(DRILL_PREFIX)} - _open(drills)
    for name in sorted(names):
        drills[name] = {**_note(run, name, name, until), "state": FOUND}
    return bool(names)


def _open(drills: dict[str, Any]) -> set[str]:
    return {name for name, each in drills.items() if each["state"] != CLOSED}


def _note(run: Run, name: str, table: str, until: str) -> dict[str, Any]:
    at = iso(clock.now())
    return {"name": name, "table": table, "run_id": run.plan.run_id, "at": at, "until": until}


def _candidates(p: Pass, run: Run) -> list[Candidate]:
    definitions = p.definitions(run)
    found = []
    for name, entry in run.ledger.tables.items():
        if entry.verdict is not Verdict.BACKED_UP or entry.damage:
            continue
        table = definitions.get(name) or {}
        unfit = "" if entry.batch_id and export_of(run, name, entry) else _WRONG_FORM
        if (table.get("SSEDescription") or {}).get("SSEType") == "KMS":
            unfit = unfit or _KEY
        if not table.get("KeySchema"):
            unfit = unfit or "its definition is not known"
        size = max(table.get("TableSizeBytes") or 0, entry.bytes)
        found.append(Candidate(name, size, unfit))
    return found


def _entry(p: Pass, run: Run, name: str) -> dict[str, Any]:
    table, entry = p.definitions(run)[name], run.ledger.tables[name]
    directory = entry.location.removeprefix(f"s3://{p.settings.bucket}/")
    keys = {key["AttributeName"] for key in table["KeySchema"]}
    attributes = table["AttributeDefinitions"]
    prefix = root(directory, export_of(run, name, entry)) + DATA
    source = {"S3Bucket": p.settings.bucket, "S3KeyPrefix": prefix}
    if p.settings.bucket_owner:
        source["S3BucketOwner"] = p.settings.bucket_owner
    return {
        "state": INTENDED,
        "token": token(p.settings, run.plan.run_id, name, entry.attempt),
        "items": entry.items,
        "source": source,
        "keys": table["KeySchema"],
        # an import refuses those of no key
        "attributes": [one for one in attributes if one["AttributeName"] in keys],
    }


def _take(p: Pass, run: Run) -> None:
    ledger = run.ledger
    record, _ = read(p)
    own = [each for each in record["drills"].values() if each["run_id"] == run.plan.run_id]
    late = clock.now() >= when(ledger.drilling_until or "")
    if any(each["state"] != CLOSED for each in own) and not late:
        return
    if not own:
        ledger.drills.append(_GONE)
    for each in own:
        _note_end(run, each)
    ledger.drilled = True


def _note_end(run: Run, entry: dict[str, Any]) -> None:
    ledger = run.ledger
    ledger.drills.append(line(entry))
    if entry.get("ok") is False:
        ledger.alerts.append(f"{ALERT}{line(entry)}")
        # with the report, not at once
        ledger.told.append(ledger.alerts[-1])
