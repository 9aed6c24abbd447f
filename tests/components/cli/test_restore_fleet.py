"""Every kind of table made again, and its items brought back by an import, in either format."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hippolyte.exports import reader
from hippolyte.exports.place import Folder, Prefix
from hippolyte.store import Store
from hippolyte_cli.restore.definition import plan_of
from hippolyte_cli.restore.import_source import source_of
from hippolyte_cli.restore.importing import import_table
from hippolyte_cli.restore.make import make
from hippolyte_cli.restore.settings import put_back
from local.dynamodb.items import table_items
from local.fleet.fleet import demo_fleet
from local.fleet.table_spec import create
from local.world import World
from tests.support.aws_world import ACCOUNT, REGION, describe, in_process
from tests.support.exports import native_export, tool_export
from tests.support.restores import kept_settings, waits

BUCKET = "backups"
# of a table's past and present, or a difference that is named
PASSING = {
    "TableName",
    "TableArn",
    "TableId",
    "CreationDateTime",
    "LatestStreamLabel",
    "LatestStreamArn",
    "TableSizeBytes",
    "ItemCount",
    "StreamSpecification",
    "WarmThroughput",
    "Replicas",
    "GlobalTableVersion",
    "TableStatus",
}
SPECS = [
    spec
    for spec in demo_fleet()
    # gone by then, or nothing of it can be asked
    if not spec.settings.get("status") and not spec.settings.get("vanish_at_describe")
]


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        made.client("s3").create_bucket(Bucket=BUCKET)
        yield made


def bare(table: dict[str, Any]) -> dict[str, Any]:
    table = {key: value for key, value in table.items() if key not in PASSING}
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if kind in table:
            table[kind] = [{k: v for k, v in i.items() if k != "IndexArn"} for i in table[kind]]
    if "BillingModeSummary" in table:
        table["BillingModeSummary"] = table["BillingModeSummary"]["BillingMode"]
    for name in ("NumberOfDecreasesToday", "LastIncreaseDateTime", "LastDecreaseDateTime"):
        table["ProvisionedThroughput"].pop(name, None)
    return table


def test_every_kind_of_table_is_made_again(world: World) -> None:
    """All but what the plan names, of which there is nothing that it does not know."""
    create(world, SPECS)
    dynamodb, scaling = world.client("dynamodb"), world.client("application-autoscaling")
    for spec in SPECS:
        plan = plan_of(None, kept_settings(world, spec.name), "the-new-one", marker="m")
        make(dynamodb, plan, waits(world, pause=60))
        assert put_back(dynamodb, scaling, plan.name, plan.after, waits(world, pause=60)) == [], (
            spec.name
        )
        world.clock.advance(120)
        assert bare(describe(world, plan.name)) == bare(describe(world, spec.name)), spec.name
        assert not any("does not know" in each for each in plan.differs)
        told = dynamodb.describe_time_to_live(TableName=plan.name)["TimeToLiveDescription"]
        assert told.get("AttributeName") == spec.ttl_attribute == plan.ttl
        protected = describe(world, plan.name)["DeletionProtectionEnabled"]
        if protected:
            dynamodb.update_table(TableName=plan.name, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=plan.name)


def in_json(value: Any) -> Any:
    """Return an item of the low-level client as DynamoDB JSON: binaries in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: in_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [in_json(each) for each in value]
    return value


def sets_sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: sorted(each)
            if key in ("SS", "NS", "BS") and isinstance(each, list)
            else sets_sorted(each)
            for key, each in value.items()
        }
    return [sets_sorted(each) for each in value] if isinstance(value, list) else value


def contents(name: str) -> list[Any]:
    return sorted((sets_sorted(item) for item in table_items(ACCOUNT, REGION, name)), key=repr)


WITH_ITEMS = [spec for spec in SPECS if 0 < len(spec.items()) <= 300]


@pytest.mark.parametrize("form", ["native", "tool"])
def test_the_items_of_every_kind_of_table_are_brought_back(
    world: World, form: str, tmp_path: Path
) -> None:
    create(world, WITH_ITEMS)
    dynamodb, store = world.client("dynamodb"), Store(world.client("s3"), BUCKET)
    brought = 0
    for spec in WITH_ITEMS:
        items: Any = table_items(ACCOUNT, REGION, spec.name)
        if form == "native":
            where: Any = Prefix(store, f"nights/{spec.name}/")
            for name, body in native_export([in_json(items)]).items():
                store.s3.put_object(Bucket=BUCKET, Key=where.prefix + name, Body=body)
        else:
            # hundreds of files: on this machine, from where they are converted as well
            where = Folder(tmp_path / spec.name)
            where.path.mkdir()
            for name, body in tool_export(items).items():
                (where.path / name).write_bytes(body)
        backup = reader.find(where)
        plan = plan_of(describe(world, spec.name), None, f"{spec.name[:240]}.new")
        if plan.not_imported():
            continue
        source = source_of(plan, backup, Prefix(store, f"scratch/{spec.name}/"))
        done = import_table(dynamodb, plan, backup, source, waits(world, pause=60))
        assert done.items == len(items), spec.name
        assert contents(plan.name) == contents(spec.name), spec.name
        brought += 1
    assert brought > 15
    assert list(store.names("scratch/")) == []
