"""Native exports that a night's end has overtaken: kept as its backups when they are whole.

DynamoDB cannot be told to end an export, so that one may be completed after its run is closed. What
is still under way then is on record beside the report; each pass looks, as long as runs are looked
back for (`records.runs.LOOK_BACK`).
"""

from __future__ import annotations

import logging
from dataclasses import replace

from hippolyte import clock
from hippolyte.engines.engine import JobState
from hippolyte.night import judge_native
from hippolyte.night.catalogue import add_to_catalogue
from hippolyte.night.keep_settings import settings_now
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import NATIVE
from hippolyte.record_form import iso
from hippolyte.records.runs import Run
from hippolyte.verdicts import Verdict

RECORD = "late-exports.json"

_log = logging.getLogger(__name__)


def note(p: Pass, run: Run) -> None:
    """Put the exports that DynamoDB goes on with on record, before the run is closed."""
    running = sorted(
        name
        for name, entry in run.ledger.tables.items()
        if entry.verdict is not Verdict.BACKED_UP
        and judge_native.exported(run, name, entry).get("state") == JobState.RUNNING.value
    )
    if running:
        p.late.add(run.plan.run_id)
        p.store.create(p.runs.key(run.plan.run_id, RECORD), {"tables": running})


def take(p: Pass, run_id: str) -> None:
    """Look at a closed run's late exports: catalogue what is whole by now, leave what failed."""
    key = p.runs.key(run_id, RECORD)
    found = p.store.read(key)
    if not found or not found[0]["tables"]:
        return
    run = p.runs.open(run_id)
    if run is None:
        return
    left = [name for name in found[0]["tables"] if p.time_is_short or not _is_over(p, run, name)]
    if left != found[0]["tables"]:
        p.store.replace(key, {**found[0], "tables": left}, found[1])


def _is_over(p: Pass, run: Run, name: str) -> bool:
    """Say whether there is nothing more to wait for of a table's export."""
    entry = run.ledger.tables[name]
    batch = run.ledger.batches[entry.batch_id or ""]
    number = next(n for n, job in enumerate(batch.jobs) if job.table == name)
    status = (
        p.engines[NATIVE]
        .poll({**batch.handle, "exports": [judge_native.exported(run, name, entry)]}, 1)
        .jobs[0]
    )
    if status.state is not JobState.SUCCEEDED:
        if status.state is JobState.FAILED:
            _log.warning("the late export of %s failed: %s", name, status.error)
        return status.state is JobState.FAILED
    result = judge_native.verified(p, run, batch.jobs[number], entry)
    if not result.ok:
        _log.warning("the late export of %s is no backup: %s", name, "; ".join(result.problems))
        return True
    late = replace(
        entry,
        finished_at=status.finished_at or iso(clock.now()),
        items=result.items,
        bytes=result.bytes,
        files=result.files,
        levels=list(result.levels),
        manifest_md5=result.manifest_md5,
        files_md5=result.files_md5,
        notes=[*entry.notes, *result.notes, f"late: completed {status.finished_at}, after the run"],
    )
    definition = p.definitions(run).get(name)
    _, kept = settings_now(p, name, definition or {})
    add_to_catalogue(p, run, name, late, definition, kept)
    _log.info("the late export of %s is the backup of %s", name, run.plan.run_id)
    return True
