from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.dynamodb import autoscaling
from local.world import World
from tests.support.aws_world import (
    ACCOUNT,
    REGION,
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


def test_scheduled_action_moves_range_and_capacity(world: World) -> None:
    make_table(world, "tbl", read=5)
    register(world, "tbl", MinCapacity=1, MaxCapacity=9)
    autoscaling.run_scheduled_action(world, ACCOUNT, REGION, "tbl", 20, 40)
    world.clock.advance(60)
    assert read_units(world, "tbl") == ("ACTIVE", 20)
    register(world, "tbl", SuspendedState={"ScheduledScalingSuspended": True})
    autoscaling.run_scheduled_action(world, ACCOUNT, REGION, "tbl", 30, 40)
    world.clock.advance(60)
    assert read_units(world, "tbl") == ("ACTIVE", 20)
