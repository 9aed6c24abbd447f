"""Gives verdicts: verifies what was written, decides what is tried again."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.exports.manifest import manifest_bytes
from hippolyte.exports.verification import Verification, parse_items_read, verify
from hippolyte.night.batches import directory, since
from hippolyte.night.catalogue import add_to_catalogue
from hippolyte.night.follow import overdue
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Job
from hippolyte.record_form import iso, when
from hippolyte.records.ledger import TableEntry
from hippolyte.records.runs import Run
from hippolyte.verdicts import Verdict

# EMR copies a step's log to S3 some minutes after its end
_LOG_PATIENCE_SECONDS = 900
# what cannot be verified by then counts as failed
_VERIFY_PATIENCE_SECONDS = 3600

_log = logging.getLogger(__name__)


def judge(p: Pass, run: Run) -> None:
    """Give a verdict to every table whose export is over, and collect those tried again."""
    jobs = {job.table: job for b in run.ledger.batches.values() for job in b.jobs}
    definitions: dict[str, Any] | None = None
    again: list[Job] = []
    hung: list[Job] = []
    for name, entry in run.ledger.tables.items():
        if p.time_is_short:
            break
        if entry.verdict:
            continue
        if entry.batch_id is None:
            _write_empty(p, run, name, entry)
        elif entry.outcome == "succeeded":
            _judge_output(p, run, jobs[name], entry)
        if entry.verdict is Verdict.BACKED_UP:
            definitions = definitions or p.runs.definitions(run.plan.run_id)
            add_to_catalogue(p, run, name, entry, definitions.get(name))
        elif _failed(entry) and _judge_failure(p, run, jobs[name], entry):
            batch = run.ledger.batches[entry.batch_id or ""]
            # where one job waits for another, it must not keep the others from their turn again
            apart = p.engine.ordered and batch.cancel_reason.startswith(overdue(name))
            (hung if apart else again).append(jobs[name])
    size = p.engine.tables_per_batch
    for jobs_again in (again, hung):
        for first in range(0, len(jobs_again), size):
            run.ledger.add_batch(jobs_again[first : first + size])


def _failed(entry: TableEntry) -> bool:
    dead = entry.outcome in ("failed", "cancelled") and not entry.exporting
    return dead and entry.verdict is None


def _write_empty(p: Pass, run: Run, name: str, entry: TableEntry) -> None:
    """An empty table needs no cluster: a manifest without entries, and the flag."""
    key = directory(p.settings, name, run.plan.run_id, entry.attempt)
    for file, body in (("manifest", manifest_bytes([])), ("_SUCCESS", b"")):
        p.clients.s3.put_object(Bucket=p.settings.bucket, Key=f"{key}/{file}", Body=body)
    entry.location = f"s3://{p.settings.bucket}/{key}"
    entry.items, entry.started_at = 0, iso(clock.now())
    entry.finished_at = entry.started_at
    entry.notes.append("empty: backed up without a cluster")
    entry.close(Verdict.BACKED_UP)


def _judge_output(p: Pass, run: Run, job: Job, entry: TableEntry) -> None:
    waited = since(entry.finished_at, clock.now())
    try:
        read = _items_read(p, entry.log)
        if read is None and waited < _LOG_PATIENCE_SECONDS:
            return
        result = _verify(p, run, job, entry, read)
        replaced = result.ok and _replaced(p, job, entry)
    except (ClientError, BotoCoreError) as error:
        if waited >= _VERIFY_PATIENCE_SECONDS:
            entry.close(Verdict.FAILED, f"its output could not be read: {error}")
        return
    if replaced:
        entry.close(Verdict.VANISHED, "deleted and recreated during the night")
        return
    entry.files, entry.bytes, entry.items = result.files, result.bytes, result.items
    if result.ok:
        entry.notes += result.notes
        entry.close(Verdict.BACKED_UP)
        return
    entry.outcome = "failed"
    entry.errors.append(f"attempt {entry.attempt}: {'; '.join(result.problems)}")


def _replaced(p: Pass, job: Job, entry: TableEntry) -> bool:
    """Look whether another table had taken the name before the export's end.

    What was read is then not the planned table; one deleted after its export was read whole.
    """
    table = p.leases.describe(job.table)
    if table is None or table.table_id == job.table_id or table.created_at is None:
        return False
    return table.created_at <= (when(entry.finished_at) if entry.finished_at else clock.now())


def _verify(p: Pass, run: Run, job: Job, entry: TableEntry, read: int | None) -> Verification:
    key = directory(p.settings, job.table, run.plan.run_id, entry.attempt) + "/"
    bucket, s3 = p.settings.bucket, p.clients.s3

    def listed() -> Iterator[tuple[str, int]]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        for page in pages:
            for found in page.get("Contents", []):
                yield found["Key"][len(key) :], found["Size"]

    def get(name: str) -> bytes:
        return s3.get_object(Bucket=bucket, Key=key + name)["Body"].read()

    def tail(name: str, length: int) -> bytes:
        answer = s3.get_object(Bucket=bucket, Key=key + name, Range=f"bytes=-{length}")
        return answer["Body"].read()

    before = p.previous_tables(run).get(job.table, {}).get("last_items")
    return verify(
        f"s3://{bucket}/{key}",
        listed,
        get,
        tail,
        job.item_count,
        read,
        before,
        p.settings.planning.item_count_tolerance_percentage,
    )


def _items_read(p: Pass, log: str) -> int | None:
    """Return the number of items the job's log says it read; None without such a log."""
    if not log.startswith(f"s3://{p.settings.bucket}/"):
        return None
    key = log.removeprefix(f"s3://{p.settings.bucket}/")
    for name in ("stderr.gz", "syslog.gz"):
        try:
            body = p.clients.s3.get_object(Bucket=p.settings.bucket, Key=key + name)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                continue
            raise
        try:
            text = gzip.decompress(body).decode(errors="replace")
        except (OSError, EOFError, zlib.error):
            continue
        if (items := parse_items_read(text)) is not None:
            return items
    return None


def _judge_failure(p: Pass, run: Run, job: Job, entry: TableEntry) -> bool:
    """Decide on a table whose export failed and is dead; True if it is tried again."""
    if how := _vanished(p, job):
        entry.close(Verdict.VANISHED, f"{how} during the night")
        return False
    reason = entry.errors[-1] if entry.errors else f"the export was {entry.outcome}"
    left = (run.plan.deadline - clock.now()).total_seconds()
    if left <= 0 and entry.outcome == "cancelled":
        entry.close(Verdict.TIMED_OUT, f"still running at the deadline: {reason}")
        return False
    if entry.withdrawn:
        entry.close(Verdict.FAILED, f"{reason} ({entry.withdrawn})")
        return False
    # never started, its batch failed for other reasons: it gets further places, but not for ever
    started = entry.started_at is not None
    allowed = p.settings.planning.attempts + (0 if started else 2)
    if entry.tries >= allowed:
        entry.close(Verdict.FAILED, f"{reason} (after {entry.tries} attempts)")
        return False
    if left < _shortest(p, job):
        entry.close(Verdict.FAILED, f"{reason} (no time is left for another attempt)")
        return False
    return True


def _vanished(p: Pass, job: Job) -> str:
    """Return what became of the planned table if it is not there any more."""
    try:
        table = p.leases.describe(job.table)
    except ClientError as error:
        # it may not be seen: then it is judged by what its export said
        _log.warning("%s cannot be described: %s", job.table, error)
        return ""
    if table is None:
        return "deleted"
    return "deleted and recreated" if table.table_id != job.table_id else ""


def _shortest(p: Pass, job: Job) -> float:
    """Return the seconds another attempt takes at the least; the estimate's read rate is halved.

    The exporter's eventually consistent scan reads twice what the estimate assumes.
    """
    planning = p.settings.planning
    read = job.estimate_seconds - planning.activity_bootstrap_seconds
    return planning.cluster_bootstrap_seconds + planning.activity_bootstrap_seconds + read / 2
