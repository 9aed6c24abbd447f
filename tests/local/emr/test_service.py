"""EMR of the local AWS on its own: clusters, steps, their ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import botocore.exceptions
import pytest

from local.programs.export import running_steps
from tests.support.emr_world import Emr, step
from tests.support.jobs_world import BUCKET, JAR, START, body, keys, make_table, small_world
from tests.support.model_check import Checked, problems


@pytest.fixture
def world() -> Iterator[Any]:
    with small_world() as made:
        yield made


def test_a_transient_cluster_runs_its_steps_and_ends(world: Any) -> None:
    make_table(world, "orders")
    make_table(world, "users")
    emr = Emr(world, step("orders"), step("users"))
    assert emr.state == "STARTING"
    assert emr.steps() == {"orders": "PENDING", "users": "PENDING"}
    world.clock.advance(310)
    assert emr.state == "BOOTSTRAPPING"
    world.clock.advance(90)
    assert emr.state == "RUNNING"
    assert emr.steps() == {"orders": "RUNNING", "users": "PENDING"}
    emr.until("TERMINATING")
    assert emr.status()["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "COMPLETED", "users": "COMPLETED"}
    assert "orders/manifest" in keys(world)
    timeline = emr.status()["Timeline"]
    assert timeline["CreationDateTime"] == START
    assert timeline["ReadyDateTime"] == START + timedelta(seconds=390)
    assert timeline["EndDateTime"] > timeline["ReadyDateTime"]


def test_failed_steps_still_end_as_terminated(world: Any) -> None:
    make_table(world, "orders")
    emr = Emr(world, step("nowhere"), step("orders"))
    emr.until("TERMINATED")
    assert emr.status()["StateChangeReason"]["Message"] == "Steps completed with errors"
    assert emr.steps() == {"nowhere": "FAILED", "orders": "COMPLETED"}
    (failed,) = emr.client.list_steps(ClusterId=emr.id, StepStates=["FAILED"])["Steps"]
    details = failed["Status"]["FailureDetails"]
    assert "ResourceNotFoundException" in details["Message"]
    assert body(world, details["LogFile"].removeprefix(f"s3://{BUCKET}/"))


@pytest.mark.parametrize(
    ("action", "state", "second"),
    [
        ("TERMINATE_CLUSTER", "TERMINATED_WITH_ERRORS", "CANCELLED"),
        ("CANCEL_AND_WAIT", "WAITING", "CANCELLED"),
        ("CONTINUE", "WAITING", "COMPLETED"),
    ],
)
def test_action_on_failure(world: Any, action: str, state: str, second: str) -> None:
    make_table(world, "orders")
    emr = Emr(world, step("nowhere", action=action), step("orders"), keep=True)
    emr.until(state)
    assert emr.steps() == {"nowhere": "FAILED", "orders": second}


def test_a_kept_cluster_waits_takes_steps_and_is_terminated(world: Any) -> None:
    make_table(world, "orders", size=0)
    emr = Emr(world, keep=True)
    emr.until("WAITING")
    emr.client.add_job_flow_steps(JobFlowId=emr.id, Steps=[step("orders")])
    world.clock.advance(2)
    assert emr.state == "RUNNING"
    emr.until("WAITING")
    emr.client.terminate_job_flows(JobFlowIds=[emr.id])
    assert emr.state == "TERMINATING"
    with pytest.raises(botocore.exceptions.ClientError, match="may not be modified"):
        emr.client.add_job_flow_steps(JobFlowId=emr.id, Steps=[step("orders")])
    world.clock.advance(180)
    assert emr.state == "TERMINATED"
    assert emr.status()["StateChangeReason"]["Code"] == "USER_REQUEST"


def test_termination_interrupts_what_runs_only_when_the_machines_are_gone(world: Any) -> None:
    for name in ("orders", "users"):
        make_table(world, name)
    world.faults.step_hangs["orders"] = 1
    emr = Emr(world, step("orders"), step("users"))
    emr.until("RUNNING")
    world.clock.advance(60)
    emr.client.terminate_job_flows(JobFlowIds=[emr.id])
    world.clock.advance(60)
    assert len(running_steps(world)) == 1
    assert emr.steps()["orders"] == "RUNNING"
    world.clock.advance(60)
    assert running_steps(world) == []
    assert emr.steps() == {"orders": "INTERRUPTED", "users": "CANCELLED"}


def test_cancel_steps(world: Any) -> None:
    for name in ("orders", "users", "events"):
        make_table(world, name)
    world.faults.step_hangs["orders"] = 1
    emr = Emr(world, step("orders"), step("users"), step("events"))
    emr.until("RUNNING")
    ids = [one["Id"] for one in emr.client.list_steps(ClusterId=emr.id)["Steps"]]
    answer = emr.client.cancel_steps(ClusterId=emr.id, StepIds=ids[1:])
    assert [one["Status"] for one in answer["CancelStepsInfoList"]] == ["SUBMITTED"] * 2
    assert emr.steps() == {"orders": "CANCEL_PENDING", "users": "CANCELLED", "events": "PENDING"}
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "CANCELLED", "users": "CANCELLED", "events": "COMPLETED"}


def test_a_lost_primary_node(world: Any) -> None:
    make_table(world, "orders")
    world.faults.cluster_dies_at_step = 1
    emr = Emr(world, step("orders"))
    emr.until("TERMINATED_WITH_ERRORS")
    assert emr.status()["StateChangeReason"]["Code"] == "INSTANCE_FAILURE"
    assert emr.steps() == {"orders": "INTERRUPTED"}


def test_steps_side_by_side(world: Any) -> None:
    for name in ("orders", "users", "events"):
        make_table(world, name)
    emr = Emr(world, *map(step, ("orders", "users", "events")), StepConcurrencyLevel=2)
    emr.until("RUNNING")
    assert list(emr.steps().values()) == ["RUNNING", "RUNNING", "PENDING"]
    emr.until("TERMINATED")
    assert set(emr.steps().values()) == {"COMPLETED"}


def test_unknown_programs(world: Any) -> None:
    trivial = {"Jar": "command-runner.jar", "Args": ["bash", "-c", "true"]}
    unknown = {"Jar": JAR, "Args": ["org.example.Nothing"]}
    emr = Emr(
        world,
        {"Name": "trivial", "ActionOnFailure": "CONTINUE", "HadoopJarStep": trivial},
        {"Name": "unknown", "ActionOnFailure": "CONTINUE", "HadoopJarStep": unknown},
    )
    emr.until("TERMINATED")
    assert emr.steps() == {"trivial": "COMPLETED", "unknown": "FAILED"}


def test_steps_come_newest_first_fifty_a_page(world: Any) -> None:
    emr = Emr(world, *(step(f"table{n:03}") for n in range(120)))
    pages = list(emr.client.get_paginator("list_steps").paginate(ClusterId=emr.id))
    assert [len(page["Steps"]) for page in pages] == [50, 50, 20]
    names = [one["Name"] for page in pages for one in page["Steps"]]
    assert names == [f"table{n:03}" for n in reversed(range(120))]
    with pytest.raises(botocore.exceptions.ClientError, match="Maximum number of steps"):
        emr.client.add_job_flow_steps(
            JobFlowId=emr.id, Steps=[step(f"more{n}") for n in range(137)]
        )


def test_clusters_come_newest_first_fifty_a_page(world: Any) -> None:
    ids = [Emr(world).id for _ in range(52)]
    pages = list(world.client("emr").get_paginator("list_clusters").paginate())
    assert [one["Id"] for page in pages for one in page["Clusters"]] == ids[::-1]
    assert len(pages) == 2


def test_unknown_ids(world: Any) -> None:
    client = world.client("emr")
    calls = (
        lambda: client.describe_cluster(ClusterId="j-X"),
        lambda: client.list_steps(ClusterId="j-X"),
        lambda: client.terminate_job_flows(JobFlowIds=["j-X"]),
        lambda: client.describe_step(ClusterId=Emr(world).id, StepId="s-X"),
    )
    for call in calls:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_every_answer_fits_the_model(world: Any) -> None:
    make_table(world, "orders")
    emr = Emr(world, step("orders"), step("nowhere"), Tags=[{"Key": "a", "Value": "b"}])
    checked = Checked(emr.client)
    for _ in range(14):
        world.clock.advance(60)
        emr.status()
        for one in emr.client.list_steps(ClusterId=emr.id)["Steps"]:
            emr.client.describe_step(ClusterId=emr.id, StepId=one["Id"])
        emr.client.list_clusters()
    other = emr.client.run_job_flow(
        Name="x",
        Instances={
            "MasterInstanceType": "m5.xlarge",
            "InstanceCount": 1,
            "KeepJobFlowAliveWhenNoSteps": True,
        },
        ReleaseLabel="emr-7.13.0",
        ServiceRole="service",
        JobFlowRole="cluster-role",
    )["JobFlowId"]
    emr.client.add_job_flow_steps(JobFlowId=other, Steps=[step("orders", "else")])
    first = emr.client.list_steps(ClusterId=other)["Steps"][0]["Id"]
    emr.client.cancel_steps(ClusterId=other, StepIds=[first])
    emr.client.terminate_job_flows(JobFlowIds=[other])
    assert set(checked.found) == set()
    assert len(checked.operations) == 8


def test_the_model_check_finds_what_is_wrong() -> None:
    found = problems("datapipeline", "query_objects", {"ids": "x", "more": True})
    assert found == [
        "query_objects.ids: a list is wanted, got 'x'",
        "query_objects.more: unknown to the model",
    ]
    assert problems("datapipeline", "create_pipeline", {}) == [
        "create_pipeline.pipelineId: required, missing"
    ]
    assert "none of" in problems("emr", "describe_step", {"Step": {"ActionOnFailure": "GO"}})[0]
    assert problems("datapipeline", "delete_pipeline", {"x": 1}) != []
