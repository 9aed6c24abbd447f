"""The engine `native`: DynamoDB exports a table itself, out of its point-in-time recovery.

All tables of a night as of one moment, the window's start: an export begins when that moment can
be restored, about five minutes later; until then the service refuses it, and is asked again in
the next pass. Idempotent by a token of run, table and attempt (eight hours, API
ExportTableToPointInTime). Where the service has no room it is waited for. There is no call that
ends an export: a batch that is cancelled leaves those that run to DynamoDB.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines.engine import BatchStatus, Handle, JobState, JobStatus, Launch
from hippolyte.errors import EngineError, code_of, passes
from hippolyte.planning.native import BEHIND_SECONDS, TABLES_PER_BATCH
from hippolyte.planning.plan import NATIVE
from hippolyte.record_form import iso, when
from hippolyte.tables.recovery import CALLS_A_SECOND, recovery_of
from hippolyte.tables.settings_of import received

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings

# what the service has said of exports that failed, in words; others are told as they are
_FAILURES = {
    "S3NoSuchBucket": "the bucket is not there",
    "S3AccessDenied": "the bucket refuses DynamoDB, which writes with the rights of the one who "
    "asked: see the bucket's policy and owner (`backup_bucket.owner`)",
    "AccessDenied": "the right to write was refused, or taken away under way",
    "KMSAccessDenied": "the customer's key refuses to be used",
}
_OFF = "its point-in-time recovery was switched off during the night"
_OVER = (JobState.SUCCEEDED.value, JobState.FAILED.value, JobState.CANCELLED.value)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pass:
    """What one invocation has seen: that the service has no room, and when it asked last."""

    full: bool = False


@dataclass(frozen=True, slots=True)
class NativeEngine:
    """Has DynamoDB export tables; its state is in the handle, one entry a job."""

    clients: Clients
    settings: Settings
    name: str = NATIVE
    tables_per_batch: int = TABLES_PER_BATCH
    ordered: bool = False
    raises_per_job: bool = False
    seen: _Pass = field(default_factory=_Pass)

    def prepare(self, launch: Launch) -> Handle:
        """Say what is to be exported; nothing is called."""
        if launch.moment is None:
            raise EngineError("a native export needs its moment")
        bucket = f"s3://{self.settings.bucket}/"
        return {
            "moment": iso(launch.moment),
            "exports": [
                {
                    "table": job.table,
                    "table_id": job.table_id,
                    "prefix": output.removeprefix(bucket),
                    "token": _token(self.settings.name, output),
                    "state": JobState.WAITING.value,
                }
                for job, output in zip(launch.jobs, launch.outputs, strict=True)
            ],
        }

    def start(self, handle: Handle, launch: Launch) -> None:
        """Let the batch run: each export begins at a poll, when its moment can be restored."""
        handle["begun"] = iso(clock.now())

    def add(self, handle: Handle, launch: Launch, numbers: Sequence[int]) -> None:
        """Refuse: all are there from the beginning."""
        raise EngineError("native exports are all begun together")

    def finish(self, handle: Handle) -> None:
        """Do nothing: there is no host."""

    def started(self, handle: Handle) -> bool:
        """Say yes: what a poll begins again is begun once, by its token."""
        return bool(handle)

    def poll(self, handle: Handle, jobs: int, doubt: Collection[int] = ()) -> BatchStatus:
        """Look at the exports that run, begin those that can, and tell of all."""
        moment = when(handle["moment"])
        for one in handle["exports"]:
            try:
                if one["state"] == JobState.RUNNING.value:
                    self._look(one)
                elif one["state"] == JobState.WAITING.value and not handle.get("cancelled"):
                    self._begin(one, moment)
            except (ClientError, BotoCoreError) as error:
                # asked again in the next pass, until the deadline
                _log.warning("the export of %s: %s", one["table"], error)
        statuses = {n: _status(one, handle) for n, one in enumerate(handle["exports"])}
        return BatchStatus(statuses, gone=all(s.state.value in _OVER for s in statuses.values()))

    def cancel(self, handle: Handle) -> None:
        """Begin nothing more; what runs cannot be ended."""
        handle["cancelled"] = iso(clock.now())

    def clean_up(self, handle: Handle) -> None:
        """Keep all: what DynamoDB still exports is found by the ledger."""

    # ---

    def _begin(self, one: dict[str, Any], moment: datetime) -> None:
        at = when(one["as_of"]) if one.get("as_of") else moment
        if self.seen.full or clock.now() < at + timedelta(seconds=BEHIND_SECONDS):
            return
        try:
            told = self._call("ExportTableToPointInTime", **self._asked(one, at))
        except ClientError as error:
            self._refused(one, at, error)
            return
        _take(one, told)

    def _asked(self, one: dict[str, Any], at: datetime) -> dict[str, Any]:
        s = self.settings
        asked: dict[str, Any] = {
            "TableArn": f"arn:{s.partition}:dynamodb:{s.region}:{s.account}:table/{one['table']}",
            "S3Bucket": s.bucket,
            "S3Prefix": one["prefix"],
            "ClientToken": one["token"],
            "ExportTime": at,
            "ExportFormat": "DYNAMODB_JSON",
            "S3SseAlgorithm": "KMS" if s.bucket_key or s.sse_header == "aws:kms" else "AES256",
        }
        if key := s.sse_key_arn or s.bucket_key:
            asked["S3SseKmsKeyId"] = key
        if s.bucket_owner:
            asked["S3BucketOwner"] = s.bucket_owner
        return asked

    def _refused(self, one: dict[str, Any], at: datetime, error: ClientError) -> None:
        code = code_of(error)
        if code == "LimitExceededException":
            # 300 at once, or 100 TB: some have to end first
            self.seen.full = True
        elif code == "InvalidExportTimeException":
            self._wait_for_window(one, at)
        elif code == "PointInTimeRecoveryUnavailableException":
            _fail(one, _OFF)
        elif passes(error):
            raise error
        else:
            _fail(one, f"ExportTableToPointInTime: {error.response['Error'].get('Message', code)}")

    def _wait_for_window(self, one: dict[str, Any], at: datetime) -> None:
        """See whether the moment will be restorable yet, or is so no more: then a later one."""
        time.sleep(1 / CALLS_A_SECOND)
        found = recovery_of(self.clients.dynamodb_once, one["table"])
        if not found.on:
            _fail(one, _OFF)
        elif found.earliest and found.earliest > at:
            # whole seconds, not before the earliest
            later = found.earliest.replace(microsecond=0) + timedelta(seconds=1)
            one["as_of"] = iso(later)
            one["note"] = (
                f"as of {iso(later)}, not of the window's start: its point-in-time recovery "
                "reaches back no further"
            )

    def _look(self, one: dict[str, Any]) -> None:
        try:
            told = self._call("DescribeExport", ExportArn=one["arn"])
        except ClientError as error:
            if code_of(error) not in ("ExportNotFoundException", "AccessDeniedException"):
                raise
            # native_export was taken out of the module under way, and the right with it
            _fail(one, f"its export cannot be followed any more: {error}")
            return
        _take(one, told)

    def _call(self, operation: str, **asked: Any) -> Any:
        # no rate is stated of these; that of the other calls about recovery is kept to
        time.sleep(1 / CALLS_A_SECOND)
        # as it came: an SDK older than a member drops it, and a filter must be seen
        return received(self.clients.dynamodb_once, operation, **asked)["ExportDescription"]


def _token(name: str, output: str) -> str:
    """Return the same token for a deployment, table, run and attempt; 36 characters at the most."""
    return hashlib.sha256(f"{name} {output}".encode()).hexdigest()[:32]


def _fail(one: dict[str, Any], why: str) -> None:
    one["state"], one["error"], one["ended"] = JobState.FAILED.value, why, iso(clock.now())


def _take(one: dict[str, Any], told: dict[str, Any]) -> None:
    """Note what DescribeExport says of an export."""
    one["arn"] = told["ExportArn"]
    one["began"] = _moment(told["StartTime"])
    if told["ExportStatus"] == "FAILED":
        code, message = told.get("FailureCode", ""), told.get("FailureMessage", "")
        words = _FAILURES.get(code)
        said = f"{words} ({code}: {message})" if words else f"{code}: {message}"
        _fail(one, f"DynamoDB's export failed: {said}")
    elif told["ExportStatus"] == "COMPLETED":
        one["state"] = JobState.SUCCEEDED.value
        one["items"] = told.get("ItemCount")
        one["part"] = bool(told.get("FilterSpecification"))
        one["told_id"] = told.get("TableId")
    else:
        one["state"] = JobState.RUNNING.value
    if told.get("EndTime"):
        one["ended"] = _moment(told["EndTime"])


def _moment(seconds: float) -> str:
    """Return a time of an answer's JSON, which is seconds since the epoch."""
    return iso(datetime.fromtimestamp(seconds, UTC))


def _status(one: dict[str, Any], handle: Handle) -> JobStatus:
    state, error, ended = JobState(one["state"]), one.get("error", ""), one.get("ended")
    if handle.get("cancelled") and state is JobState.RUNNING:
        # nothing of the table is read for it
        state, ended = JobState.CANCELLED, handle["cancelled"]
        error = "a native export cannot be cancelled: DynamoDB goes on with it"
    elif handle.get("cancelled") and state is JobState.WAITING:
        state, ended, error = JobState.CANCELLED, handle["cancelled"], "its export had not begun"
    return JobStatus(
        state,
        dead=state.value in _OVER,
        error=error,
        log=one.get("arn", ""),
        started_at=one.get("began"),
        finished_at=ended,
    )
