"""RunJobFlow by a caller: what is refused, bootstrap actions, idle clusters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from local.programs.export import running_steps
from tests.support.aws_world import checked, refused
from tests.support.emr_world import RELEASE, Emr, bootstrap, fleet, group, request, step
from tests.support.jobs_world import BUCKET, START, make_table, small_world

SCRIPT = "s3://backups/scripts/shutdown-at.sh"
SHUTS_DOWN = "#!/bin/bash\nif grep isMaster.*true instance.json; then sudo shutdown -h; fi\n"


@pytest.fixture
def world() -> Iterator[Any]:
    with small_world() as made:
        yield made


def put(world: Any, key: str, text: str) -> None:
    world.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())


def epoch(hours: float) -> str:
    return str(int((START + timedelta(hours=hours)).timestamp()))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Name": "a<b"}, "Name must have"),
        ({"Name": "x" * 257}, "Name must have"),
        ({"ReleaseLabel": "emr-9.9.9"}, "The supplied release label is invalid: emr-9.9.9"),
        ({"JobFlowRole": ""}, "InstanceProfile is required"),
        ({"ServiceRole": ""}, "ServiceRole is required"),
        ({"LogUri": "hdfs://x/"}, "Invalid log uri"),
        ({"instances": {"Ec2SubnetId": "subnet-1"}}, "number of instances"),
        ({"instances": {"MasterInstanceType": "z9.xlarge", "InstanceCount": 1}}, "not supported"),
        ({"instances": {"InstanceGroups": [group("CORE")]}}, "Exactly one master"),
        (
            {"instances": {"InstanceGroups": [group("MASTER")], "Ec2SubnetIds": ["a", "b"]}},
            "only supported with instance fleets",
        ),
        (
            {"instances": {"InstanceFleets": [fleet("MASTER", "m5.xlarge", on_demand=2)]}},
            "exactly 1",
        ),
        (
            {"instances": {"InstanceFleets": [fleet("MASTER", *map(str, range(6)), on_demand=1)]}},
            "1 to 5 different",
        ),
        (
            {
                "instances": {
                    "InstanceFleets": [fleet("MASTER", "m5.xlarge", on_demand=1)],
                    "InstanceGroups": [group("MASTER")],
                }
            },
            "mutually exclusive",
        ),
        ({"Steps": [step(f"t{n}") for n in range(257)]}, "Maximum number of steps"),
        ({"Steps": [step("t", "x" * 10_300)]}, "10240 characters"),
        ({"StepConcurrencyLevel": 300}, "between 1 and 256"),
        (
            {"StepConcurrencyLevel": 2, "Steps": [step("t", action="CANCEL_AND_WAIT")]},
            "must be CONTINUE",
        ),
        ({"AutoTerminationPolicy": {"IdleTimeout": 30}}, "IdleTimeout must be between"),
        (
            {"AutoTerminationPolicy": {"IdleTimeout": 60}, "ReleaseLabel": "emr-5.27.1"},
            "not supported for release",
        ),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "Tag 'aws:x' is not valid"),
        ({"SecurityConfiguration": "none"}, "'none' does not exist"),
    ],
)
def test_what_emr_refuses(world: Any, change: dict[str, Any], text: str) -> None:
    with refused("ValidationException", text):
        world.client("emr").run_job_flow(**request(**change))
    assert world.client("emr").list_clusters()["Clusters"] == []


def test_describe_cluster_tells_what_was_asked_for(world: Any) -> None:
    with checked(world.client("emr")):
        emr = Emr(
            world,
            step("orders"),
            Tags=[{"Key": "run", "Value": "r1"}],
            AutoTerminationPolicy={"IdleTimeout": 600},
            BootstrapActions=bootstrap(SCRIPT, "1"),
            Configurations=[{"Classification": "mapred-site", "Properties": {"a": "b"}}],
            instances={
                "InstanceGroups": [group("MASTER"), group("CORE", 2, Market="SPOT")],
                "Ec2SubnetId": "subnet-1",
            },
        )
        found = emr.cluster()
        policy = emr.client.get_auto_termination_policy(ClusterId=emr.id)
    assert found["Name"] == "night"
    assert found["LogUri"] == f"s3://{BUCKET}/logs/"
    assert found["ReleaseLabel"] == RELEASE
    assert found["Tags"] == [{"Key": "run", "Value": "r1"}]
    assert found["ServiceRole"] == "service"
    assert found["Ec2InstanceAttributes"]["IamInstanceProfile"] == "cluster-role"
    assert found["Ec2InstanceAttributes"]["Ec2SubnetId"] == "subnet-1"
    assert found["Configurations"] == [{"Classification": "mapred-site", "Properties": {"a": "b"}}]
    assert policy["AutoTerminationPolicy"] == {"IdleTimeout": 600}


def test_a_bootstrap_script_shuts_the_primary_down(world: Any) -> None:
    put(world, "scripts/shutdown-at.sh", SHUTS_DOWN)
    make_table(world, "orders")
    world.faults.step_hangs["orders"] = 1
    emr = Emr(
        world, step("orders"), step("users"), BootstrapActions=bootstrap(SCRIPT, epoch(hours=3))
    )
    world.clock.advance(3 * 3600 - 1)
    assert len(running_steps(world)) == 1
    world.clock.advance(2)
    assert running_steps(world) == []
    emr.until("TERMINATED_WITH_ERRORS")
    assert emr.reason == (
        "INSTANCE_FAILURE",
        "The master node was terminated and cannot recover",
    )
    assert emr.steps() == {"orders": "INTERRUPTED", "users": "CANCELLED"}


@pytest.mark.parametrize("text", ["echo hello\n", "# shutdown -h\n", "echo shutdown\n"])
def test_a_script_that_does_not_shut_down_is_harmless(world: Any, text: str) -> None:
    put(world, "scripts/shutdown-at.sh", text)
    emr = Emr(world, keep=True, BootstrapActions=bootstrap(SCRIPT, epoch(hours=1)))
    world.clock.advance(3 * 3600)
    assert emr.state == "WAITING"


def test_a_cluster_that_is_over_is_not_shut_down_again(world: Any) -> None:
    put(world, "scripts/shutdown-at.sh", SHUTS_DOWN)
    emr = Emr(world, BootstrapActions=bootstrap(SCRIPT, epoch(hours=1)))
    world.clock.advance(3 * 3600)
    assert emr.state == "TERMINATED"


def test_a_time_that_is_past_shuts_down_while_bootstrapping(world: Any) -> None:
    put(world, "scripts/shutdown-at.sh", SHUTS_DOWN)
    emr = Emr(world, BootstrapActions=bootstrap(SCRIPT, epoch(hours=-1)))
    world.clock.advance(331)
    assert emr.state == "TERMINATING"


@pytest.mark.parametrize("missing", ["object", "bucket"])
def test_a_bootstrap_script_that_cannot_be_fetched(world: Any, missing: str) -> None:
    path = SCRIPT if missing == "object" else "s3://nowhere/x.sh"
    with checked(world.client("emr")):
        emr = Emr(world, step("orders"), BootstrapActions=bootstrap(path, "1"))
        emr.until("TERMINATED_WITH_ERRORS")
    code, message = emr.reason
    assert code == "BOOTSTRAP_FAILURE"
    assert "failed attempting to download bootstrap action 1 file from S3" in message
    (detail,) = emr.status()["ErrorDetails"]
    assert detail["ErrorCode"] == "BOOTSTRAP_FAILURE_BA_DOWNLOAD_FAILED_PRIMARY"
    assert emr.steps() == {"orders": "CANCELLED"}


def test_the_nodes_need_the_right_to_read_the_script(world: Any) -> None:
    put(world, "scripts/shutdown-at.sh", SHUTS_DOWN)
    world.deny("s3:GetObject", f"arn:aws:s3:::{BUCKET}/scripts/*")
    emr = Emr(world, BootstrapActions=bootstrap(SCRIPT, "1"))
    emr.until("TERMINATED_WITH_ERRORS")
    assert emr.reason[0] == "BOOTSTRAP_FAILURE"


def test_a_bootstrap_action_that_fails(world: Any) -> None:
    put(world, "scripts/shutdown-at.sh", SHUTS_DOWN)
    world.faults.bootstrap_fails = 1
    emr = Emr(world, BootstrapActions=bootstrap(SCRIPT, epoch(hours=1)))
    emr.until("TERMINATED_WITH_ERRORS")
    assert "bootstrap action 1 returned a non-zero return code" in emr.reason[1]
    second = Emr(world, keep=True, BootstrapActions=bootstrap(SCRIPT, epoch(hours=9)))
    second.until("WAITING")


def test_an_idle_cluster_is_terminated(world: Any) -> None:
    make_table(world, "orders")
    emr = Emr(world, step("orders"), keep=True, AutoTerminationPolicy={"IdleTimeout": 900})
    emr.until("WAITING")
    world.clock.advance(840)
    assert emr.state == "WAITING"
    world.clock.advance(90)
    assert emr.state == "TERMINATING"
    emr.until("TERMINATED")


def test_a_step_begins_the_idle_time_anew(world: Any) -> None:
    make_table(world, "orders")
    emr = Emr(world, keep=True, AutoTerminationPolicy={"IdleTimeout": 900})
    emr.until("WAITING")
    world.clock.advance(800)
    emr.add(step("orders"))
    world.clock.advance(2)
    assert emr.state == "RUNNING"
    world.clock.advance(600)
    assert emr.steps() == {"orders": "COMPLETED"}
    assert emr.state == "WAITING"
    emr.until("TERMINATED")


def test_an_idle_policy_that_comes_later(world: Any) -> None:
    emr = Emr(world, keep=True)
    emr.until("WAITING")
    with checked(emr.client):
        emr.client.put_auto_termination_policy(
            ClusterId=emr.id, AutoTerminationPolicy={"IdleTimeout": 60}
        )
        world.clock.advance(30)
        emr.client.remove_auto_termination_policy(ClusterId=emr.id)
        world.clock.advance(60)
        assert emr.state == "WAITING"
        assert "AutoTerminationPolicy" not in emr.client.get_auto_termination_policy(
            ClusterId=emr.id
        )
