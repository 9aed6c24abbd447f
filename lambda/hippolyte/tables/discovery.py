"""Discovers the tables of an account and region: paginated, concurrent, patient."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.tables.autoscaling import READ_DIMENSION, flags_of, scheduled_action
from hippolyte.tables.names import first_names
from hippolyte.tables.patience import Failure, Patience, may_pass
from hippolyte.tables.table import Inventory, Limits, Scaling, ScheduledAction, Table, Tags
from hippolyte.verdicts import Verdict

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient

    from hippolyte.clients import Clients

_log = logging.getLogger(__name__)

# for what has a safe answer without the service
_SHORT_SECONDS = 120.0
_BOTH_IMAGES = "NEW_AND_OLD_IMAGES"
# a region of later years, which never had such tables, does not know the call
_UNKNOWN = "UnknownOperationException"
_NO_REPLICAS: tuple[frozenset[str], bool] = (frozenset(), True)


def discover(
    clients: Clients, concurrency: int, wanted: Callable[[str], bool], patience: Patience
) -> Inventory:
    """Describe every table of the account and region.

    `concurrency` is the number of DescribeTable calls at once; `wanted` says of a table's name
    whether it is backed up: only such a table is waited for, and looked into if it reads as empty.
    A table that cannot be described is in `undescribed` or `later`, never lost.

    Raises:
        ClientError, BotoCoreError: the tables cannot be listed.
    """
    warnings: list[str] = []
    # tried once a call: here patience does what is else botocore's
    dynamodb = clients.dynamodb_once
    names = list_names(dynamodb, patience)
    chosen = [n for n in names if wanted(n)]
    definitions, undescribed, later = describe(dynamodb, chosen, concurrency, patience)
    # of the others only the capacity is of use, for the account's headroom: each is asked for once
    others, once = sorted(set(names) - set(chosen)), replace(patience, waits=False)
    rest = describe(dynamodb, others, concurrency, once)
    definitions, undescribed, later = definitions | rest[0], undescribed | rest[1], later | rest[2]

    # what follows has a safe answer without the service: each waits for so long only
    def short() -> Patience:
        return patience.at_most(_SHORT_SECONDS)

    scaling = _scaling(clients.scaling_once, short(), warnings) if definitions else {}
    old, known = (
        _old_replicas(dynamodb, short(), definitions, warnings) if definitions else _NO_REPLICAS
    )
    tables = [table_of(d, scaling.get(n), n in old) for n, d in definitions.items()]
    return Inventory(
        tables=look_into(dynamodb, tables, concurrency, wanted, short()),
        limits=_limits(dynamodb, short(), warnings),
        undescribed=undescribed,
        later=later,
        warnings=tuple(warnings),
        definitions=definitions,
        replicas_known=known,
    )


def describe(
    dynamodb: DynamoDBClient, names: Iterable[str], concurrency: int, patience: Patience
) -> tuple[
    dict[str, Mapping[str, Any]],
    dict[str, tuple[Verdict, str]],
    dict[str, str],
]:
    """Describe tables: their definitions; verdicts of those without; why others may come later."""

    def ask(name: str) -> Mapping[str, Any]:
        return dynamodb.describe_table(TableName=name)["Table"]

    answers = patience.ask_each(ask, names, concurrency)
    # DescribeTable is eventually consistent: ask once more before a table counts as gone
    gone = [n for n, a in answers.items() if _code(a) == "ResourceNotFoundException"]
    answers.update(patience.ask_each(ask, gone, concurrency))
    definitions = {n: a for n, a in answers.items() if not isinstance(a, Failure)}
    failures = {n: a for n, a in answers.items() if isinstance(a, Failure)}
    undescribed = {n: _verdict(a) for n, a in failures.items() if not may_pass(a)}
    later = {n: f"DescribeTable: {a}" for n, a in failures.items() if may_pass(a)}
    return definitions, undescribed, later


def look_into(
    dynamodb: DynamoDBClient,
    tables: Iterable[Table],
    concurrency: int,
    probe: Callable[[str], bool],
    patience: Patience,
) -> tuple[Table, ...]:
    """Look into those that read as empty and are to be probed; return all, marked if they are."""
    tables = tuple(tables)
    unread = [t.name for t in tables if t.exportable and _reads_empty(t) and probe(t.name)]
    empty = patience.ask_each(lambda name: _holds_nothing(dynamodb, name), unread, concurrency)
    return tuple(replace(t, empty=_is_seen(t.name, empty.get(t.name))) for t in tables)


def list_names(dynamodb: DynamoDBClient, patience: Patience) -> list[str]:
    """List all table names; pages hold at most 100."""
    token = ("LastEvaluatedTableName", "ExclusiveStartTableName")
    pages = patience.pages(dynamodb.list_tables, "TableNames", token)
    return [name for page in pages for name in page]


def read_tags(client: ResourceGroupsTaggingAPIClient, patience: Patience) -> Tags:
    """Read the tags of all tables, up to 100 a call; what cannot be read is said, not raised.

    DynamoDB's own ListTagsOfResource allows 10 calls a second, one a table. A page never splits a
    table's tags (API GetResources, TagsPerPage), so that what was read before an error holds.
    """
    known: dict[str, dict[str, str]] = {}
    try:
        for page in patience.at_most(_SHORT_SECONDS).pages(
            client.get_resources,
            "ResourceTagMappingList",
            ("PaginationToken", "PaginationToken"),
            ResourceTypeFilters=["dynamodb:table"],
            ResourcesPerPage=100,
        ):
            for found in page:
                # arn:aws:dynamodb:<region>:<account>:table/<name>
                name = found["ResourceARN"].split(":table/", 1)[-1]
                known[name] = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    except (ClientError, BotoCoreError) as error:
        return Tags(known, f"GetResources: {error}")
    return Tags(known)


def table_of(
    description: Mapping[str, Any], scaling: Scaling | None = None, replicated: bool = False
) -> Table:
    """Build a `Table` from DescribeTable's `Table`; `replicated`: known from elsewhere."""
    throughput = description.get("ProvisionedThroughput", {})
    billing = description.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    indexes = description.get("GlobalSecondaryIndexes", [])
    ceiling = description.get("OnDemandThroughput", {}).get("MaxReadRequestUnits", -1)
    # none has a capacity of 0 but those on demand, which may not say what they are
    on_demand = billing == "PAY_PER_REQUEST" or not throughput.get("ReadCapacityUnits")
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
        replicated=replicated or _tells_of_replicas(description),
        created_at=description.get("CreationDateTime"),
        scaling=scaling,
    )


def _tells_of_replicas(description: Mapping[str, Any]) -> bool:
    version = description.get("GlobalTableVersion")
    return bool(description.get("Replicas")) or version == "2017.11.29"


def _old_replicas(
    dynamodb: DynamoDBClient,
    patience: Patience,
    definitions: Mapping[str, Mapping[str, Any]],
    warnings: list[str],
) -> tuple[frozenset[str], bool]:
    """Return the replicas of global tables of version 2017.11.29, which may be in no description.

    Where they cannot be listed (False), whatever may be one: each has a stream of new and old
    images (API CreateGlobalTable). On-demand tables are left out: they are never raised.
    """
    token = ("LastEvaluatedGlobalTableName", "ExclusiveStartGlobalTableName")
    own = dynamodb.meta.region_name
    try:
        pages = patience.pages(dynamodb.list_global_tables, "GlobalTables", token, RegionName=own)
        return frozenset(found["GlobalTableName"] for page in pages for found in page), True
    except (ClientError, BotoCoreError) as error:
        if _code(error) == _UNKNOWN:
            _log.info("ListGlobalTables: %s", error)
            return _NO_REPLICAS
        suspects = {
            name
            for name, description in definitions.items()
            if description.get("StreamSpecification", {}).get("StreamViewType") == _BOTH_IMAGES
            and not _tells_of_replicas(description)
            and not table_of(description).on_demand
        }
        told = f"ListGlobalTables: {error}; what may be an old global table's replica"
        _log.warning("%s is not raised, %d tables", told, len(suspects))
        if suspects:
            warnings.append(f"{told} is not raised: {first_names(sorted(suspects))}")
        return frozenset(suspects), False


def is_empty(dynamodb: DynamoDBClient, name: str) -> bool:
    """Look whether a table holds no item; False when that cannot be seen."""
    try:
        return _holds_nothing(dynamodb, name)
    except (ClientError, BotoCoreError) as error:
        return _is_seen(name, error)


def _holds_nothing(dynamodb: DynamoDBClient, name: str) -> bool:
    page = dynamodb.scan(TableName=name, Limit=1, Select="COUNT")
    return page["Count"] == 0 and "LastEvaluatedKey" not in page


def _is_seen(name: str, empty: bool | Failure | None) -> bool:
    """Return whether a look (None: there was none) found the table empty."""
    if isinstance(empty, Failure):
        _log.warning("whether %s is empty cannot be seen, so it counts as not: %s", name, empty)
    return empty is True


def _code(answer: object) -> str:
    return answer.response["Error"]["Code"] if isinstance(answer, ClientError) else ""


def _verdict(error: Failure) -> tuple[Verdict, str]:
    if _code(error) == "ResourceNotFoundException":
        return Verdict.VANISHED, "deleted between ListTables and DescribeTable"
    return Verdict.FAILED, f"DescribeTable: {error}"


def _reads_empty(table: Table) -> bool:
    return table.size_bytes == 0 or table.item_count == 0


def _limits(dynamodb: DynamoDBClient, patience: Patience, warnings: list[str]) -> Limits:
    try:
        answer = patience.ask(dynamodb.describe_limits)
    except (ClientError, BotoCoreError) as error:
        warnings.append(f"DescribeLimits: {error}; the default quotas are assumed")
        return Limits()
    return Limits(answer["AccountMaxReadCapacityUnits"], answer["TableMaxReadCapacityUnits"])


def _scaling(
    client: ApplicationAutoScalingClient, patience: Patience, warnings: list[str]
) -> dict[str, Scaling]:
    try:
        return _read_scaling(client, patience)
    except (ClientError, BotoCoreError) as error:
        # taking a lease looks again, and refuses the raise if it still cannot see
        warnings.append(f"scaling targets were not read: {error}")
        return {}


def _read_scaling(client: ApplicationAutoScalingClient, patience: Patience) -> dict[str, Scaling]:
    token = ("NextToken", "NextToken")
    scheduled: dict[str, list[ScheduledAction]] = {}
    for actions in patience.pages(
        client.describe_scheduled_actions, "ScheduledActions", token, ServiceNamespace="dynamodb"
    ):
        for action in actions:
            if action.get("ScalableDimension") == READ_DIMENSION:
                scheduled.setdefault(action["ResourceId"], []).append(scheduled_action(action))
    found: dict[str, Scaling] = {}
    for targets in patience.pages(
        client.describe_scalable_targets,
        "ScalableTargets",
        token,
        ServiceNamespace="dynamodb",
        ScalableDimension=READ_DIMENSION,
    ):
        for target in targets:
            resource = target["ResourceId"]
            found[resource.removeprefix("table/")] = Scaling(
                target["MinCapacity"],
                target["MaxCapacity"],
                flags_of(target),
                tuple(scheduled.get(resource, ())),
            )
    return found
