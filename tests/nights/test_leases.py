"""Capacity: recorded before it is raised, given back exactly, never under a running export."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from local.core.faults import ALWAYS
from tests.support.harness import BIG, BUCKET, GIB, RUN, START, Killed, NightDriver, verdicts

FREE = dict.fromkeys(
    ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
)
IN = {**FREE, "DynamicScalingInSuspended": True}


def raised(night: NightDriver, table: str = "orders") -> None:
    """Begin a night with one table too large, and go on until its export reads."""
    night.table(table, read=1000, **BIG)
    night.scheduler()
    night.until_exporting(table)
    assert night.capacity(table) == (night.raised, 50)


# raising


def test_a_raise_is_on_record_before_it_is_made(night: NightDriver) -> None:
    seen: list[Any] = []
    night.table("orders", read=1000, **BIG)
    night.world.before("dynamodb:UpdateTable", lambda _: seen.append(night.lease("orders")), 1)
    night.scheduler()
    (lease,) = seen
    assert (lease["state"], lease["before"], lease["target"]) == ("intended", 1000, night.raised)
    assert lease["run_id"] == RUN
    assert (
        lease["table_id"] == night.dynamodb.describe_table(TableName="orders")["Table"]["TableId"]
    )
    assert lease["expiry"] == "2026-11-24T03:00:00Z"


def test_a_table_that_fits_is_never_touched(night: NightDriver) -> None:
    night.table("users", read=1000)
    night.target("users", 5, 4000)
    night.night()
    assert night.watch.updates == []
    assert night.watch.registrations == []
    assert night.keys("leases/") == []


def test_the_write_capacity_sent_is_that_of_the_moment(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    # its write autoscaling acts while a lease is being recorded, once at each change
    writes = iter((70, 90))

    def scale(_: object) -> None:
        if write := next(writes, 0):
            night.set_by_hand("orders", night.capacity("orders")[0], write)
            night.world.clock.advance(0)

    night.world.set_table("orders", update_seconds=0)
    night.world.before("application-autoscaling:DescribeScalableTargets", scale, 1)
    night.scheduler()
    assert night.capacity("orders") == (night.raised, 70)
    night.world.before("cloudwatch:GetMetricStatistics", scale, 1)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1000, 90)
    night.assert_clean()


def test_indexes_are_never_touched(night: NightDriver) -> None:
    """Their capacity is their own: neither raise nor lowering says anything of it."""
    own = {"ReadCapacityUnits": 70, "WriteCapacityUnits": 30}
    index = {
        "IndexName": "by-n",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": own,
    }
    night.dynamodb.create_table(
        TableName="orders",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("pk", "S"), ("n", "N"))
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1000, "WriteCapacityUnits": 50},
        GlobalSecondaryIndexes=[index],
    )
    night.world.put_items("orders", [{"pk": {"S": f"{i}"}, "n": {"N": f"{i}"}} for i in range(3)])
    night.world.set_table("orders", **BIG)
    assert verdicts(night.night()) == {"orders": "backed_up"}
    assert night.watch.updates == [("orders", night.raised, 50), ("orders", 1000, 50)]
    (left,) = night.dynamodb.describe_table(TableName="orders")["Table"]["GlobalSecondaryIndexes"]
    assert {k: left["ProvisionedThroughput"][k] for k in own} == own
    night.assert_clean()


def test_scale_in_is_suspended_before_and_put_back_after(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000, ScheduledScalingSuspended=True)
    events: list[tuple[str, Any]] = []
    night.world.before(
        "dynamodb:UpdateTable", lambda _: events.append(("update", night.suspended("orders")))
    )
    night.world.before(
        "application-autoscaling:RegisterScalableTarget",
        lambda _: events.append(("register", night.capacity("orders")[0])),
    )
    night.night()
    others = {"DynamicScalingOutSuspended": False, "ScheduledScalingSuspended": True}
    suspended = {"DynamicScalingInSuspended": True, **others}
    assert events == [
        ("register", 1000),
        ("update", suspended),
        ("update", suspended),
        ("register", 1000),
    ]
    assert night.suspended("orders") == {"DynamicScalingInSuspended": False, **others}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_scale_in_that_somebody_suspended_stays_suspended(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000, DynamicScalingInSuspended=True)
    assert verdicts(night.night()) == {"orders": "backed_up"}
    assert night.watch.registrations == []
    assert night.suspended("orders") == IN
    night.assert_clean()


def test_the_other_order_would_break(night: NightDriver) -> None:
    """Registering clamps: flags put back before lowering pull a table down under its export."""
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 1000)
    night.set_by_hand("orders", night.raised)
    night.world.clock.advance(60)
    night.world.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        SuspendedState=IN,
    )
    night.world.clock.advance(60)
    assert night.capacity("orders")[0] == 1000


@pytest.mark.parametrize(
    ("capacity", "low", "high"),
    [(1000, 1200, 4000), (1000, 100, 900)],
    ids=["below its minimum", "above its maximum"],
)
def test_a_table_outside_its_targets_range_is_left_alone(
    night: NightDriver, capacity: int, low: int, high: int
) -> None:
    """Registering its target would change its capacity, and that could not be given back."""
    night.table("orders", read=100, **BIG)
    night.target("orders", 1, 4000)
    night.world.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        MinCapacity=low,
        MaxCapacity=high,
    )
    night.world.clock.advance(60)
    night.set_by_hand("orders", capacity)
    night.world.clock.advance(60)
    report = night.night()
    assert sum(report["totals"].values()) == 1
    assert night.watch.registrations == []
    assert night.capacity("orders") == (capacity, 50)
    night.assert_clean()


# giving back


@pytest.mark.parametrize(
    ("minimum", "reads", "goal"),
    [(100, 0, 1000), (1100, 0, 1100), (100, 770, 1100), (100, 5000, None)],
    ids=["what it had", "the target's minimum", "what the application reads", "not at all"],
)
@pytest.mark.both
def test_an_autoscaled_table_is_lowered_to_what_is_needed(
    night: NightDriver, minimum: int, reads: int, goal: int | None
) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    night.until_exporting("orders")
    target = {"ServiceNamespace": "dynamodb", "ResourceId": "table/orders"}
    night.world.client("application-autoscaling").register_scalable_target(
        **target, ScalableDimension="dynamodb:table:ReadCapacityUnits", MinCapacity=minimum
    )
    while night.exporting("orders"):
        night.world.clock.advance(60)
    night.world.clock.advance(60)
    while not night.record(RUN, "report.json"):
        night.world.clock.advance(300)
        night.reads("orders", reads)
        night.monitor()
    assert night.capacity("orders") == (goal or night.raised, 50)
    assert night.suspended("orders") == FREE
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_capacity_is_given_back_when_its_own_table_is_done(night: NightDriver) -> None:
    """Not when the whole batch ends."""
    night.configure(planning={"max_clusters": 1})
    for name in ("first", "second"):
        night.table(name, read=1000, **BIG)
    night.scheduler()
    one = night.until_exporting("first", "second")
    other = "second" if one == "first" else "first"
    night.until_exporting(other, minutes=90)
    night.passes(20)
    assert night.exporting(other)
    assert night.capacity(one) == (1000, 50)
    target = (night.lease(other) or {})["target"]
    assert night.capacity(other)[0] == target >= night.raised
    night.until_closed()
    night.assert_clean()


def test_a_refused_decrease_keeps_the_lease_open_until_it_is_allowed(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until_exporting("orders")
    night.refuse(
        "dynamodb:UpdateTable",
        "LimitExceededException",
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given "
        "UTC day. Next decrease can be made at Wednesday, November 25, 2026 at 12:00:00 AM",
    )
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["left_raised"] == ["orders"]
    assert "LEFT RAISED" in night.messages[-1]["message"]
    assert "ATTENTION" in night.messages[-1]["subject"]
    assert "not lowered yet" in (night.lease("orders") or {})["note"]
    night.passes(60, each=15)
    assert night.capacity("orders") == (night.raised, 50)
    calls, passes = night.world.gate.calls["dynamodb:UpdateTable"], night.invocations
    night.passes(30)
    assert night.world.gate.calls["dynamodb:UpdateTable"] - calls <= night.invocations - passes
    night.allow_all()
    night.passes(30)
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_a_raise_waits_while_too_many_tables_change(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.table("scratch", read=10)
    night.configure(tables={"exclude": ["scratch"]})
    night.world.limits.changing_tables = 1
    # somebody's own change, which is over twenty minutes later
    night.world.set_table("scratch", update_seconds=1200)
    night.dynamodb.update_table(
        TableName="scratch",
        ProvisionedThroughput={"ReadCapacityUnits": 20, "WriteCapacityUnits": 20},
    )
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "scratch": "skipped"}
    assert "raised" not in str(report["tables"]["orders"]["notes"])
    assert report["raised"][0]["to"] == night.raised
    night.assert_clean()


def test_one_table_that_cannot_be_lowered_keeps_no_other_raised(night: NightDriver) -> None:
    tables = ("first", "second", "third")
    for name in tables:
        night.table(name, read=1000, **BIG)
    night.scheduler()
    for name in tables:
        night.until_exporting(name)
    night.world.deny("dynamodb:UpdateTable", "*:table/first")
    night.tolerant = True
    report = night.until_closed()
    assert "not authorized" in str(night.errors[0])
    assert report["left_raised"] == ["first"]
    assert night.capacity("second") == night.capacity("third") == (1000, 50)
    night.allow_all()
    night.passes(30)
    assert night.capacity("first") == (1000, 50)
    night.assert_clean()


# never under a running export


def hung(night: NightDriver) -> None:
    """A raised table whose export hangs for ever."""
    night.world.faults.step_hangs["orders"] = ALWAYS
    raised(night)


@pytest.mark.engine("datapipeline", "emr")
def test_at_the_deadline_capacity_is_lowered_when_the_export_is_dead(night: NightDriver) -> None:
    hung(night)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "timed_out"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_an_export_that_outlives_its_failed_step_keeps_its_capacity(night: NightDriver) -> None:
    """The step's client dies, YARN goes on with its MapReduce job (mrjob 484, druid 3622)."""
    night.configure(window_seconds=5 * 3600)
    night.table("orders", read=1000, size_bytes=60 * GIB, item_count=3)
    night.world.faults.client_dies["orders"] = 1
    night.scheduler()
    night.until(lambda: night.exporting("orders"), minutes=60)
    raised = night.capacity("orders")
    night.until(lambda: "failed" in str(night.record(RUN, "ledger.json")), minutes=60)
    if night.engine == "emr":
        # a pipeline ends its cluster by itself
        assert night.exporting("orders")
        assert night.capacity("orders") == raised
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert "client died" in str(report["tables"]["orders"]["errors"])
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_a_step_cancelled_by_a_person_is_no_dead_export(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.scheduler()
    night.until_exporting("orders")
    emr = night.world.client("emr")
    (cluster,) = [c["Id"] for c in emr.list_clusters(ClusterStates=["RUNNING"])["Clusters"]]
    (step,) = [s["Id"] for s in emr.list_steps(ClusterId=cluster, StepStates=["RUNNING"])["Steps"]]
    emr.cancel_steps(ClusterId=cluster, StepIds=[step])
    raised = night.capacity("orders")
    night.world.clock.advance(60)
    night.monitor()
    assert night.exporting("orders")
    assert night.capacity("orders") == raised
    assert verdicts(night.until_closed())["orders"] in ("backed_up", "timed_out")
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_a_cancel_that_does_nothing_ends_the_cluster_then_tells(night: NightDriver) -> None:
    night.refuse(night.call("cancel"), "InvalidRequestException", "not now")
    night.refuse("emr:TerminateJobFlows", "ValidationException", "protected")
    hung(night)
    night.tolerant = True
    deadline = START + timedelta(hours=2)
    while night.world.clock.now() < deadline + timedelta(minutes=25):
        night.world.clock.advance(300)
        night.monitor()
    assert night.messages == []
    night.passes(15)
    assert "does not end" in night.messages[0]["message"]
    assert "orders may still be read" in night.messages[0]["message"]
    assert night.world.gate.calls["emr:TerminateJobFlows"] > 0
    if night.engine == "datapipeline":
        # an EMR cluster ends by itself meanwhile
        assert night.capacity("orders") == (night.raised, 50)
        night.passes(10)
        assert len(night.messages) == 1
    night.allow_all()
    report = night.until_closed()
    assert verdicts(report) == {"orders": "timed_out"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


@pytest.mark.engine("datapipeline")
def test_a_pipeline_deleted_by_hand_frees_nothing_until_the_cluster_is_dead(
    night: NightDriver,
) -> None:
    hung(night)
    client = night.world.client("datapipeline")
    for found in client.list_pipelines()["pipelineIdList"]:
        client.delete_pipeline(pipelineId=found["id"])
    report = night.until_closed()
    assert "the pipeline was deleted" in report["tables"]["orders"]["errors"][0]
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


# people in the way


def test_a_table_raised_further_by_hand_stays_there(night: NightDriver) -> None:
    raised(night)
    night.set_by_hand("orders", 3000)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (3000, 50)
    assert "somebody set its read capacity to 3000" in str(report["tables"]["orders"]["notes"])
    night.assert_clean()


def test_what_the_application_scaled_out_to_stands(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    night.until_exporting("orders")
    night.set_by_hand("orders", 2000)
    report = night.until_closed()
    assert night.capacity("orders") == (2000, 50)
    assert night.suspended("orders") == FREE
    assert "the application scaled out" in str(report["tables"]["orders"]["notes"])
    night.assert_clean()


def test_a_table_lowered_by_hand_under_its_export_ends_the_export_first(
    night: NightDriver,
) -> None:
    raised(night)
    night.set_by_hand("orders", 700)
    while night.exporting("orders"):
        night.passes(5)
        assert night.watch.updates == [("orders", night.raised, 50)]
    report = night.until_closed()
    assert night.capacity("orders") == (700, 50)
    assert "was lowered to 700 under its export by somebody" in str(report)
    night.assert_clean()


def test_a_switch_to_on_demand_stands(night: NightDriver) -> None:
    raised(night)
    night.dynamodb.update_table(TableName="orders", BillingMode="PAY_PER_REQUEST")
    report = night.until_closed()
    table = night.dynamodb.describe_table(TableName="orders")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert "switched to on-demand by somebody" in str(report["tables"]["orders"]["notes"])
    assert night.watch.updates == [("orders", night.raised, 50)]
    night.assert_clean()


@pytest.mark.parametrize("again", [False, True], ids=["deleted", "deleted and recreated"])
def test_a_deleted_table_has_nothing_to_give_back(night: NightDriver, again: bool) -> None:
    raised(night)
    night.dynamodb.delete_table(TableName="orders")
    if again:
        night.table("orders", read=night.raised)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "vanished"}
    assert night.watch.updates == [("orders", night.raised, 50)]
    assert "gone or was recreated" in (night.lease("orders") or {})["note"]
    night.assert_clean()


def test_a_scaling_target_removed_by_hand_stays_away(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.scheduler()
    night.until_exporting("orders")
    scaling = night.world.client("application-autoscaling")
    scaling.deregister_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
    )
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1000, 50)
    found = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert found == []
    night.assert_clean()


def test_a_table_changed_since_the_plan_is_read_at_its_share(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG)
    night.world.before("s3:PutObject", lambda _: night.set_by_hand("orders", 1500), 1)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1500, 50)
    assert night.watch.updates == []
    assert "changed since the night was planned" in str(report["tables"]["orders"]["notes"])
    night.assert_clean()


def test_a_table_that_scaled_out_since_the_plan_is_raised_on_top_of_that(
    night: NightDriver,
) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    night.world.before("s3:PutObject", lambda _: night.set_by_hand("orders", 1200), 1)
    night.scheduler()
    night.until_exporting("orders")
    plan = night.record(RUN, "plan.json")
    assert plan is not None
    planned = plan["batches"][0]["jobs"][0]
    # the application's half of 1,200, and the rate that was planned
    assert night.capacity("orders") == (math.ceil(600 + planned["rate"]), 50)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    if night.engine == "lambda":
        orders = night.record(RUN, "workers/b001/orders.json") or {}
        order = orders["tables"]["orders"]
        assert (order["before"], order["raised_to"]) == (1200, math.ceil(600 + planned["rate"]))
    else:
        rates = [c.read_units_per_second for c in night.world.consumption]
        assert rates == [math.floor(planned["rate"])]
    assert night.capacity("orders") == (1200, 50)
    night.assert_clean()


# the next night


@pytest.mark.parametrize("needs_raise", [True, False])
def test_an_earlier_nights_open_lease_keeps_the_job_waiting(
    night: NightDriver, needs_raise: bool
) -> None:
    """Its capacity is about to be lowered: under a running export that must not happen."""
    raised(night)
    night.refuse("dynamodb:UpdateTable", "LimitExceededException", "decreases are limited")
    night.until_closed()
    assert night.lease("orders") is not None
    if not needs_raise:
        night.world.set_table("orders", size_bytes=None)
    night.table("users")
    tomorrow = START + timedelta(days=1)
    while night.world.clock.now() < tomorrow - timedelta(hours=1):
        night.world.clock.advance(3600)
        night.monitor()
    night.world.clock.advance_to(tomorrow)
    night.scheduler({"run": iso(tomorrow), "delay_seconds": 0})
    for _ in range(12):
        night.passes(5)
        assert not night.exporting("orders")
    ledger = night.record(run_id(tomorrow), "ledger.json") or {}
    assert ledger["tables"]["users"]["verdict"] == "backed_up"
    night.allow_all()
    report = night.until_closed(run=run_id(tomorrow))
    assert sum(report["totals"].values()) == 2
    assert report["totals"]["failed"] == 0
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


# invocations that die


@pytest.mark.parametrize(
    "die",
    [
        lambda n: n.kill_before("dynamodb:UpdateTable"),
        lambda n: n.kill_after("dynamodb:UpdateTable"),
        lambda n: n.kill_before("application-autoscaling:RegisterScalableTarget"),
        lambda n: n.kill_after("application-autoscaling:RegisterScalableTarget"),
    ],
    ids=["before the raise", "after the raise", "before suspending", "after suspending"],
)
def test_the_scheduler_dies_and_the_monitor_alone_finishes(night: NightDriver, die: Any) -> None:
    night.table("orders", read=1000, **BIG)
    night.target("orders", 100, 4000)
    die(night)
    with pytest.raises(Killed):
        night.scheduler()
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert report["left_raised"] == []
    assert night.capacity("orders") == (1000, 50)
    assert night.suspended("orders") == FREE
    # and says so
    assert f"orders: 1,000 -> {night.raised:,} at " in night.messages[-1]["message"]
    assert report["raised"][0]["given_back_at"]
    night.assert_clean()


def test_the_monitor_comes_back_after_hours(night: NightDriver) -> None:
    raised(night)
    night.world.clock.advance(9 * 3600)
    assert night.capacity("orders") == (night.raised, 50)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_a_lease_whose_run_is_lost_is_given_back_when_no_export_can_be_alive(
    night: NightDriver,
) -> None:
    raised(night)
    for key in night.keys("runs/"):
        night.s3.delete_object(Bucket=BUCKET, Key=key)
    night.tolerant = True
    night.passes(60, each=15)
    assert "orders is still raised by it" in str(night.errors[0])
    assert night.capacity("orders") == (night.raised, 50)
    night.world.clock.advance_to(START + timedelta(hours=4))
    night.passes(15)
    assert night.capacity("orders") == (1000, 50)
    assert (night.lease("orders") or {})["state"] == "released"
    assert night.watch.violations == []


def test_an_account_quota_met_by_somebody_else_leaves_the_table_at_its_share(
    night: NightDriver,
) -> None:
    night.table("orders", read=1000, **BIG)
    night.world.before(
        "dynamodb:UpdateTable", lambda _: setattr(night.world.limits, "account_read", 1100), 1
    )
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert "Subscriber limit exceeded" in str(report["tables"]["orders"]["notes"])
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_a_table_updating_for_long_goes_alone_at_its_share(night: NightDriver) -> None:
    size = {"size_bytes": night.too_large, "item_count": 3}
    night.table("orders", read=1000, update_seconds=45 * 60, **size)
    night.table("users")
    night.configure(planning={"max_clusters": 1})
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}
    assert "read at its plain share" in str(report["tables"]["orders"]["notes"])
    alone = report["tables"]["orders"]["batch"] != report["tables"]["users"]["batch"]
    if night.engine != "lambda":
        # tables of a worker are read side by side: none waits for another
        assert alone is (night.engine == "datapipeline")
    # what only waited has not been tried
    assert {table["attempt"] for table in report["tables"].values()} == {1}
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


def test_stale_descriptions_leave_nothing_raised(night: NightDriver) -> None:
    night.table("orders", read=1000, **BIG, stale_describe_seconds=90)
    night.target("orders", 100, 4000)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    night.world.set_table("orders", stale_describe_seconds=0)
    assert night.capacity("orders") == (1000, 50)
    night.assert_clean()


@pytest.mark.parametrize("kind", ["replicas", "legacy_replicas"])
def test_a_global_tables_replica_is_read_at_its_share(night: NightDriver, kind: str) -> None:
    """Those of version 2017.11.29 are in no description of the table."""
    night.table("orders", read=1000, **BIG, **{kind: ("eu-west-1",)})
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.watch.updates == []
    assert "a global table's replica is never raised" in str(report["warnings"])
    night.assert_clean()
