"""What moto lacks beside a table: tags replaced, Kinesis, Contributor Insights, old global tables.

Changes take effect at once; the service says ENABLING for a while (API references).
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from local.core.patching import Patches
from local.core.running import current
from local.dynamodb.capacity import TableState, state_of

_patches = Patches()
_STATES = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}


def _table(handler: DynamoHandler) -> Table:
    name = handler.body["TableName"].rsplit("/", 1)[-1]
    table = handler.dynamodb_backend.tables.get(name)
    if table is None:
        raise ResourceNotFoundException(table_name=name)
    return table


def _describe_destinations(handler: DynamoHandler) -> ActionResult:
    table = _table(handler)
    destinations = list(state_of(table).destinations.values())
    return ActionResult({"TableName": table.name, "KinesisDataStreamDestinations": destinations})


def _enable_destination(handler: DynamoHandler) -> ActionResult:
    table, stream = _table(handler), handler.body["StreamArn"]
    asked = handler.body.get("EnableKinesisStreamingConfiguration") or {}
    precision = asked.get("ApproximateCreationDateTimePrecision", "MILLISECOND")
    state_of(table).destinations[stream] = {
        "StreamArn": stream,
        "DestinationStatus": "ACTIVE",
        "ApproximateCreationDateTimePrecision": precision,
    }
    answer = {"TableName": table.name, "StreamArn": stream, "DestinationStatus": "ENABLING"}
    return ActionResult(answer)


def _tag(backend: DynamoDBBackend, table_arn: str, tags: dict[str, str]) -> None:
    """Set tags: of a key that a table has, the value (API TagResource); moto's has both then."""
    for table in backend.tables.values():
        if table.table_arn == table_arn:
            old = {tag["Key"]: tag["Value"] for tag in table.tags}
            table.tags = [{"Key": key, "Value": value} for key, value in (old | tags).items()]


def _insights(handler: DynamoHandler) -> tuple[TableState, str, dict[str, Any]]:
    """Return the table's state, the index asked for, and how an answer about it begins."""
    table, index = _table(handler), handler.body.get("IndexName", "")
    if index and index not in {i.name for i in table.global_indexes}:
        raise ResourceNotFoundException(f"Requested resource not found: Index: {index}")
    about = {"TableName": table.name, **({"IndexName": index} if index else {})}
    return state_of(table), index, about


def _describe_insights(handler: DynamoHandler) -> ActionResult:
    state, index, about = _insights(handler)
    known = state.insights.get(index, {"ContributorInsightsStatus": "DISABLED"})
    return ActionResult(about | known)


def _update_insights(handler: DynamoHandler) -> ActionResult:
    state, index, about = _insights(handler)
    state.insights[index] = {
        "ContributorInsightsStatus": _STATES[handler.body["ContributorInsightsAction"]],
        "ContributorInsightsMode": handler.body.get(
            "ContributorInsightsMode", "ACCESSED_AND_THROTTLED_KEYS"
        ),
        "LastUpdateDateTime": current().clock.now(),
    }
    changed = {"ENABLE": "ENABLING", "DISABLE": "DISABLING"}
    status = changed[handler.body["ContributorInsightsAction"]]
    return ActionResult(about | {"ContributorInsightsStatus": status})


def _list_global_tables(handler: DynamoHandler) -> ActionResult:
    """List the global tables of version 2017.11.29; those of 2019.11.21 are not listed (API)."""
    asked, own = handler.body, handler.dynamodb_backend.region_name
    wanted = asked.get("RegionName")
    regions = {
        name: (own, *others)
        for name, table in sorted(handler.dynamodb_backend.tables.items())
        if (others := state_of(table).settings.legacy_replicas)
        and wanted in (None, own, *others)
        and name > asked.get("ExclusiveStartGlobalTableName", "")
    }
    page = list(regions)[: asked.get("Limit", 100)]
    more = {"LastEvaluatedGlobalTableName": page[-1]} if len(page) < len(regions) else {}
    tables = [
        {
            "GlobalTableName": name,
            "ReplicationGroup": [{"RegionName": region} for region in regions[name]],
        }
        for name in page
    ]
    return ActionResult({"GlobalTables": tables} | more)


def install() -> None:
    """Add the operations to moto's DynamoDB."""
    for name, value in (
        ("describe_kinesis_streaming_destination", _describe_destinations),
        ("enable_kinesis_streaming_destination", _enable_destination),
        ("describe_contributor_insights", _describe_insights),
        ("update_contributor_insights", _update_insights),
        ("list_global_tables", _list_global_tables),
    ):
        _patches.set(DynamoHandler, name, value)
    _patches.set(DynamoDBBackend, "tag_resource", _tag)


def uninstall() -> None:
    """Take them away."""
    _patches.undo()
