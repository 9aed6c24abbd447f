"""What a table of the local AWS is to be: keys, capacity, items, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.world import World

Item = Mapping[str, Mapping[str, Any]]

_BATCH = 25  # BatchWriteItem's most
_PK = ("pk", "S")


@dataclass(frozen=True, slots=True)
class ScalingSpec:
    """A scalable target for reads with a target-tracking policy. Capacities in units/s."""

    min_capacity: int
    max_capacity: int
    target_percentage: float = 70.0


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table. `verdict` is the one its night is to end in; `note` says what it is there for.

    Keys are (attribute name, type). `items` makes its items, the same ones at each call.
    `size_bytes` is what DescribeTable claims (None: what the items take): the items of a table
    said to hold 100 GiB are few. `settings` are further names of `World.set_table`, `options`
    further parameters of CreateTable. `deleted_after_seconds` counts from the window's start.
    `previous_items` is what the night before is said to have backed up. `recovery` is whether its
    point-in-time recovery is on.
    """

    name: str
    note: str = ""
    partition_key: tuple[str, str] = _PK
    sort_key: tuple[str, str] | None = None
    on_demand: bool = False
    read_capacity: int = 10
    write_capacity: int = 5
    items: Callable[[], list[Item]] = list
    size_bytes: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    ttl_attribute: str | None = None
    scaling: ScalingSpec | None = None
    verdict: str = "backed_up"
    raised: bool = False
    deleted_after_seconds: float | None = None
    previous_items: int | None = None
    recovery: bool = False


def expected_items(spec: TableSpec) -> list[Item]:
    """Return what a backup of the table must hold."""
    return spec.items()


def create(world: World, specs: Iterable[TableSpec]) -> None:
    """Make the tables in the world, through its API, in the order given."""
    for spec in specs:
        create_table(world.client("dynamodb"), spec)
        put_items(world.client("dynamodb"), spec)
        if spec.scaling:
            _scale(world, spec.name, spec.scaling)
        # what is there for weeks has been counted
        settings = {"created_at": world.clock.now() - timedelta(days=30), **spec.settings}
        if spec.size_bytes is not None:
            settings["size_bytes"] = spec.size_bytes
        world.set_table(spec.name, **settings)


def delete_in_time(world: World, specs: Iterable[TableSpec], window_start: datetime) -> None:
    """Let the world's clock delete the tables that are to go in mid-night."""
    for spec in specs:
        if spec.deleted_after_seconds is not None:
            when = window_start + timedelta(seconds=spec.deleted_after_seconds)
            world.clock.call_at(when, lambda name=spec.name: _delete(world, name))  # type: ignore[misc]


def _delete(world: World, name: str) -> None:
    world.client("dynamodb").delete_table(TableName=name)


def create_table(dynamodb: Any, spec: TableSpec) -> None:
    """Make a table by a client of DynamoDB's."""
    keys = [(spec.partition_key, "HASH")]
    if spec.sort_key:
        keys.append((spec.sort_key, "RANGE"))
    options = dict(spec.options)
    definitions = [
        {"AttributeName": name, "AttributeType": kind} for (name, kind), _ in keys
    ] + options.pop("AttributeDefinitions", [])
    if spec.on_demand:
        options["BillingMode"] = "PAY_PER_REQUEST"
    else:
        options["ProvisionedThroughput"] = {
            "ReadCapacityUnits": spec.read_capacity,
            "WriteCapacityUnits": spec.write_capacity,
        }
    dynamodb.create_table(
        TableName=spec.name,
        KeySchema=[{"AttributeName": name, "KeyType": role} for (name, _), role in keys],
        AttributeDefinitions=definitions,
        **options,
    )
    if spec.ttl_attribute:
        dynamodb.update_time_to_live(
            TableName=spec.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": spec.ttl_attribute},
        )
    if spec.recovery:
        dynamodb.update_continuous_backups(
            TableName=spec.name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )


def put_items(dynamodb: Any, spec: TableSpec) -> None:
    """Put a table's items by a client of DynamoDB's."""
    items = spec.items()
    for first in range(0, len(items), _BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in items[first : first + _BATCH]]
        answer = dynamodb.batch_write_item(RequestItems={spec.name: puts})
        if answer["UnprocessedItems"]:
            raise RuntimeError(f"{spec.name}: items were left unprocessed")


def _scale(world: World, name: str, scaling: ScalingSpec) -> None:
    target = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": f"table/{name}",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    client = world.client("application-autoscaling")
    client.register_scalable_target(
        **target, MinCapacity=scaling.min_capacity, MaxCapacity=scaling.max_capacity
    )
    client.put_scaling_policy(
        **target,
        PolicyName=f"{name}-reads",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": scaling.target_percentage,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "DynamoDBReadCapacityUtilization"
            },
        },
    )
