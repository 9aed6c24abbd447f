from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.world import World
from tests.support.aws_world import (
    checked,
    describe,
    in_process,
    make_table,
    read_units,
    refused,
    update,
)

READ = "dynamodb:table:ReadCapacityUnits"


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        yield made


def target(table: str) -> dict[str, Any]:
    return {
        "ServiceNamespace": "dynamodb",
        "ResourceId": f"table/{table}",
        "ScalableDimension": READ,
    }


def register(world: World, table: str, **more: Any) -> None:
    world.client("application-autoscaling").register_scalable_target(**target(table), **more)


def test_pure_suspend_pulls_capacity_into_the_range(world: World) -> None:
    make_table(world, "tbl", read=5)
    register(world, "tbl", MinCapacity=5, MaxCapacity=50)
    update(world, "tbl", 500)
    world.clock.advance(60)
    register(world, "tbl", SuspendedState={"DynamicScalingInSuspended": True})
    world.clock.advance(60)
    assert read_units(world, "tbl") == ("ACTIVE", 50)
    assert describe(world, "tbl")["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 1


def test_parameters_not_sent_stay(world: World) -> None:
    make_table(world, "tbl")
    register(world, "tbl", MinCapacity=5, MaxCapacity=50)
    register(world, "tbl", SuspendedState={"DynamicScalingInSuspended": True})
    register(world, "tbl", SuspendedState={"ScheduledScalingSuspended": True}, MaxCapacity=60)
    client = world.client("application-autoscaling")
    [found] = client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (5, 60)
    assert found["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": True,
    }


def test_lists_page_and_answers_follow_the_model(world: World) -> None:
    with checked(world.client("application-autoscaling")) as client:
        for number in range(53):
            make_table(world, f"tbl{number:02}")
            register(world, f"tbl{number:02}", MinCapacity=1, MaxCapacity=9)
            client.put_scaling_policy(
                **target(f"tbl{number:02}"),
                PolicyName="read",
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration={
                    "TargetValue": 70.0,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "DynamoDBReadCapacityUtilization"
                    },
                },
            )
            client.put_scheduled_action(
                **target(f"tbl{number:02}"),
                ScheduledActionName="morning",
                Schedule="cron(0 6 * * ? *)",
                ScalableTargetAction={"MinCapacity": 5},
            )
        for operation, key in (
            ("describe_scalable_targets", "ScalableTargets"),
            ("describe_scaling_policies", "ScalingPolicies"),
            ("describe_scheduled_actions", "ScheduledActions"),
        ):
            pages = list(client.get_paginator(operation).paginate(ServiceNamespace="dynamodb"))
            names = [one["ResourceId"] for page in pages for one in page[key]]
            assert [len(page[key]) for page in pages] == [50, 3]
            assert len(set(names)) == 53
        answer = client.describe_scalable_targets(
            ServiceNamespace="dynamodb", ResourceIds=["table/tbl07"]
        )
        assert [one["ResourceId"] for one in answer["ScalableTargets"]] == ["table/tbl07"]


def test_deregistering_takes_policies_and_actions_along(world: World) -> None:
    make_table(world, "tbl")
    register(world, "tbl", MinCapacity=1, MaxCapacity=9)
    client = world.client("application-autoscaling")
    client.put_scheduled_action(
        **target("tbl"),
        ScheduledActionName="morning",
        Schedule="cron(0 6 * * ? *)",
        ScalableTargetAction={"MinCapacity": 5},
    )
    client.deregister_scalable_target(**target("tbl"))
    actions = client.describe_scheduled_actions(ServiceNamespace="dynamodb")
    assert actions["ScheduledActions"] == []
    with refused("ObjectNotFoundException"):
        client.deregister_scalable_target(**target("tbl"))


def test_target_of_no_table_or_without_range_is_refused(world: World) -> None:
    with refused("ValidationException", "table does not exist"):
        register(world, "tbl", MinCapacity=1, MaxCapacity=2)
    make_table(world, "tbl")
    with refused("ValidationException", "MinCapacity"):
        register(world, "tbl", SuspendedState={"DynamicScalingInSuspended": True})
    with refused("ValidationException", "cannot be less"):
        register(world, "tbl", MinCapacity=3, MaxCapacity=2)


def schedule(world: World, when: str, **more: Any) -> None:
    world.client("application-autoscaling").put_scheduled_action(
        **target("tbl"), ScheduledActionName="night", Schedule=when, **more
    )


def at(moment: datetime) -> str:
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def test_scheduled_action_moves_range_and_capacity(world: World) -> None:
    make_table(world, "tbl", read=5)
    register(world, "tbl", MinCapacity=1, MaxCapacity=9)
    due = world.clock.now() + timedelta(hours=1)
    schedule(world, at(due), ScalableTargetAction={"MinCapacity": 20, "MaxCapacity": 40})
    world.clock.advance(3599)
    assert read_units(world, "tbl") == ("ACTIVE", 5)
    world.clock.advance(61)
    assert read_units(world, "tbl") == ("ACTIVE", 20)
    update(world, "tbl", 60)
    world.clock.advance(60)
    schedule(world, at(due + timedelta(hours=1)), ScalableTargetAction={"MinCapacity": 30})
    world.clock.advance(7200)
    assert read_units(world, "tbl") == ("ACTIVE", 40)


def test_a_suspended_or_deleted_scheduled_action_does_nothing(world: World) -> None:
    make_table(world, "tbl", read=5)
    register(world, "tbl", MinCapacity=1, MaxCapacity=9)
    register(world, "tbl", SuspendedState={"ScheduledScalingSuspended": True})
    schedule(world, "rate(5 minutes)", ScalableTargetAction={"MinCapacity": 8})
    world.clock.advance(1000)
    assert read_units(world, "tbl") == ("ACTIVE", 5)
    register(world, "tbl", SuspendedState={"ScheduledScalingSuspended": False})
    world.client("application-autoscaling").delete_scheduled_action(
        **target("tbl"), ScheduledActionName="night"
    )
    world.clock.advance(1000)
    assert read_units(world, "tbl") == ("ACTIVE", 5)


@pytest.mark.parametrize(
    ("zone", "hours"), [(None, 0), ("America/New_York", 5), ("Asia/Tokyo", -9)]
)
def test_scheduled_actions_are_in_their_zone(world: World, zone: str | None, hours: int) -> None:
    make_table(world, "tbl", read=5)
    register(world, "tbl", MinCapacity=1, MaxCapacity=9)
    now = world.clock.now()
    local = datetime(now.year, 12, 24, 12, tzinfo=UTC)
    more = {"Timezone": zone} if zone else {}
    with checked(world.client("application-autoscaling")) as client:
        client.put_scheduled_action(
            **target("tbl"),
            ScheduledActionName="night",
            Schedule=f"cron(0 12 24 12 ? {now.year})",
            ScalableTargetAction={"MinCapacity": 9},
            **more,
        )
    world.clock.advance_to(local + timedelta(hours=hours, seconds=-1))
    assert read_units(world, "tbl") == ("ACTIVE", 5)
    world.clock.advance(61)
    assert read_units(world, "tbl") == ("ACTIVE", 9)


@pytest.mark.parametrize(
    ("every", "capacities"),
    [("cron(0 * * * ? *)", [5, 20, 20, 5, 5]), ("rate(1 hour)", [5, 5, 20, 5, 5])],
)
def test_an_action_happens_between_its_start_and_end_only(
    world: World, every: str, capacities: list[int]
) -> None:
    make_table(world, "tbl", read=5)
    register(world, "tbl", MinCapacity=1, MaxCapacity=90)
    begin = world.clock.now()
    start, end = (begin + timedelta(minutes=m) for m in (120, 210))
    bounds = {"StartTime": start, "EndTime": end}
    wanted = {"MinCapacity": 20}
    with checked(world.client("application-autoscaling")) as client:
        client.put_scheduled_action(
            **target("tbl"),
            ScheduledActionName="night",
            Schedule=every,
            ScalableTargetAction=wanted,
            **bounds,
        )
        (told,) = client.describe_scheduled_actions(ServiceNamespace="dynamodb")["ScheduledActions"]
    assert (told["StartTime"], told["EndTime"]) == (start, end)
    seen = []
    for hour in range(1, 6):
        world.clock.advance_to(begin + timedelta(hours=hour, minutes=1))
        seen.append(read_units(world, "tbl")[1])
        if seen[-1] != 5:
            register(world, "tbl", MinCapacity=1)
            update(world, "tbl", 5)
    assert seen == capacities


def test_a_schedule_or_zone_that_is_none_is_refused(world: World) -> None:
    make_table(world, "tbl")
    register(world, "tbl", MinCapacity=1, MaxCapacity=9)
    with refused("ValidationException"):
        schedule(world, "at(tomorrow)")
    with refused("ValidationException", "time zone"):
        schedule(world, "rate(1 day)", Timezone="America/Nowhere")
