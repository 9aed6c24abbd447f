"""The engine `native`: DynamoDB exports a table itself, out of its point-in-time recovery.

All tables of a night as of one moment, the window's start: an export begins when that moment can
be restored, about five minutes later; until then the service refuses it, and is asked again in
the next pass. Idempotent by a token of run, table and attempt (eight hours, API
ExportTableToPointInTime); after that, and when nothing may be begun any more, what an invocation
began and could not note is looked for where it writes, which is a place of its attempt alone.
Where the service has no room it is waited for. There is no call that ends an export: a batch that
is cancelled leaves those that run to DynamoDB.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines.engine import BatchStatus, Handle, JobState, Launch
from hippolyte.engines.native_export import OVER, fail, status, take
from hippolyte.errors import EngineError, code_of, passes
from hippolyte.planning.native import BEHIND_SECONDS, TABLES_PER_BATCH
from hippolyte.planning.plan import NATIVE
from hippolyte.record_form import iso, when
from hippolyte.tables.names import table_arn
from hippolyte.tables.recovery import CALLS_A_SECOND, recovery_of
from hippolyte.tables.settings_of import received

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings

_OFF = "its point-in-time recovery was switched off during the night"
_FULL = "DynamoDB had no room for it: 300 exports at once, or 100 TB of tables"
_ANOTHER = "the table was deleted, and another one has its name"
# a token is good for eight hours; seconds, with some to spare
_TOKEN_SECONDS = 7.5 * 3600
# after the deadline, seconds
_SOUGHT_SECONDS = 1200
# calls without an answer, after which a pass makes none any more: each waits for half a minute
_SILENCES = 3
# below the prefix that is asked for (Developer Guide, "DynamoDB table export output format")
_FOLDER = "AWSDynamoDB/"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pass:
    """What one invocation has seen: that the service has no room, what has not been answered."""

    full: bool = False
    silences: list[BotoCoreError] = field(default_factory=list)


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
            if one["state"] in OVER:
                continue
            try:
                if len(self.seen.silences) >= _SILENCES:
                    raise self.seen.silences[-1]
                if one["state"] == JobState.RUNNING.value:
                    self._look(one)
                elif handle.get("cancelled"):
                    one["sought"] = one.get("sought") or not self._found(one)
                else:
                    self._begin(one, moment)
            except (ClientError, BotoCoreError) as error:
                if isinstance(error, BotoCoreError) and len(self.seen.silences) < _SILENCES:
                    self.seen.silences.append(error)
                # asked again in the next pass, until the deadline and somewhat longer
                _log.warning("the export of %s: %s", one["table"], error)
                one["waits"], one["sought"] = str(error), _is_long_over(handle)
        statuses = {n: status(one, handle) for n, one in enumerate(handle["exports"])}
        return BatchStatus(statuses, gone=all(s.state.value in OVER for s in statuses.values()))

    def cancel(self, handle: Handle) -> None:
        """Begin nothing more; what runs cannot be ended."""
        handle.setdefault("cancelled", iso(clock.now()))

    def clean_up(self, handle: Handle) -> None:
        """Keep all: what DynamoDB still exports is found by the ledger."""

    # ---

    def _begin(self, one: dict[str, Any], moment: datetime) -> None:
        at = when(one["as_of"]) if one.get("as_of") else moment
        if clock.now() < at + timedelta(seconds=BEHIND_SECONDS):
            return
        if clock.now() >= at + timedelta(seconds=_TOKEN_SECONDS) and self._found(one):
            return
        if self.seen.full:
            one["waits"] = _FULL
            return
        try:
            told = self._call("ExportTableToPointInTime", **self._asked(one, at))
        except ClientError as error:
            self._refused(one, at, error)
            return
        take(one, told)

    def _found(self, one: dict[str, Any]) -> bool:
        """Look whether it has begun, unheard: then its folder is there; what others put is left."""
        above = f"{one['prefix']}/{_FOLDER}"
        told = self.clients.s3.list_objects_v2(
            Bucket=self.settings.bucket, Prefix=above, Delimiter="/"
        )
        for each in told.get("CommonPrefixes", []):
            number = each["Prefix"].removeprefix(above).rstrip("/")
            try:
                found = self._call("DescribeExport", ExportArn=f"{self._arn(one)}/export/{number}")
            except ClientError as error:
                if code_of(error) != "ExportNotFoundException":
                    raise
                continue
            if found.get("ClientToken") == one["token"]:
                take(one, found)
                return True
        return False

    def _arn(self, one: dict[str, Any]) -> str:
        return table_arn(self.settings, one["table"])

    def _asked(self, one: dict[str, Any], at: datetime) -> dict[str, Any]:
        s = self.settings
        asked: dict[str, Any] = {
            "TableArn": self._arn(one),
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
            # some have to end first
            self.seen.full, one["waits"] = True, _FULL
        elif code == "InvalidExportTimeException":
            self._wait_for_window(one, at)
        elif code == "PointInTimeRecoveryUnavailableException":
            fail(one, _OFF)
        elif passes(error):
            raise error
        elif code == "ExportConflictException" and self._found(one):
            # the module was applied under way: asked for as it was set before
            _log.info("the export of %s has begun with other settings", one["table"])
        else:
            said = error.response["Error"].get("Message") or code
            fail(one, f"ExportTableToPointInTime: {said}")

    def _wait_for_window(self, one: dict[str, Any], at: datetime) -> None:
        """See whether the moment will be restorable yet, or is so no more: then a later one.

        A table made anew is younger than the moment: an export of it would be paid for, and of no
        use.
        """
        time.sleep(1 / CALLS_A_SECOND)
        found = recovery_of(self.clients.dynamodb_once, one["table"])
        one["waits"] = "its moment could not be restored yet"
        if not found.on:
            fail(one, _OFF)
        elif found.earliest and found.earliest > at:
            told = self.clients.dynamodb_once.describe_table(TableName=one["table"])["Table"]
            if one["table_id"] and told.get("TableId") != one["table_id"]:
                fail(one, _ANOTHER)
                return
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
            fail(one, f"its export cannot be followed any more: {error}")
            return
        take(one, told)

    def _call(self, operation: str, **asked: Any) -> Any:
        # no rate is stated of these; that of the other calls about recovery is kept to
        time.sleep(1 / CALLS_A_SECOND)
        # as it came: an SDK older than a member drops it, and a filter must be seen
        return received(self.clients.dynamodb_once, operation, **asked)["ExportDescription"]


def _is_long_over(handle: Handle) -> bool:
    """Say whether what may have begun unheard was looked for long enough."""
    ended = handle.get("cancelled")
    return ended is not None and clock.now() >= when(ended) + timedelta(seconds=_SOUGHT_SECONDS)


def _token(name: str, output: str) -> str:
    """Return the same token for a deployment, table, run and attempt; 36 characters at the most."""
    return hashlib.sha256(f"{name} {output}".encode()).hexdigest()[:32]
