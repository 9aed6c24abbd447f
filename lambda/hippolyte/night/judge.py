"""Gives verdicts: verifies what was written, decides what is tried again."""

from __future__ import annotations

import gzip
import logging
import zlib

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.exports.findings import LISTED
from hippolyte.exports.listed import files_md5
from hippolyte.exports.manifest import manifest_bytes
from hippolyte.exports.native import checksum
from hippolyte.exports.place import Prefix
from hippolyte.exports.verification import Verification, agree, is_short, parse_items_read, verify
from hippolyte.night.batches import directory, since
from hippolyte.night.catalogue import add_to_catalogue
from hippolyte.night.follow import overdue
from hippolyte.night.judge_scan import verified
from hippolyte.night.one_pass import Pass
from hippolyte.night.probe import ran_nothing
from hippolyte.planning.plan import NATIVE, Job
from hippolyte.record_form import iso, when
from hippolyte.records.ledger import TableEntry
from hippolyte.records.runs import Run, start_of
from hippolyte.tables.discovery import is_empty
from hippolyte.verdicts import Verdict
from hippolyte.words import count_of

# EMR copies a step's log to S3 some minutes after its end
_LOG_PATIENCE_SECONDS = 900
_EMPTY = "a look into the table finds it empty"
# what cannot be verified by then counts as failed
_VERIFY_PATIENCE_SECONDS = 3600
# of a pass, which is to be on record before the next one begins: two of them would judge the same,
# and the later one's verdicts be lost
_SECONDS_A_PASS = 180

_log = logging.getLogger(__name__)


def judge(p: Pass, run: Run) -> None:
    """Give a verdict to every table whose export is over, and collect those tried again."""
    jobs = {job.table: job for b in run.ledger.batches.values() for job in b.jobs}
    again: dict[str, list[Job]] = {}  # by the batch, of those whose cluster ran nothing
    hung, alone, native, going_on = list[Job](), list[Job](), list[Job](), set[str]()
    idle, began = ran_nothing(p, run.ledger), p.remaining()
    for name, entry in run.ledger.tables.items():
        if entry.verdict or entry.undescribed or (entry.batch_id and not entry.outcome):
            continue
        if p.time_is_short or began - p.remaining() > _SECONDS_A_PASS:
            break
        if entry.batch_id is None:
            _write_empty(p, run, name, entry)
        elif entry.outcome == "succeeded":
            _judge_output(p, run, jobs[name], entry)
        if entry.verdict is Verdict.BACKED_UP:
            add_to_catalogue(p, run, name, entry, p.definitions(run).get(name))
        elif _failed(entry) and _judge_failure(p, run, jobs[name], entry, idle):
            was_overdue = _was_overdue(run, entry, name)
            # a worker that ended left files that are whole: the next one goes on after them
            engine = jobs[name].own_engine or p.engine.name
            if engine == "lambda" and entry.outcome == "cancelled" and entry.attempt:
                going_on.add(name)
            # where one job waits for another, it must not keep the others from their turn again
            apart = p.engine.ordered and was_overdue
            own = was_overdue and not jobs[name].estimated
            fresh = again.setdefault(entry.batch_id if entry.batch_id in idle else "", [])
            others = alone if own else hung if apart else fresh
            (native if engine == NATIVE else others).append(jobs[name])
    size = p.engine.tables_per_batch
    for jobs_again in (*again.values(), hung, native):
        for first in range(0, len(jobs_again), size):
            run.ledger.add_batch(jobs_again[first : first + size], going_on)
    # last: they may take all that is left, and clusters are few
    for job in alone:
        run.ledger.add_batch([job], going_on)


def _was_overdue(run: Run, entry: TableEntry, table: str) -> bool:
    """Say whether a table's batch was ended for its own export."""
    return run.ledger.batches[entry.batch_id or ""].cancel_reason.startswith(overdue(table))


def _failed(entry: TableEntry) -> bool:
    dead = entry.outcome in ("failed", "cancelled") and not entry.exporting
    return dead and entry.verdict is None


def _write_empty(p: Pass, run: Run, name: str, entry: TableEntry) -> None:
    """An empty table needs no cluster: a manifest without entries, and the flag."""
    key = directory(p.settings, run.plan, name, entry.attempt)
    manifest = manifest_bytes([])
    for file, body in (("manifest", manifest), ("_SUCCESS", b"")):
        p.clients.s3.put_object(Bucket=p.settings.bucket, Key=f"{key}/{file}", Body=body)
    entry.location = f"s3://{p.settings.bucket}/{key}"
    entry.items, entry.levels, entry.manifest_md5 = 0, [LISTED], checksum(manifest)
    entry.files_md5 = files_md5([])
    entry.started_at = entry.finished_at = iso(clock.now())
    entry.notes.append("empty: backed up without a cluster")
    entry.close(Verdict.BACKED_UP)


def _judge_output(p: Pass, run: Run, job: Job, entry: TableEntry) -> None:
    waited = since(entry.finished_at, clock.now())
    try:
        before = None
        if job.own_engine == NATIVE or p.engine.name == "lambda":
            result = verified(p, run, job, entry)
        else:
            read = _items_read(p, entry.log)
            if read is None and waited < _LOG_PATIENCE_SECONDS:
                return
            before = _last_items(p, run, job)
            result = _verify(p, run, job, entry, read, before)
        believed = _believed(p, job, entry, result) if result.short else ""
        good = result.ok or bool(believed)
        # DynamoDB's own manifest names the table
        replaced = good and job.own_engine != NATIVE and _replaced(p, job, entry)
    except (ClientError, BotoCoreError) as error:
        if waited >= _VERIFY_PATIENCE_SECONDS:
            entry.close(Verdict.FAILED, f"its output could not be read: {error}")
        return
    if replaced:
        entry.close(Verdict.VANISHED, "deleted and recreated during the night")
        return
    entry.files, entry.bytes, entry.items = result.files, result.bytes, result.items
    entry.levels, entry.manifest_md5 = list(result.levels), result.manifest_md5
    entry.files_md5 = result.files_md5
    if good:
        entry.notes += result.notes
        if believed:
            _tell_shortfall(
                p, run, job, entry, f"{result.problems[0]}; believed, as {believed}", before
            )
        entry.close(Verdict.BACKED_UP)
        return
    entry.outcome = "failed"
    entry.errors.append(f"attempt {entry.attempt}: {'; '.join(result.problems)}")


def _believed(p: Pass, job: Job, entry: TableEntry, result: Verification) -> str:
    """Return what else says that the table holds no more than was read; empty if nothing does.

    A table's count is about six hours old: emptied or purged since, it would have no backup.
    """
    table = p.leases.describe(job.table)
    if table and table.table_id != job.table_id:
        table = None
    if not result.items:
        return _EMPTY if table and is_empty(p.clients.dynamodb, job.table) else ""
    count = table.item_count if table else 0
    tolerance = p.settings.planning.item_count_tolerance_percentage
    if count and not is_short(result.items, count, tolerance):
        return f"its count is {count} by now"
    # of the attempt before: this one's count is not noted yet
    if entry.items and agree(result.items, entry.items):
        return f"the attempt before read {entry.items}"
    return ""


def _tell_shortfall(
    p: Pass, run: Run, job: Job, entry: TableEntry, text: str, before: int | None
) -> None:
    """Note why fewer items were believed; tell a person, unless last night's were as few."""
    entry.notes.append(text)
    entry.items = entry.items or 0
    tolerance = p.settings.planning.item_count_tolerance_percentage
    # that it is empty is told if it was not, see report/content.py
    if entry.items and (before is None or is_short(entry.items, before, tolerance)):
        run.ledger.alerts.append(f"{job.table}: {text}")
        # with the report, not at once
        run.ledger.told.append(run.ledger.alerts[-1])


def _last_items(p: Pass, run: Run, job: Job) -> int | None:
    """Return what the last good backup held, if it was of this very table."""
    row = p.previous_tables(run).get(job.table)
    if row is None or run.plan.previous_run is None:
        return None
    is_same = run.plan.identity(job.table).is_of(row, start_of(run.plan.previous_run))
    return row.get("last_items") if is_same else None


def _replaced(p: Pass, job: Job, entry: TableEntry) -> bool:
    """Look whether another table had taken the name before the export's end.

    What was read is then not the planned table; one deleted after its export was read whole.
    """
    table = p.leases.describe(job.table)
    if table is None or table.table_id == job.table_id or table.created_at is None:
        return False
    return table.created_at <= (when(entry.finished_at) if entry.finished_at else clock.now())


def _verify(
    p: Pass, run: Run, job: Job, entry: TableEntry, read: int | None, before: int | None
) -> Verification:
    key = directory(p.settings, run.plan, job.table, entry.attempt) + "/"
    bucket, s3 = p.settings.bucket, p.clients.s3

    def get(name: str) -> bytes:
        return s3.get_object(Bucket=bucket, Key=key + name)["Body"].read()

    def tail(name: str, length: int) -> bytes:
        answer = s3.get_object(Bucket=bucket, Key=key + name, Range=f"bytes=-{length}")
        return answer["Body"].read()

    return verify(
        f"s3://{bucket}/{key}",
        Prefix(p.store, key).listed,
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


def _judge_failure(p: Pass, run: Run, job: Job, entry: TableEntry, idle: set[str]) -> bool:
    """Decide on a table whose export failed and is dead; True if it is tried again."""
    if how := _vanished(p, job):
        entry.close(Verdict.VANISHED, f"{how} during the night")
        return False
    reason = entry.errors[-1] if entry.errors else f"the export was {entry.outcome}"
    if cancelled := run.ledger.cancelled:
        said = reason if cancelled in reason else f"{reason} (not tried again: {cancelled})"
        entry.close(Verdict.FAILED, said)
        return False
    left = (run.plan.deadline - clock.now()).total_seconds()
    before = f"; before: {entry.errors[-2]}" if left <= 0 and entry.errors[1:] else ""
    if left <= 0 and entry.outcome == "cancelled" and entry.batch_id not in idle:
        if job.own_engine == NATIVE and not entry.started_at:
            entry.close(Verdict.TIMED_OUT, f"not begun before the deadline: {reason}{before}")
        else:
            entry.close(Verdict.TIMED_OUT, f"still running at the deadline: {reason}")
        return False
    if entry.withdrawn:
        entry.close(Verdict.FAILED, f"{reason} ({entry.withdrawn})")
        return False
    # never started, its batch failed for other reasons: it gets further places, but not for ever
    own = entry.started_at or job.own_engine == NATIVE
    allowed = p.settings.planning.attempts + (0 if own else 2)
    if not job.estimated and _was_overdue(run, entry, job.table):
        # ended for those that waited behind it: that was no fault of its own
        allowed += 1
    if entry.tries >= allowed and entry.batch_id not in idle:
        entry.close(Verdict.FAILED, f"{reason} (after {count_of(entry.tries, 'attempt')})")
        return False
    if left < _shortest(p, job):
        entry.close(Verdict.FAILED, f"{reason}{before} (no time is left for another attempt)")
        return False
    return True


def _vanished(p: Pass, job: Job) -> str:
    """Return what became of the planned table if it is not there any more."""
    try:
        table = p.leases.describe(job.table)
    except (ClientError, BotoCoreError) as error:
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
    read = job.estimate_seconds - p.host.job_bootstrap
    return p.host.bootstrap + p.host.job_bootstrap + read / 2
