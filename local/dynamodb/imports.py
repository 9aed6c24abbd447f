"""ImportTable as its documentation has it; moto's makes the table and reads at once, in a thread.

Facts: reference/dynamodb.md section 6 and reference/lambda-engine.md (Developer Guide,
"DynamoDB data import from Amazon S3": how it works, quotas and validation).
"""

from __future__ import annotations

import gzip
import json
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import (
    ERROR_TYPE_PREFIX,
    DynamodbException,
    MockValidationException,
    ResourceInUseException,
)
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import s3_backends

from local.core.aws import later
from local.core.errors import LimitExceeded
from local.core.patching import Patches
from local.core.running import current
from local.dynamodb.capacity import state_of

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
# of virtual time; the service's time depends on the data, and is minutes at least
SECONDS = 300.0
_JOBS = 50
_OBJECTS = 50_000
_KINDS = frozenset(("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L"))


@dataclass
class Import:
    """An import, as DescribeImport tells of it."""

    arn: str
    asked: dict[str, Any]
    table: Table
    began: datetime
    status: str = "IN_PROGRESS"
    ended: datetime | None = None
    bytes: int = 0
    items: int = 0
    imported: int = 0
    errors: int = 0
    failure: tuple[str, str] | None = None
    log: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return an ImportSummary."""
        out = {
            "ImportArn": self.arn,
            "ImportStatus": self.status,
            "TableArn": self.table.table_arn,
            "S3BucketSource": self.asked["S3BucketSource"],
            "CloudWatchLogGroupArn": f"{self.arn.split(':dynamodb:')[0]}:logs:"
            f"{':'.join(self.arn.split(':')[3:5])}:log-group:/aws-dynamodb/imports:*",
            "InputFormat": self.asked["InputFormat"],
            "StartTime": self.began,
            "EndTime": self.ended,
        }
        return {name: value for name, value in out.items() if value is not None}

    def description(self) -> dict[str, Any]:
        """Return an ImportTableDescription."""
        out = {
            **self.summary(),
            "TableId": state_of(self.table).table_id,
            "ClientToken": self.asked.get("ClientToken"),
            "InputCompressionType": self.asked.get("InputCompressionType", "NONE"),
            "TableCreationParameters": self.asked["TableCreationParameters"],
            "ErrorCount": self.errors,
            "ProcessedSizeBytes": self.bytes,
            "ProcessedItemCount": self.items,
            "ImportedItemCount": self.imported,
        }
        if self.failure:
            out["FailureCode"], out["FailureMessage"] = self.failure
        return {name: value for name, value in out.items() if value is not None}


def _imports(handler: DynamoHandler) -> dict[str, Import]:
    found: dict[str, Import] = handler.dynamodb_backend.table_imports
    return found


def _starting(keep: Callable[[Table, dict[str, Any]], None]) -> Callable[..., ActionResult]:
    def import_table(handler: DynamoHandler) -> ActionResult:
        """Make the table and begin; the same call with the same token is answered as before."""
        world, asked, known = current(), handler.body, _imports(handler)
        token = asked.get("ClientToken")
        for one in known.values():
            if token and one.asked.get("ClientToken") == token:
                if one.asked != asked:
                    raise _error("ImportConflictException", f"the token {token} was used before")
                return ActionResult({"ImportTableDescription": one.description()})
        wanted = asked["TableCreationParameters"]
        if wanted["TableName"] in handler.dynamodb_backend.tables:
            raise ResourceInUseException(f"Table already exists: {wanted['TableName']}")
        if sum(one.status == "IN_PROGRESS" for one in known.values()) >= _JOBS:
            raise LimitExceeded(f"Only {_JOBS} imports can be in progress at once")
        if asked["InputFormat"] != "DYNAMODB_JSON":
            raise MockValidationException("the local AWS reads DYNAMODB_JSON only")
        table = _made(handler, wanted)
        keep(table, wanted)
        state_of(table).settings.status = "CREATING"
        arn = f"{table.table_arn}/import/01{uuid.uuid4().int % 10**12:012d}-{uuid.uuid4().hex[:8]}"
        known[arn] = one = Import(arn, asked, table, world.clock.now())
        later(world, SECONDS, lambda: _run(world, handler.dynamodb_backend, one))
        return ActionResult({"ImportTableDescription": one.description()})

    return import_table


def _made(handler: DynamoHandler, wanted: dict[str, Any]) -> Table:
    """Make the table: indexes only global, and no tags, streams or class."""
    mode = wanted.get("BillingMode", "PROVISIONED")
    throughput, indexes = wanted.get("ProvisionedThroughput"), wanted.get("GlobalSecondaryIndexes")
    handler._validate_table_creation(
        billing_mode=mode,
        throughput=throughput,
        key_schema=wanted["KeySchema"],
        global_indexes=indexes,
        local_secondary_indexes=None,
        attr=wanted["AttributeDefinitions"],
        warm_throughput=None,
    )
    return handler.dynamodb_backend.create_table(
        name=wanted["TableName"],
        schema=wanted["KeySchema"],
        throughput=throughput,
        attr=wanted["AttributeDefinitions"],
        global_indexes=indexes or [],
        indexes=[],
        streams=None,
        billing_mode=mode,
        sse_specification=wanted.get("SSESpecification"),
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )


def _run(world: Aws, backend: Any, one: Import) -> None:
    """Read every object below the prefix, whatever its name; what is no item is counted."""
    source = one.asked["S3BucketSource"]
    bucket = s3_backends[backend.account_id][backend.partition].buckets.get(source["S3Bucket"])
    one.ended = world.clock.now()
    if bucket is None:
        one.failure = ("S3NoSuchBucket", "The specified bucket does not exist")
    else:
        prefix = source.get("S3KeyPrefix", "")
        names = sorted(name for name in bucket.keys if name.startswith(prefix))
        if len(names) > _OBJECTS:
            one.failure = ("S3ObjectCountExceeded", f"{len(names)} objects, {_OBJECTS} at most")
            names = []
        for name in names:
            _read(one, name, bucket.keys[name].value)
    if one.errors and not one.failure:
        one.failure = (
            "ItemValidationError",
            "Some of the items failed validation checks and were not imported. Please check "
            "CloudWatch error logs for more details.",
        )
    one.status = "FAILED" if one.failure else "COMPLETED"
    state_of(one.table).settings.status = None
    state_of(one.table).measured = None


def _read(one: Import, name: str, stored: bytes) -> None:
    """Read an object; the rest of one that is malformed is left out (quotas and validation)."""
    try:
        for line in _lines(one, stored):
            one.items += 1
            document = json.loads(line)
            if not isinstance(document, dict) or list(document) != ["Item"]:
                raise ValueError('not {"Item": ...}')
            try:
                _put(one.table, document["Item"])
            except (JsonRESTError, ValueError) as error:
                one.errors += 1
                one.log.append(f"{name}: {error}")
            else:
                one.imported += 1
    except (ValueError, OSError, EOFError, zlib.error) as error:
        one.errors += 1
        one.log.append(f"{name}: {error}")


def _lines(one: Import, stored: bytes) -> Iterator[bytes]:
    compression = one.asked.get("InputCompressionType", "NONE")
    if compression == "ZSTD":
        raise ValueError("the local AWS has no Zstandard")
    data = gzip.decompress(stored) if compression == "GZIP" else stored
    one.bytes += len(data)
    return iter([line for line in data.split(b"\n") if line.strip()])


def _put(table: Table, item: Any) -> None:
    """Put an item, over another of the same key: that is neither counted nor logged."""
    if not isinstance(item, dict):
        raise ValueError("an item is an object")
    for name, value in item.items():
        if not isinstance(value, dict) or len(value) != 1 or not _KINDS.issuperset(value):
            raise ValueError(f"{name} has not one type")
    kinds = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    for key in filter(None, (table.hash_key_attr, table.range_key_attr)):
        if list(item.get(key, ())) != [kinds[key]]:
            raise ValueError(f"the key {key} is missing or of another type")
        if not DynamoType(item[key]).size():
            raise ValueError(f"the key {key} is empty")
    table.put_item(item)


def _describe_import(handler: DynamoHandler) -> ActionResult:
    found = _imports(handler).get(handler.body["ImportArn"])
    if found is None:
        raise _error("ImportNotFoundException", "The specified import was not found.")
    return ActionResult({"ImportTableDescription": found.description()})


def _list_imports(handler: DynamoHandler) -> ActionResult:
    """List the imports that have ended (API ListImports), a page of them."""
    asked, wanted = handler.body, handler.body.get("TableArn")
    ended = [
        one.summary()
        for one in _imports(handler).values()
        if one.status != "IN_PROGRESS" and wanted in (None, one.table.table_arn)
    ]
    first, size = int(asked.get("NextToken") or 0), asked.get("PageSize", 25)
    more = {"NextToken": f"{first + size:0112}"} if first + size < len(ended) else {}
    return ActionResult({"ImportSummaryList": ended[first : first + size]} | more)


def _error(code: str, message: str) -> DynamodbException:
    return DynamodbException(ERROR_TYPE_PREFIX + code, message)


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
