"""Point-in-time recovery's window, and exports out of it; moto's write at once, and no manifests.

Facts: API ExportTableToPointInTime, DescribeExport, ListExports, DescribeContinuousBackups;
Developer Guide, "DynamoDB data export to Amazon S3" (how it works, requesting, output format) and
its quotas. What becomes of an export whose table or recovery goes away meanwhile nobody says: here
it goes on.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import s3_backends

from local.core.aws import later
from local.core.errors import LimitExceeded
from local.core.faults import strikes
from local.core.patching import Patches
from local.core.running import current
from local.dynamodb.capacity import state_of
from local.dynamodb.description import described
from local.dynamodb.export_job import Export, data_files, manifests
from local.dynamodb.history import items_at
from local.dynamodb.job_calls import error, page

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
# of virtual time: the fixture of a real export, of 133,199 items, took nine minutes
SECONDS, _REFUSED = 540.0, 30.0
# the newest moment that can be restored is "typically 5 minutes before the current time"
BEHIND = timedelta(minutes=5)
AT_ONCE, IN_FLIGHT_BYTES = 300, 100 << 40
_TOKEN_LIFE = timedelta(hours=8)
_RECOVERY = "PointInTimeRecoveryDescription"
_SAME = ("TableArn", "S3Bucket", "S3Prefix", "S3BucketOwner", "ExportTime", "ExportFormat")


def _exports(handler: DynamoHandler) -> dict[str, Export]:
    """Return the account's exports, by their ARNs, the oldest first."""
    backend = handler.dynamodb_backend
    if not hasattr(backend, "native_exports"):
        backend.native_exports = {}
    found: dict[str, Export] = backend.native_exports
    return found


def window(table: Table, now: datetime) -> tuple[datetime, datetime, int] | None:
    """Return the earliest and latest moment a table can be restored to, and the period in days."""
    told = table.continuous_backups[_RECOVERY]
    if told["PointInTimeRecoveryStatus"] != "ENABLED":
        return None
    days = told.get("RecoveryPeriodInDays", 35)
    since = datetime.fromtimestamp(told["EarliestRestorableDateTime"], UTC)
    earliest = max(since, now - timedelta(days=days))
    return earliest, max(earliest, now - BEHIND), days


def _describe_backups(backend: DynamoDBBackend, table_name: str) -> dict[str, Any]:
    """Tell the window as it is now; moto's is that of when it was switched on."""
    table = backend.tables.get(table_name.rsplit("/", 1)[-1])
    if table is None:
        raise error("TableNotFoundException", f"Table not found: {table_name}")
    out: dict[str, Any] = dict(table.continuous_backups)
    if found := window(table, current().clock.now()):
        earliest, latest, days = found
        out[_RECOVERY] = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": days,
            "EarliestRestorableDateTime": earliest.timestamp(),
            "LatestRestorableDateTime": latest.timestamp(),
        }
    return out


def _export(handler: DynamoHandler) -> ActionResult:
    world, asked, known = current(), handler.body, _exports(handler)
    now = world.clock.now()
    asked.setdefault("ClientToken", str(uuid.uuid4()))
    for one in known.values():
        if one.asked["ClientToken"] == asked["ClientToken"] and now - one.began < _TOKEN_LIFE:
            if any(one.asked.get(name) != asked.get(name) for name in _SAME):
                raise error(
                    "ExportConflictException",
                    "Export with the client token already exists, with other parameters",
                )
            return ActionResult({"ExportDescription": one.description()})
    table = _table(handler, asked["TableArn"])
    moment = _moment(table, asked, now)
    if asked.get("ExportType", "FULL_EXPORT") != "FULL_EXPORT":
        raise MockValidationException("the local AWS exports whole tables only")
    if asked.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
        raise MockValidationException("the local AWS writes DYNAMODB_JSON only")
    size = described(table, "Table", stale=False)["Table"]["TableSizeBytes"]
    running = [one for one in known.values() if one.status == "IN_PROGRESS"]
    if len(running) >= AT_ONCE:
        raise LimitExceeded(f"Only {AT_ONCE} exports can be in progress at once")
    if sum(one.size_bytes for one in running) + size > IN_FLIGHT_BYTES:
        raise LimitExceeded("The tables of the exports in progress are 100 TB at the most")
    number = f"0{int(now.timestamp() * 1000)}-{uuid.uuid4().hex[:8]}"
    made = Export(
        arn=f"{table.table_arn}/export/{number}",
        asked=dict(asked),
        table_arn=table.table_arn,
        table_id=described(table, "Table", stale=False)["Table"]["TableId"],
        size_bytes=size,
        began=now,
        moment=moment,
        items=items_at(table, moment),
        partitions=state_of(table).settings.partitions or 1,
    )
    known[made.arn] = made
    failure = _bucket_failure(handler, made)
    if failure is None and strikes(world.faults.export_fails, table.name):
        failure = "S3AccessDenied", "Access Denied (injected)"
    if failure:
        later(world, _REFUSED, lambda: _fail(world, made, *failure))
    else:
        _write(handler, made, "_started", b"")
        seconds = world.faults.export_seconds.get(table.name, SECONDS)
        later(world, seconds, lambda: _finish(world, handler, made))
    return ActionResult({"ExportDescription": made.description()})


def _table(handler: DynamoHandler, arn: str) -> Table:
    """Return the table of an ARN; a name in its place is none (API: "TableArn")."""
    table = handler.dynamodb_backend.tables.get(arn.rsplit("/", 1)[-1])
    if table is None or table.table_arn != arn:
        raise error("TableNotFoundException", f"Table not found: {arn}")
    return table


def _moment(table: Table, asked: dict[str, Any], now: datetime) -> datetime:
    found = window(table, now)
    if found is None:
        raise error(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{table.name}'",
        )
    given = asked.get("ExportTime")
    # as moto hands it on: without a time zone
    moment = found[1] if given is None else given.replace(tzinfo=UTC)
    if not found[0] <= moment <= found[1]:
        raise error(
            "InvalidExportTimeException",
            f"The export time must be from {found[0].isoformat()} to {found[1].isoformat()}",
        )
    return moment


def _bucket_failure(handler: DynamoHandler, export: Export) -> tuple[str, str] | None:
    backend, asked = handler.dynamodb_backend, export.asked
    for account, partitions in s3_backends.items():
        if asked["S3Bucket"] in partitions[backend.partition].buckets:
            owner = asked.get("S3BucketOwner")
            if owner != account and (owner or account != backend.account_id):
                return "S3AccessDenied", "Access Denied"
            return None
    return "S3NoSuchBucket", "The specified bucket does not exist"


def _fail(world: Aws, export: Export, code: str, message: str) -> None:
    export.status, export.failure, export.ended = "FAILED", (code, message), world.clock.now()


def _write(
    handler: DynamoHandler, export: Export, name: str, body: bytes, etag: str | None = None
) -> None:
    account = export.asked.get("S3BucketOwner") or handler.dynamodb_backend.account_id
    backend = s3_backends[account][handler.dynamodb_backend.partition]
    key = name if name.startswith(export.prefix) else export.prefix + name
    kept = export.asked.get("S3SseKmsKeyId")
    backend.put_object(
        export.asked["S3Bucket"],
        key,
        body,
        etag=etag,
        encryption="aws:kms" if export.encryption == "KMS" else export.encryption,
        kms_key_id=kept,
    )


def _finish(world: Aws, handler: DynamoHandler, export: Export) -> None:
    if failure := _bucket_failure(handler, export):
        _fail(world, export, *failure)
        return
    export.ended = world.clock.now()
    lines = []
    for key, body, line in data_files(export):
        _write(handler, export, key, body, line["etag"])
        lines.append(line)
    for name, body in manifests(export, lines).items():
        _write(handler, export, name, body)
    export.status = "COMPLETED"


def _describe_export(handler: DynamoHandler) -> ActionResult:
    found = _exports(handler).get(handler.body["ExportArn"])
    if found is None:
        raise error("ExportNotFoundException", "The specified export was not found.")
    return ActionResult({"ExportDescription": found.description()})


def _list_exports(handler: DynamoHandler) -> ActionResult:
    asked = handler.body
    found, more = page(_exports(handler).values(), asked, asked.get("MaxResults", 25))
    return ActionResult({"ExportSummaries": found, **more})


def install() -> None:
    """Put these in moto's place."""
    for name, value in (
        ("export_table_to_point_in_time", _export),
        ("describe_export", _describe_export),
        ("list_exports", _list_exports),
    ):
        _patches.set(DynamoHandler, name, value)
    _patches.set(DynamoDBBackend, "describe_continuous_backups", _describe_backups)


def uninstall() -> None:
    """Put moto's own back."""
    _patches.undo()
