"""Discovery: every page, many at once, tolerant of what changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hippolyte import clients, settings
from hippolyte.tables import discovery
from hippolyte.tables.discovery import table_of
from hippolyte.tables.patience import Patience
from hippolyte.tables.table import Inventory, ScheduledAction, Tags
from hippolyte.verdicts import Verdict
from local.core.call import Call, refusal
from tests.support.harness import NightDriver, driver

READS = "dynamodb:table:ReadCapacityUnits"


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch) as made:
        yield made


def discover(concurrency: int = 1, wanted: bool = True) -> Inventory:
    built = clients.build(settings.load())
    return discovery.discover(built, concurrency, lambda _: wanted, Patience(lambda: 900))


@pytest.mark.parametrize("concurrency", [1, 8])
def test_more_than_a_page_of_everything(night: NightDriver, concurrency: int) -> None:
    """100 tables, 50 targets, 50 scheduled actions a page."""
    names = [f"table-{number:03d}" for number in range(120)]
    scaling = night.world.client("application-autoscaling")
    for name in names:
        night.table(name, items=1)
        night.target(name, 5, 500)
        scaling.put_scheduled_action(
            ServiceNamespace="dynamodb",
            ScheduledActionName=f"morning-{name}",
            ResourceId=f"table/{name}",
            ScalableDimension=READS,
            Schedule="cron(0 6 * * ? *)",
            ScalableTargetAction={"MinCapacity": 100},
        )
    found = discover(concurrency)
    assert [t.name for t in found.tables] == names
    assert set(found.definitions) == set(names)
    assert found.warnings == ()
    for table in found.tables:
        assert table.scaling is not None
        assert (table.scaling.min_capacity, table.scaling.max_capacity) == (5, 500)
        assert table.scaling.scheduled == (ScheduledAction("cron(0 6 * * ? *)"),)


def test_targets_of_indexes_and_writes_are_not_a_tables_reads(night: NightDriver) -> None:
    night.table("orders")
    scaling = night.world.client("application-autoscaling")
    scaling.register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:WriteCapacityUnits",
        MinCapacity=1,
        MaxCapacity=10,
    )
    assert discover().tables[0].scaling is None


def test_a_table_gone_since_the_listing_is_vanished(night: NightDriver) -> None:
    night.table("orders")
    night.table("gone", vanish_at_describe=True)
    found = discover()
    assert [t.name for t in found.tables] == ["orders"]
    assert found.undescribed["gone"][0] is Verdict.VANISHED


def test_a_description_that_is_not_yet_consistent_is_asked_for_again(night: NightDriver) -> None:
    night.table("orders")
    night.refuse("dynamodb:DescribeTable", "ResourceNotFoundException", "not found", times=1)
    assert [t.name for t in discover().tables] == ["orders"]


def test_what_may_not_be_described_is_named_with_the_reason(night: NightDriver) -> None:
    night.table("orders")
    night.world.deny("dynamodb:DescribeTable")
    verdict, reason = discover().undescribed["orders"]
    assert verdict is Verdict.FAILED
    assert "not authorized to perform: dynamodb:DescribeTable" in reason


def test_what_cannot_be_read_of_limits_and_targets_is_a_warning(night: NightDriver) -> None:
    night.table("orders")
    night.world.deny("dynamodb:DescribeLimits")
    night.world.deny("application-autoscaling:Describe*")
    found = discover()
    assert len(found.tables) == 1
    assert "the default quotas are assumed" in found.warnings[1]
    assert "scaling targets were not read" in found.warnings[0]


def test_only_a_table_without_any_item_is_empty(night: NightDriver) -> None:
    night.table("empty", items=0)
    night.table("stale", items=3, size_bytes=0, item_count=0)
    night.table("full", items=3)
    assert {t.name: t.empty for t in discover().tables} == {
        "empty": True,
        "stale": False,
        "full": False,
    }
    assert night.world.gate.calls["dynamodb:Scan"] == 2


def test_tables_that_are_left_out_are_not_looked_into(night: NightDriver) -> None:
    night.table("empty", items=0)
    assert not discover(wanted=False).tables[0].empty
    assert night.world.gate.calls["dynamodb:Scan"] == 0


def test_a_table_that_may_not_be_looked_into_is_not_called_empty(night: NightDriver) -> None:
    night.table("empty", items=0)
    night.world.deny("dynamodb:Scan")
    assert not discover().tables[0].empty


# global tables of version 2017.11.29, which DescribeTable may not tell


def stream(night: NightDriver, table: str, view: str = "NEW_AND_OLD_IMAGES") -> None:
    night.dynamodb.update_table(
        TableName=table, StreamSpecification={"StreamEnabled": True, "StreamViewType": view}
    )
    night.world.clock.advance(120)


def replicated() -> dict[str, bool]:
    return {t.name: t.replicated for t in discover().tables}


def test_old_replicas_are_known_from_their_list(night: NightDriver) -> None:
    """100 a page; what is replicated between other regions is none of ours."""
    names = [f"table-{number:03d}" for number in range(130)]
    for name in names:
        night.table(name, items=1, legacy_replicas=("eu-west-1",))
    night.table("alone", items=1)
    night.table("new", items=1, replicas=("eu-west-1",))
    asked: list[str] = []
    night.world.before("dynamodb:ListGlobalTables", lambda c: asked.append(c.params["RegionName"]))
    found = discover()
    assert {t.name for t in found.tables if t.replicated} == {*names, "new"}
    assert asked == ["us-east-1", "us-east-1"]
    assert found.warnings == ()


def test_where_old_replicas_cannot_be_listed_what_may_be_one_counts_as_one(
    night: NightDriver,
) -> None:
    """A replica of that version has a stream of new and old images."""
    for name, view in (("old", "NEW_AND_OLD_IMAGES"), ("keys", "KEYS_ONLY")):
        night.table(name, items=1)
        stream(night, name, view)
    night.table("new", items=1, replicas=("eu-west-1",))
    stream(night, "new")
    night.table("plain", items=1)
    night.table("demanded", items=1, read=None)
    stream(night, "demanded")
    night.world.deny("dynamodb:ListGlobalTables")
    found = discover()
    assert {t.name: t.replicated for t in found.tables} == {
        "demanded": False,
        "keys": False,
        "new": True,
        "old": True,
        "plain": False,
    }
    (warning,) = found.warnings
    assert warning.startswith("ListGlobalTables: ")
    assert warning.endswith("is not raised: old")


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnknownOperationException"])
def test_without_a_table_that_may_be_one_nobody_is_told(night: NightDriver, code: str) -> None:
    """As in a region that never had global tables of that version."""
    night.table("plain", items=1)
    night.refuse("dynamodb:ListGlobalTables", code, "no")
    assert replicated() == {"plain": False}
    assert discover().warnings == ()


def test_where_nobody_knows_old_global_tables_there_are_none(night: NightDriver) -> None:
    """A region of later years does not know the call: nothing is told night after night."""
    night.table("streamed", items=1)
    stream(night, "streamed")
    night.refuse("dynamodb:ListGlobalTables", "UnknownOperationException", "no")
    found = discover()
    assert [(t.name, t.replicated) for t in found.tables] == [("streamed", False)]
    assert found.warnings == ()


# tags


def read_tags(night: NightDriver) -> Tags:
    night.configure(tables={"exclude_tags": {"backup": ["no"]}})
    tagging = clients.build(settings.load()).tagging
    assert tagging is not None
    return discovery.read_tags(tagging, Patience(lambda: 0))


def test_tags_are_read_in_pages(night: NightDriver) -> None:
    """At most 100 tables a page; what is not a table is not asked for."""
    for number in range(120):
        night.table(f"table-{number:03d}", items=0)
        night.tag(f"table-{number:03d}", number=str(number), team="data")
    night.table("without", items=0)
    night.world.client("sqs").create_queue(QueueName="tagged", tags={"team": "data"})
    found = read_tags(night)
    assert found.error == ""
    assert len(found.known) == 120
    assert found.known["table-119"] == {"number": "119", "team": "data"}
    assert found.of("without") == {}
    assert night.world.gate.calls["resourcegroupstaggingapi:GetResources"] >= 2


def test_tags_that_may_not_be_read_are_unknown(night: NightDriver) -> None:
    night.table("orders")
    night.tag("orders", backup="no")
    night.world.deny("tag:GetResources")
    found = read_tags(night)
    assert "not authorized to perform: tag:GetResources" in found.error
    assert found.of("orders") is None


def test_pages_read_before_an_error_hold(night: NightDriver) -> None:
    for number in range(120):
        night.table(f"table-{number:03d}", items=0)
        night.tag(f"table-{number:03d}", backup="no")
    calls = iter(range(99))

    def second(call: Call) -> None:
        if next(calls) > 0:
            raise refusal(call, "InternalServiceException", "try later")

    night.world.before("resourcegroupstaggingapi:GetResources", second)
    found = read_tags(night)
    assert "try later" in found.error
    assert 90 < len(found.known) < 120
    assert found.of("table-000") == {"backup": "no"}
    assert found.of("table-119") is None


def test_without_rules_over_tags_there_is_no_client_to_read_them(night: NightDriver) -> None:
    assert clients.build(settings.load()).tagging is None


def test_a_filtered_page_without_items_is_not_the_end() -> None:
    class Dynamodb:
        def scan(self, **_: Any) -> dict[str, Any]:
            return {"Count": 0, "LastEvaluatedKey": {"pk": {"S": "x"}}}

    assert not discovery.is_empty(Dynamodb(), "orders")  # type: ignore[arg-type]


def described(**more: Any) -> dict[str, Any]:
    return {
        "TableName": "orders",
        "TableId": "id",
        "TableStatus": "ACTIVE",
        "TableSizeBytes": 1,
        "ItemCount": 1,
        "ProvisionedThroughput": {"ReadCapacityUnits": 100, "WriteCapacityUnits": 50},
        **more,
    }


def test_a_table_that_was_once_on_demand_is_provisioned() -> None:
    table = table_of(described(BillingModeSummary={"BillingMode": "PROVISIONED"}))
    assert (table.on_demand, table.read_capacity, table.write_capacity) == (False, 100, 50)


def test_an_on_demand_table_has_no_capacity_to_raise() -> None:
    table = table_of(
        described(
            BillingModeSummary={"BillingMode": "PAY_PER_REQUEST"},
            ProvisionedThroughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
            OnDemandThroughput={"MaxReadRequestUnits": -1},
            WarmThroughput={"ReadUnitsPerSecond": 12_000},
        )
    )
    assert (table.on_demand, table.read_capacity) == (True, 0)
    assert table.on_demand_max_read is None
    assert table.warm_read == 12_000


def test_indexes_count_for_the_accounts_headroom() -> None:
    index = {"ProvisionedThroughput": {"ReadCapacityUnits": 30, "WriteCapacityUnits": 1}}
    assert table_of(described(GlobalSecondaryIndexes=[index, index])).index_read_capacity == 60


def test_a_vector_index_holds_no_capacity() -> None:
    """It is on-demand, as its table must be."""
    vectors = [{"IndexName": "near", "Dimensions": 4, "IndexStatus": "ACTIVE"}]
    assert table_of(described(VectorIndexes=vectors)) == table_of(described())


def test_replicas_and_creation_are_seen() -> None:
    created = datetime(2026, 11, 1, tzinfo=UTC)
    table = table_of(described(Replicas=[{"RegionName": "eu-west-1"}], CreationDateTime=created))
    assert table.replicated
    assert table.created_at == created
    assert not table_of(described(Replicas=[])).replicated


def test_a_replica_of_the_old_version_may_be_told_by_its_version() -> None:
    assert table_of(described(GlobalTableVersion="2017.11.29")).replicated
