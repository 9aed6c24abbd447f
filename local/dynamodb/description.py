"""What DescribeTable says of a table: moto's object, what was set, and what is on its way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.dynamodb.models.table import Table

from local.core.running import current
from local.dynamodb import capacity
from local.dynamodb.capacity import ON_DEMAND, TableState, settle
from local.dynamodb.table_settings import TableSettings


def _measure(table: Table, state: TableState) -> tuple[int, int]:
    """Return bytes and items, counted again only after a write."""
    if state.measured is None:
        if table.range_key_attr is None:
            items = list(table.items.values())
        else:
            items = [item for part in table.items.values() for item in part.values()]
        state.measured = sum(item.size() for item in items), len(items)
    return state.measured


def described(
    table: Table, base_key: str = "TableDescription", stale: bool = True
) -> dict[str, Any]:
    """Return the description under `base_key`; `stale` as `stale_describe_seconds` may make it."""
    now = current().clock.now()
    state = settle(table, now)
    settings = state.settings
    size, count = settings.size_bytes, settings.item_count
    if made := settings.generated:
        size = made.size_bytes if size is None else size
        count = made.items if count is None else count
    if size is None or count is None:
        measured = _measure(table, state)
        size = measured[0] if size is None else size
        count = measured[1] if count is None else count
    read, write = capacity.units(table.throughput)
    status = settings.status or ("UPDATING" if state.pending else "ACTIVE")
    if stale and settings.stale_describe_seconds:
        status, read, write = _as_of(state, now, (status, read, write))
    out: dict[str, Any] = {
        "AttributeDefinitions": table.attr,
        "TableName": table.name,
        "KeySchema": table.schema,
        "TableStatus": status,
        "CreationDateTime": settings.created_at or table.created_at.replace(tzinfo=UTC),
        "ProvisionedThroughput": _throughput(state, now, read, write),
        "TableSizeBytes": size,
        "ItemCount": count,
        "TableArn": table.table_arn,
        "TableId": state.table_id,
        "DeletionProtectionEnabled": table.deletion_protection_enabled,
        "WarmThroughput": _warm(table, settings),
    }
    out.update(_billing(table, state))
    out.update(_indexes(table))
    out.update(_extras(table, state, status))
    return {base_key: out}


def _as_of(state: TableState, now: datetime, fresh: tuple[str, int, int]) -> tuple[str, int, int]:
    for at, status, read, write in reversed(state.history):
        if (now - at).total_seconds() >= state.settings.stale_describe_seconds:
            return status, read, write
    return fresh


def _throughput(state: TableState, now: datetime, read: int, write: int) -> dict[str, Any]:
    out: dict[str, Any] = {
        "NumberOfDecreasesToday": len(state.decreases_today(now)),
        "ReadCapacityUnits": read,
        "WriteCapacityUnits": write,
    }
    if state.last_increase:
        out["LastIncreaseDateTime"] = state.last_increase
    if state.decreases:
        out["LastDecreaseDateTime"] = state.decreases[-1]
    return out


def _warm(table: Table, settings: TableSettings) -> dict[str, Any]:
    warm = dict(table.warm_throughput)
    if settings.warm_read is not None:
        warm["ReadUnitsPerSecond"] = settings.warm_read
    return warm


def _billing(table: Table, state: TableState) -> dict[str, Any]:
    out: dict[str, Any] = {}
    # absent on a table that was never on-demand (API BillingModeSummary)
    if table.billing_mode == ON_DEMAND or state.on_demand_since:
        since = state.on_demand_since or table.created_at.replace(tzinfo=UTC)
        mode = table.billing_mode or "PROVISIONED"
        out["BillingModeSummary"] = {
            "BillingMode": mode,
            "LastUpdateToPayPerRequestDateTime": since,
        }
    maximum = {
        "MaxReadRequestUnits": state.settings.on_demand_max_read,
        "MaxWriteRequestUnits": state.on_demand_max_write,
    }
    ceilings = {name: units for name, units in maximum.items() if units is not None}
    if ceilings:
        out["OnDemandThroughput"] = ceilings
    return out


def _indexes(table: Table) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if table.global_indexes:
        out["GlobalSecondaryIndexes"] = [
            {
                **index.describe(),
                "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **index.throughput},
                "IndexArn": f"{table.table_arn}/index/{index.name}",
                "IndexSizeBytes": 0,
                "ItemCount": 0,
            }
            for index in table.global_indexes
        ]
    if table.indexes:
        out["LocalSecondaryIndexes"] = [
            {
                **index.describe(),
                "IndexArn": f"{table.table_arn}/index/{index.name}",
                "IndexSizeBytes": 0,
                "ItemCount": 0,
            }
            for index in table.indexes
        ]
    return out


def _extras(table: Table, state: TableState, status: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if table.latest_stream_label:
        out["LatestStreamLabel"] = table.latest_stream_label
        out["LatestStreamArn"] = f"{table.table_arn}/stream/{table.latest_stream_label}"
    if table.stream_specification and table.stream_specification["StreamEnabled"]:
        out["StreamSpecification"] = table.stream_specification
    if table.sse_specification and table.sse_specification.get("Enabled") is True:
        out["SSEDescription"] = {
            "Status": "ENABLED",
            "SSEType": "KMS",
            "KMSMasterKeyArn": table.sse_specification.get("KMSMasterKeyId"),
        }
    if state.settings.replicas:
        out["GlobalTableVersion"] = "2019.11.21"
        out["Replicas"] = [
            {"RegionName": region, "ReplicaStatus": "ACTIVE"} for region in state.settings.replicas
        ]
    if state.settings.table_class:
        out["TableClassSummary"] = {"TableClass": state.settings.table_class}
    if status in ("ARCHIVING", "ARCHIVED"):
        out["ArchivalSummary"] = {
            "ArchivalDateTime": current().clock.now(),
            "ArchivalReason": "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
            "ArchivalBackupArn": f"{table.table_arn}/backup/01543000000000-local000",
        }
    return out
