"""Discovers the tables of an account and region: paginated, concurrent, tolerant of change."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.tables.autoscaling import READ_DIMENSION, flags_of
from hippolyte.tables.table import Inventory, Limits, Scaling, Table, Tags
from hippolyte.verdicts import Verdict

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient

    from hippolyte.clients import Clients

_log = logging.getLogger(__name__)

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def discover(clients: Clients, concurrency: int, probe: Callable[[str], bool]) -> Inventory:
    """Describe every table of the account and region.

    `concurrency` is the number of DescribeTable calls at once; `probe` says of a table's name
    whether it is to be looked into if it reads as empty. A table that cannot be described is in
    `undescribed` with its verdict, never lost.
    """
    warnings: list[str] = []
    names = list_names(clients.dynamodb)
    answers = dict(_map(lambda n: (n, _describe(clients.dynamodb, n)), names, concurrency))
    # DescribeTable is eventually consistent: ask once more before a table counts as gone
    gone = [n for n, a in answers.items() if _code(a) == "ResourceNotFoundException"]
    answers.update(_map(lambda n: (n, _describe(clients.dynamodb, n)), gone, concurrency))
    definitions = {n: a for n, a in answers.items() if not isinstance(a, ClientError)}
    undescribed = {n: _verdict(a) for n, a in answers.items() if isinstance(a, ClientError)}

    scaling = _scaling(clients.scaling, warnings) if definitions else {}
    tables = [table_of(d, scaling.get(n)) for n, d in definitions.items()]
    unread = [t for t in tables if t.exportable and _reads_empty(t) and probe(t.name)]
    empty = dict(_map(lambda t: (t.name, is_empty(clients.dynamodb, t.name)), unread, concurrency))
    return Inventory(
        tables=tuple(replace(t, empty=empty.get(t.name, False)) for t in tables),
        limits=_limits(clients.dynamodb, warnings),
        undescribed=undescribed,
        warnings=tuple(warnings),
        definitions=definitions,
    )


def list_names(dynamodb: DynamoDBClient) -> list[str]:
    """List all table names; pages hold at most 100."""
    pages = dynamodb.get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"]]


def read_tags(client: ResourceGroupsTaggingAPIClient) -> Tags:
    """Read the tags of all tables, up to 100 a call; what cannot be read is said, not raised.

    DynamoDB's own ListTagsOfResource allows 10 calls a second, one a table. A page never splits a
    table's tags (API GetResources, TagsPerPage), so that what was read before an error holds.
    """
    known: dict[str, dict[str, str]] = {}
    try:
        for page in client.get_paginator("get_resources").paginate(
            ResourceTypeFilters=["dynamodb:table"], PaginationConfig={"PageSize": 100}
        ):
            for found in page["ResourceTagMappingList"]:
                # arn:aws:dynamodb:<region>:<account>:table/<name>
                name = found["ResourceARN"].split(":table/", 1)[-1]
                known[name] = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    except (ClientError, BotoCoreError) as error:
        return Tags(known, f"GetResources: {error}")
    return Tags(known)


def table_of(description: Mapping[str, Any], scaling: Scaling | None = None) -> Table:
    """Build a `Table` from DescribeTable's `Table`."""
    throughput = description.get("ProvisionedThroughput", {})
    billing = description.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    indexes = description.get("GlobalSecondaryIndexes", [])
    ceiling = description.get("OnDemandThroughput", {}).get("MaxReadRequestUnits", -1)
    on_demand = billing == "PAY_PER_REQUEST"
    return Table(
        name=description["TableName"],
        table_id=description.get("TableId", ""),
        status=description["TableStatus"],
        size_bytes=description.get("TableSizeBytes", 0),
        item_count=description.get("ItemCount", 0),
        on_demand=on_demand,
        read_capacity=0 if on_demand else throughput.get("ReadCapacityUnits", 0),
        write_capacity=0 if on_demand else throughput.get("WriteCapacityUnits", 0),
        index_read_capacity=sum(
            i.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0) for i in indexes
        ),
        on_demand_max_read=ceiling if ceiling > 0 else None,
        warm_read=description.get("WarmThroughput", {}).get("ReadUnitsPerSecond"),
        replicated=bool(description.get("Replicas")),
        created_at=description.get("CreationDateTime"),
        scaling=scaling,
    )


def is_empty(dynamodb: DynamoDBClient, name: str) -> bool:
    """Look whether a table holds no item; False when that cannot be seen."""
    try:
        page = dynamodb.scan(TableName=name, Limit=1, Select="COUNT")
    except ClientError as error:
        _log.warning("whether %s is empty cannot be seen, so it counts as not: %s", name, error)
        return False
    return page["Count"] == 0 and "LastEvaluatedKey" not in page


def _describe(dynamodb: DynamoDBClient, name: str) -> Mapping[str, Any] | ClientError:
    try:
        return dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        return error


def _code(answer: object) -> str:
    return answer.response["Error"]["Code"] if isinstance(answer, ClientError) else ""


def _verdict(error: ClientError) -> tuple[Verdict, str]:
    if _code(error) == "ResourceNotFoundException":
        return Verdict.VANISHED, "deleted between ListTables and DescribeTable"
    return Verdict.FAILED, f"DescribeTable: {error}"


def _reads_empty(table: Table) -> bool:
    return table.size_bytes == 0 or table.item_count == 0


def _limits(dynamodb: DynamoDBClient, warnings: list[str]) -> Limits:
    try:
        answer = dynamodb.describe_limits()
    except ClientError as error:
        warnings.append(f"DescribeLimits: {error}; the default quotas are assumed")
        return Limits()
    return Limits(answer["AccountMaxReadCapacityUnits"], answer["TableMaxReadCapacityUnits"])


def _scaling(client: ApplicationAutoScalingClient, warnings: list[str]) -> dict[str, Scaling]:
    try:
        return _read_scaling(client)
    except ClientError as error:
        # taking a lease looks again, and refuses the raise if it still cannot see
        warnings.append(f"scaling targets were not read: {error}")
        return {}


def _read_scaling(client: ApplicationAutoScalingClient) -> dict[str, Scaling]:
    schedules: dict[str, list[str]] = {}
    for page in client.get_paginator("describe_scheduled_actions").paginate(
        ServiceNamespace="dynamodb"
    ):
        for action in page["ScheduledActions"]:
            if action.get("ScalableDimension") == READ_DIMENSION:
                schedules.setdefault(action["ResourceId"], []).append(action["Schedule"])
    found: dict[str, Scaling] = {}
    for targets in client.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="dynamodb", ScalableDimension=READ_DIMENSION
    ):
        for target in targets["ScalableTargets"]:
            resource = target["ResourceId"]
            found[resource.removeprefix("table/")] = Scaling(
                target["MinCapacity"],
                target["MaxCapacity"],
                flags_of(target),
                tuple(schedules.get(resource, ())),
            )
    return found


def _map(call: Callable[[_In], _Out], values: Iterable[_In], concurrency: int) -> Iterable[_Out]:
    if concurrency == 1:
        return [call(v) for v in values]
    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(call, values))
