"""ImportTable as it is documented and was seen; moto's makes the table and reads at once.

Facts: Developer Guide, "DynamoDB data import from Amazon S3" (how it works, quotas and validation);
seen on the service in October 2026 (the public lab notes ack-api-quirks, DDB-IMPORT-001 to 020):
the table is not there for half a minute, then CREATING, and ACTIVE some seconds before the import
has ended; imports in progress are listed, newest first; two imports of one name both begin; a
token is answered with its import whatever else is asked, even when that import's table is gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import (
    MockValidationException,
    ResourceInUseException,
)
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import s3_backends

from local.core.aws import later
from local.core.errors import LimitExceeded
from local.core.patching import Patches
from local.core.running import current
from local.dynamodb.capacity import state_of
from local.dynamodb.import_job import Import, read
from local.dynamodb.job_calls import error, page

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
# of virtual time: until the table is there, until it is ACTIVE, until the import has ended (the
# service needed 110 to 260 for a few items); a bucket that is not there is told sooner
APPEARS, ACTIVE, SECONDS, _NO_BUCKET = 30.0, 294.0, 300.0, 6.0
_JOBS = 50
_OBJECTS = 50_000


def _imports(handler: DynamoHandler) -> dict[str, Import]:
    found: dict[str, Import] = handler.dynamodb_backend.table_imports
    return found


def _starting(keep: Callable[[Table, dict[str, Any]], None]) -> Callable[..., ActionResult]:
    def import_table(handler: DynamoHandler) -> ActionResult:
        world, asked, known = current(), handler.body, _imports(handler)
        wanted = asked["TableCreationParameters"]
        name, tables = wanted["TableName"], handler.dynamodb_backend.tables
        token = asked.get("ClientToken")
        before = next((i for i in known.values() if i.asked.get("ClientToken") == token), None)
        if token and before and before.name != name:
            message = "Import conflict: Duplicate request detected with conflicting parameters"
            raise error("ImportConflictException", message)
        if token and before and (before.status == "IN_PROGRESS" or name not in tables):
            return ActionResult({"ImportTableDescription": before.description()})
        if name in tables and state_of(tables[name]).settings.status != "CREATING":
            raise ResourceInUseException(f"Table already exists: {name}")
        if sum(one.status == "IN_PROGRESS" for one in known.values()) >= _JOBS:
            raise LimitExceeded(f"Only {_JOBS} imports can be in progress at once")
        if asked["InputFormat"] != "DYNAMODB_JSON":
            raise MockValidationException("the local AWS reads DYNAMODB_JSON only")
        _check(handler, wanted)
        backend = handler.dynamodb_backend
        table_arn = (
            f"arn:{backend.partition}:dynamodb:{backend.region_name}:{backend.account_id}:"
            f"table/{name}"
        )
        arn = f"{table_arn}/import/01{uuid.uuid4().int % 10**12:012d}-{uuid.uuid4().hex[:8]}"
        known[arn] = one = Import(arn, asked, name, table_arn, world.clock.now())
        later(world, _NO_BUCKET, lambda: _look(world, backend, one))
        later(world, APPEARS, lambda: _appear(world, backend, one, keep))
        later(world, ACTIVE, lambda: _read_all(backend, one))
        later(world, SECONDS, lambda: _end(world, one))
        return ActionResult({"ImportTableDescription": one.description()})

    return import_table


def _check(handler: DynamoHandler, wanted: dict[str, Any]) -> None:
    handler._validate_table_creation(
        billing_mode=wanted.get("BillingMode", "PROVISIONED"),
        throughput=wanted.get("ProvisionedThroughput"),
        key_schema=wanted["KeySchema"],
        global_indexes=wanted.get("GlobalSecondaryIndexes"),
        local_secondary_indexes=None,
        attr=wanted["AttributeDefinitions"],
        warm_throughput=None,
    )


def _bucket(backend: Any, one: Import) -> Any:
    name = one.asked["S3BucketSource"]["S3Bucket"]
    return s3_backends[backend.account_id][backend.partition].buckets.get(name)


def _fail(world: Aws, one: Import, code: str, message: str) -> None:
    one.failure, one.status, one.ended = (code, message), "FAILED", world.clock.now()


def _look(world: Aws, backend: Any, one: Import) -> None:
    if _bucket(backend, one) is None:
        _fail(world, one, "S3NoSuchBucket", "The specified bucket does not exist")


def _appear(
    world: Aws, backend: Any, one: Import, keep: Callable[[Table, dict[str, Any]], None]
) -> None:
    """Make the table, if nobody else has by now, and see what there is to read."""
    if one.status != "IN_PROGRESS":
        return
    if one.name in backend.tables:
        _fail(world, one, "TableAlreadyExists", f"Table already exists: {one.name}")
        return
    prefix = one.asked["S3BucketSource"].get("S3KeyPrefix", "")
    keys = _bucket(backend, one).keys
    one.objects = {name: keys[name].etag for name in sorted(keys) if name.startswith(prefix)}
    if len(one.objects) > _OBJECTS:
        _fail(world, one, "S3ObjectCountExceeded", f"{len(one.objects)} objects are too many")
        return
    wanted = one.asked["TableCreationParameters"]
    one.table = _made(backend, wanted)
    keep(one.table, wanted)
    state = state_of(one.table)
    state.table_id, state.settings.status = one.table_id, "CREATING"


def _made(backend: Any, wanted: dict[str, Any]) -> Table:
    """Make the table: indexes only global, and no tags, streams or class."""
    made: Table = backend.create_table(
        name=wanted["TableName"],
        schema=wanted["KeySchema"],
        throughput=wanted.get("ProvisionedThroughput"),
        attr=wanted["AttributeDefinitions"],
        global_indexes=wanted.get("GlobalSecondaryIndexes") or [],
        indexes=[],
        streams=None,
        billing_mode=wanted.get("BillingMode", "PROVISIONED"),
        sse_specification=wanted.get("SSESpecification"),
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    return made


def _read_all(backend: Any, one: Import) -> None:
    """Read every object below the prefix, whatever its name; what is no item is counted."""
    if one.table is None:
        return
    keys = _bucket(backend, one).keys
    for name, etag in one.objects.items():
        if name in keys and keys[name].etag == etag:
            read(one, one.table, name, keys[name].value)
        else:
            one.errors += 1
            one.log.append(f"{name}: changed while it was read")
    state_of(one.table).settings.status = None
    state_of(one.table).measured = None


def _end(world: Aws, one: Import) -> None:
    if one.status != "IN_PROGRESS":
        return
    one.ended, one.status = world.clock.now(), "COMPLETED"
    if one.errors:
        _fail(
            world,
            one,
            "ItemValidationError",
            "Some of the items failed validation checks and were not imported. Please check "
            "CloudWatch error logs for more details.",
        )


def _describe_import(handler: DynamoHandler) -> ActionResult:
    found = _imports(handler).get(handler.body["ImportArn"])
    if found is None:
        raise error("ImportNotFoundException", "The specified import was not found.")
    return ActionResult({"ImportTableDescription": found.description()})


def _list_imports(handler: DynamoHandler) -> ActionResult:
    asked = handler.body
    found, more = page(_imports(handler).values(), asked, asked.get("PageSize", 10), width=112)
    return ActionResult({"ImportSummaryList": found, **more})


def install(keep: Callable[[Table, dict[str, Any]], None]) -> None:
    """Put these in moto's place; `keep` keeps what moto drops of a table's parameters."""
    for name, value in (
        ("import_table", _starting(keep)),
        ("describe_import", _describe_import),
        ("list_imports", _list_imports),
    ):
        _patches.set(DynamoHandler, name, value)


def uninstall() -> None:
    """Put moto's own back."""
    _patches.undo()
