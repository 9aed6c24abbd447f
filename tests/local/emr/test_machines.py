"""The machines of clusters: groups and fleets, short subnets, quotas, spot that goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.core.faults import ALWAYS
from local.emr.machines import NO_CAPACITY
from tests.support.aws_world import checked
from tests.support.emr_world import Emr, fleet, group, step
from tests.support.jobs_world import keys, make_table, small_world

SPOT = {"SpotSpecification": {"TimeoutDurationMinutes": 20, "TimeoutAction": "TERMINATE_CLUSTER"}}
SWITCH = {
    "SpotSpecification": {"TimeoutDurationMinutes": 20, "TimeoutAction": "SWITCH_TO_ON_DEMAND"}
}


@pytest.fixture
def world() -> Iterator[Any]:
    with small_world() as made:
        yield made


def groups(core: int = 1, **more: Any) -> dict[str, Any]:
    return {"InstanceGroups": [group("MASTER"), group("CORE", core, **more)]}


def fleets(*kinds: str, subnets: tuple[str, ...] = ("subnet-1", "subnet-2"), **core: Any) -> Any:
    core = core or {"on_demand": 1}
    return {
        "InstanceFleets": [
            fleet("MASTER", "m5.xlarge", on_demand=1),
            fleet("CORE", *(kinds or ("m5.xlarge", "m5a.xlarge")), **core),
        ],
        "Ec2SubnetIds": list(subnets),
    }


def machines(emr: Emr) -> list[tuple[str, str]]:
    found = emr.client.list_instances(ClusterId=emr.id)["Instances"]
    return [(one["InstanceType"], one["Market"]) for one in found]


def test_groups_get_what_they_ask_for(world: Any) -> None:
    with checked(world.client("emr")):
        emr = Emr(world, keep=True, instances=groups(2, Market="SPOT"))
        assert machines(emr) == []
        emr.until("WAITING")
        asked = emr.client.list_instance_groups(ClusterId=emr.id)["InstanceGroups"]
        assert machines(emr) == [("m5.xlarge", "ON_DEMAND")] + 2 * [("m5.xlarge", "SPOT")]
    assert {one["InstanceGroupType"] for one in asked} == {"MASTER", "CORE"}
    assert emr.cluster()["InstanceCollectionType"] == "INSTANCE_GROUP"


def test_fleets_run_steps_as_groups_do(world: Any) -> None:
    make_table(world, "orders")
    with checked(world.client("emr")):
        emr = Emr(world, step("orders"), instances=fleets())
        emr.until("RUNNING")
        assert machines(emr) == 2 * [("m5.xlarge", "ON_DEMAND")]
        asked = emr.client.list_instance_fleets(ClusterId=emr.id)["InstanceFleets"]
        emr.until("TERMINATED")
    assert [one["ProvisionedOnDemandCapacity"] for one in asked] == [1, 1]
    attributes = emr.cluster()["Ec2InstanceAttributes"]
    assert attributes["RequestedEc2SubnetIds"] == ["subnet-1", "subnet-2"]
    assert attributes["Ec2SubnetId"] == "subnet-1"
    assert emr.cluster()["InstanceCollectionType"] == "INSTANCE_FLEET"
    assert emr.steps() == {"orders": "COMPLETED"}


@pytest.mark.parametrize("key", ["subnet-1", "m5.xlarge", "subnet-1/m5.xlarge"])
def test_a_group_in_a_short_subnet_fails_once(world: Any, key: str) -> None:
    world.faults.short_of_capacity[key] = 1
    with checked(world.client("emr")):
        emr = Emr(world, instances=groups() | {"Ec2SubnetId": "subnet-1"})
        emr.until("TERMINATED_WITH_ERRORS")
    code, message = emr.reason
    assert code == "INTERNAL_ERROR"
    assert "EC2 is out of capacity for m5.xlarge in availability zone us-east-1" in message
    (detail,) = emr.status()["ErrorDetails"]
    assert detail["ErrorCode"] == NO_CAPACITY
    assert {"instance-type": "m5.xlarge"} in detail["ErrorData"]
    second = Emr(world, keep=True, instances=groups() | {"Ec2SubnetId": "subnet-1"})
    second.until("WAITING")


def test_a_fleet_takes_the_next_subnet(world: Any) -> None:
    world.faults.short_of_capacity["subnet-1"] = ALWAYS
    emr = Emr(world, keep=True, instances=fleets())
    emr.until("WAITING")
    assert emr.cluster()["Ec2InstanceAttributes"]["Ec2SubnetId"] == "subnet-2"


def test_a_fleet_takes_another_type(world: Any) -> None:
    world.faults.short_of_capacity["m5d.xlarge"] = ALWAYS
    emr = Emr(world, keep=True, instances=fleets("m5d.xlarge", "m5a.xlarge"))
    emr.until("WAITING")
    assert machines(emr)[1] == ("m5a.xlarge", "ON_DEMAND")


def test_a_fleet_without_any_type_fails(world: Any) -> None:
    world.faults.short_of_capacity = {"m5a.xlarge": 1, "m5d.xlarge": ALWAYS}
    emr = Emr(world, instances=fleets("m5d.xlarge", "m5a.xlarge"))
    emr.until("TERMINATED_WITH_ERRORS")
    assert "out of capacity for m5d.xlarge" in emr.reason[1]
    Emr(world, keep=True, instances=fleets("m5d.xlarge", "m5a.xlarge")).until("WAITING")


def test_weights_make_fewer_machines(world: Any) -> None:
    wanted = fleets(on_demand=5)
    wanted["InstanceFleets"][1]["InstanceTypeConfigs"][0]["WeightedCapacity"] = 2
    emr = Emr(world, keep=True, instances=wanted)
    emr.until("WAITING")
    assert len(machines(emr)) == 1 + 3


def test_the_quota_counts_every_cluster(world: Any) -> None:
    world.faults.vcpu_quota = 16
    first = Emr(world, keep=True, instances=groups(2))
    first.until("WAITING")
    second = Emr(world, keep=True, instances=groups())
    second.until("TERMINATED_WITH_ERRORS")
    assert second.reason[0] == "VALIDATION_ERROR"
    assert "exceeds the EC2 service quota" in second.reason[1]
    first.client.terminate_job_flows(JobFlowIds=[first.id])
    first.until("TERMINATED")
    Emr(world, keep=True, instances=groups()).until("WAITING")


def test_spot_has_a_quota_of_its_own(world: Any) -> None:
    world.faults.vcpu_quota, world.faults.spot_vcpu_quota = 4, 4
    Emr(world, keep=True, instances=groups(Market="SPOT")).until("WAITING")
    other = Emr(world, keep=True, instances=groups(2, Market="SPOT"))
    other.until("TERMINATED_WITH_ERRORS")


def test_a_group_waits_for_spot_for_ever(world: Any) -> None:
    world.faults.no_spot = 1
    emr = Emr(world, keep=True, instances=groups(Market="SPOT"))
    world.clock.advance(5 * 3600)
    assert emr.state == "STARTING"
    emr.client.terminate_job_flows(JobFlowIds=[emr.id])
    emr.until("TERMINATED")


def test_a_fleet_times_out_without_spot(world: Any) -> None:
    world.faults.no_spot = 1
    emr = Emr(world, instances=fleets(spot=1, LaunchSpecifications=SPOT))
    world.clock.advance(20 * 60)
    assert emr.state == "STARTING"
    emr.until("TERMINATED_WITH_ERRORS")
    assert emr.reason[0] == "INSTANCE_FLEET_TIMEOUT"


def test_a_fleet_switches_to_on_demand(world: Any) -> None:
    world.faults.no_spot = 1
    emr = Emr(world, keep=True, instances=fleets(spot=1, LaunchSpecifications=SWITCH))
    world.clock.advance(20 * 60)
    assert emr.state == "STARTING"
    emr.until("WAITING")
    assert machines(emr)[1] == ("m5.xlarge", "ON_DEMAND")


def test_the_loss_of_every_core_node_ends_the_cluster(world: Any) -> None:
    make_table(world, "orders")
    world.faults.spot_lost_at_step = 1
    emr = Emr(world, step("orders"), step("users"), instances=groups(Market="SPOT"))
    emr.until("TERMINATED_WITH_ERRORS")
    assert emr.reason == (
        "INSTANCE_FAILURE",
        "All slaves in the job flow were terminated due to Spot",
    )
    assert emr.steps() == {"orders": "INTERRUPTED", "users": "CANCELLED"}


def test_core_nodes_that_are_replaced_cost_a_step(world: Any) -> None:
    for name in ("orders", "users"):
        make_table(world, name)
    world.faults.spot_lost_at_step, world.faults.spot_replaced = 1, True
    emr = Emr(world, step("orders"), step("users"), instances=groups(Market="SPOT"))
    emr.until("RUNNING")
    world.clock.advance(45)
    assert emr.steps() == {"orders": "FAILED", "users": "RUNNING"}
    assert "node of its application master was lost" in emr.failure("orders")["Message"]
    world.clock.advance(300)
    assert emr.steps()["users"] == "RUNNING"  # waits for nodes
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "FAILED", "users": "COMPLETED"}


def test_tasks_of_lost_nodes_run_again_and_leave_a_file(world: Any) -> None:
    for name in ("orders", "users"):
        make_table(world, name)
    world.faults.spot_lost_at_step = 1
    some = groups()
    some["InstanceGroups"].append(group("TASK", Market="SPOT"))
    emr = Emr(world, step("orders"), step("users"), instances=some)
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "COMPLETED", "users": "COMPLETED"}
    assert len(keys(world, "orders/")) == len(keys(world, "users/")) + 1


def test_on_demand_nodes_are_not_lost(world: Any) -> None:
    make_table(world, "orders")
    world.faults.spot_lost_at_step = 1
    emr = Emr(world, step("orders"), instances=groups())
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "COMPLETED"}
    assert world.faults.spot_lost_at_step == 1
