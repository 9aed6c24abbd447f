"""EMR's calls on a cluster's steps and lists, their rates, and answers that are lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import botocore.exceptions
import pytest
from botocore.config import Config

from tests.support.aws_world import refused
from tests.support.emr_world import Emr, request, step
from tests.support.jobs_world import ACCOUNT, REGION, SESSION, START, make_table, small_world


@pytest.fixture
def world() -> Iterator[Any]:
    with small_world() as made:
        yield made


def product(world: Any, attempts: int = 1) -> Any:
    """Return a client of somebody whose calls count."""
    return SESSION.client(
        "emr",
        region_name=REGION,
        aws_access_key_id="AKIAHIPPOLYTEPRODUCT",
        aws_secret_access_key="secret",
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
    )


def running_step(world: Any, **more: Any) -> tuple[Emr, str]:
    make_table(world, "orders")
    world.faults.step_hangs["orders"] = 1
    emr = Emr(world, step("orders"), keep=True, **more)
    emr.until("RUNNING")
    world.clock.advance(60)
    return emr, emr.client.list_steps(ClusterId=emr.id)["Steps"][0]["Id"]


@pytest.mark.parametrize(("option", "seconds"), [("SEND_INTERRUPT", 30), ("TERMINATE_PROCESS", 5)])
def test_a_running_step_is_asked_to_end_or_killed(world: Any, option: str, seconds: int) -> None:
    emr, running = running_step(world)
    emr.client.cancel_steps(ClusterId=emr.id, StepIds=[running], StepCancellationOption=option)
    world.clock.advance(seconds - 1)
    assert emr.steps() == {"orders": "CANCEL_PENDING"}
    world.clock.advance(1)
    assert emr.steps() == {"orders": "CANCELLED"}
    assert emr.state == "WAITING"


def test_old_releases_cancel_pending_steps_only(world: Any) -> None:
    emr, running = running_step(world, ReleaseLabel="emr-5.27.1")
    (pending,) = emr.add(step("users"))
    answer = emr.client.cancel_steps(ClusterId=emr.id, StepIds=[running, pending])
    found = {one["StepId"]: one for one in answer["CancelStepsInfoList"]}
    assert found[pending]["Status"] == "SUBMITTED"
    assert found[running]["Status"] == "FAILED"
    assert "already RUNNING" in found[running]["Reason"]


def test_a_step_that_is_over_cannot_be_cancelled(world: Any) -> None:
    emr = Emr(world, step("nowhere"), keep=True)
    emr.until("WAITING")
    (over,) = (one["Id"] for one in emr.client.list_steps(ClusterId=emr.id)["Steps"])
    answer = emr.client.cancel_steps(ClusterId=emr.id, StepIds=[over])
    assert answer["CancelStepsInfoList"][0]["Status"] == "FAILED"


@pytest.mark.parametrize(("release", "most"), [("emr-7.13.0", 256), ("emr-7.14.0", 100)])
def test_how_many_steps_a_request_may_add(world: Any, release: str, most: int) -> None:
    emr = Emr(world, keep=True, ReleaseLabel=release)
    with refused("ValidationException", f"At most {most} steps"):
        emr.add(*(step(f"t{n}") for n in range(most + 1)))
    assert len(emr.add(*(step(f"t{n}") for n in range(most)))) == most


def test_steps_that_are_over_do_not_count(world: Any) -> None:
    emr = Emr(world, *(step(f"t{n}") for n in range(3)), keep=True, ReleaseLabel="emr-7.9.0")
    emr.until("WAITING")
    assert len(emr.add(*(step(f"u{n}") for n in range(256)))) == 256
    with refused("ValidationException", "Maximum number of steps"):
        emr.add(step("one more"))


def test_steps_are_added_while_one_runs_and_keep_their_order(world: Any) -> None:
    make_table(world, "users")
    emr, running = running_step(world)
    emr.add(step("users"), step("nowhere"))
    assert emr.steps() == {"orders": "RUNNING", "users": "PENDING", "nowhere": "PENDING"}
    emr.client.cancel_steps(ClusterId=emr.id, StepIds=[running])
    emr.until("WAITING")
    assert emr.steps() == {"orders": "CANCELLED", "users": "COMPLETED", "nowhere": "FAILED"}


def test_steps_are_added_before_the_cluster_is_up(world: Any) -> None:
    make_table(world, "orders")
    emr = Emr(world, keep=True)
    emr.add(step("orders"))
    emr.until("WAITING")
    assert emr.steps() == {"orders": "COMPLETED"}


def test_clusters_by_state_and_time(world: Any) -> None:
    first = Emr(world)
    first.until("TERMINATED")
    later = world.clock.now()
    world.clock.advance(60)
    second = Emr(world, keep=True)

    def ids(**which: Any) -> list[str]:
        return [one["Id"] for one in first.client.list_clusters(**which)["Clusters"]]

    assert ids() == [second.id, first.id]
    assert ids(CreatedAfter=later) == [second.id]
    assert ids(CreatedBefore=later) == [first.id]
    assert ids(CreatedAfter=START - timedelta(days=1)) == [second.id, first.id]
    assert ids(ClusterStates=["TERMINATED"]) == [first.id]
    assert ids(ClusterStates=["STARTING", "WAITING"]) == [second.id]


def test_clusters_are_found_by_name(world: Any) -> None:
    client = Emr(world, Name="hippolyte-us-east-1-r1-b001").client
    (found,) = client.list_clusters()["Clusters"]
    assert found["Name"] == "hippolyte-us-east-1-r1-b001"
    assert found["ClusterArn"].startswith(f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/j-")


def test_a_cluster_that_is_listed_late(world: Any) -> None:
    world.faults.clusters_listed_after_seconds = 90
    emr = Emr(world)
    assert emr.client.list_clusters()["Clusters"] == []
    assert emr.state == "STARTING"
    world.clock.advance(90)
    assert len(emr.client.list_clusters()["Clusters"]) == 1


def test_run_job_flow_is_throttled_at_its_rate(world: Any) -> None:
    client = product(world)
    for _ in range(10):
        client.run_job_flow(**request())
    with refused("ThrottlingException", "Rate exceeded"):
        client.run_job_flow(**request())
    world.clock.advance(2)
    client.run_job_flow(**request())
    assert len(client.list_clusters()["Clusters"]) == 11


def test_add_job_flow_steps_is_throttled_at_its_rate(world: Any) -> None:
    emr = Emr(world, keep=True)
    client = product(world)
    for number in range(10):
        client.add_job_flow_steps(JobFlowId=emr.id, Steps=[step(f"t{number}")])
    with refused("ThrottlingException"):
        client.add_job_flow_steps(JobFlowId=emr.id, Steps=[step("more")])
    assert len(emr.steps()) == 10


def test_all_calls_together_have_a_rate(world: Any) -> None:
    client = product(world)
    emr = Emr(world, keep=True)
    for _ in range(10):
        client.describe_cluster(ClusterId=emr.id)
        client.list_steps(ClusterId=emr.id)
    for _ in range(5):
        client.list_clusters()
    with refused("ThrottlingException"):
        client.list_clusters()


def test_the_sdk_waits_in_virtual_time_until_the_rate_allows(world: Any) -> None:
    client = product(world, attempts=8)
    begun = world.clock.now()
    for _ in range(12):
        client.run_job_flow(**request())
    assert world.clock.now() > begun


def test_an_invocation_that_waits_sees_the_rate_refill_in_its_own_time(world: Any) -> None:
    client = product(world)
    emr = Emr(world, keep=True)

    def steps() -> None:
        client.list_steps(ClusterId=emr.id)

    begun = world.clock.now()
    with world.sleeper.invocation():
        for _ in range(10):
            steps()
        with refused("ThrottlingException"):
            steps()
        time.sleep(4)
        steps()
        steps()
        with refused("ThrottlingException"):
            steps()
    assert world.clock.now() == begun
    # another one of the same moment: what the first did later takes nothing of it away, nor gives
    with world.sleeper.invocation(), refused("ThrottlingException"):
        steps()
    world.clock.advance(6)
    with world.sleeper.invocation():
        steps()
        with refused("ThrottlingException"):
            steps()


def test_rates_can_be_switched_off(world: Any) -> None:
    world.emr_rates = False
    client = product(world)
    for _ in range(30):
        client.list_clusters()


def test_a_lost_answer_is_a_cluster_all_the_same(world: Any) -> None:
    world.lose_answer("emr:RunJobFlow")
    client = product(world)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.run_job_flow(**request())
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert caught.value.response["Error"]["Code"] == "InternalServerError"
    assert len(client.list_clusters()["Clusters"]) == 1
    client.run_job_flow(**request())
    assert len(client.list_clusters()["Clusters"]) == 2


def test_an_sdk_that_tries_again_starts_two(world: Any) -> None:
    """RunJobFlow has no client token."""
    world.lose_answer("emr:RunJobFlow")
    client = product(world, attempts=3)
    client.run_job_flow(**request())
    assert len(client.list_clusters()["Clusters"]) == 2


def test_a_lost_answer_to_steps_that_were_added(world: Any) -> None:
    emr = Emr(world, keep=True)
    world.lose_answer("emr:AddJobFlowSteps")
    with pytest.raises(botocore.exceptions.ClientError, match="lost"):
        emr.add(step("orders"))
    assert emr.steps() == {"orders": "PENDING"}


def test_a_call_that_is_refused_loses_no_answer(world: Any) -> None:
    world.lose_answer("emr:RunJobFlow")
    with refused("ValidationException"):
        world.client("emr").run_job_flow(**request(ReleaseLabel="emr-9.9.9"))
    with refused("InternalServerError"):
        world.client("emr").run_job_flow(**request())
