"""Data Pipeline of the local AWS: calls, runs, states, in virtual time."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest

from hippolyte.exports.dynamodbexport import parse_manifest, read_items
from local.datapipeline.task_runner import step_arguments
from local.iam import roles
from tests.support.jobs_world import (
    BUCKET,
    MIB,
    REGION,
    START,
    Pipe,
    body,
    definition,
    export_step,
    filled,
    flat,
    keys,
    make_table,
    small_world,
    text,
)
from tests.support.model_check import Checked


@pytest.fixture
def world() -> Iterator[Any]:
    with small_world() as made:
        yield made


def refused(code: str, match: str = "") -> Any:
    return pytest.raises(botocore.exceptions.ClientError, match=f"{code}.*{match}")


# --- whole runs


def test_a_run_exports_its_tables_one_by_one(world: Any) -> None:
    names = ["orders", "users", "events"]
    for name in names:
        make_table(world, name)
    pipe = Pipe(world, definition(names))
    assert pipe.answer["errored"] is False
    assert pipe.activate().ids() == []  # instances come some seconds later
    pipe.until_finished()

    assert set(pipe.statuses().values()) == {"FINISHED"}
    for name in names:
        urls = parse_manifest(body(world, f"out/{name}/manifest"))
        data = [url.removeprefix(f"s3://{BUCKET}/") for url in urls]
        assert keys(world, f"out/{name}/") == sorted(
            [*data, f"out/{name}/_SUCCESS", f"out/{name}/manifest"]
        )
        items = [item for key in data for item in read_items(io.BytesIO(body(world, key)), key)]
        assert sorted(item["pk"]["S"] for item in items) == [f"{name}-{n}" for n in range(5)]
        assert items[0]["b"] == {"B": b"\x00\xff"}
    assert pipe.cluster()["Status"]["State"] == "TERMINATED"
    assert [step["Status"]["State"] for step in pipe.steps()] == ["COMPLETED"] * 3
    times = sorted((one.start, one.end) for one in world.consumption)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))


def test_statuses_on_the_way(world: Any) -> None:
    names = [f"table{number}" for number in range(4)]
    for name in names:
        make_table(world, name, read=10, size=10 * MIB)  # 256 s of reading at 5 units a second
    pipe = Pipe(world, definition(names)).activate()
    exports = [f"Export{number:03}" for number in range(4)]
    assert pipe.state() == "ACTIVATING"

    world.clock.advance(25)
    found = pipe.statuses()
    assert found["Cluster"] == "CREATING"
    assert {found[name] for name in exports} == {"WAITING_ON_DEPENDENCIES"}
    assert pipe.cluster()["Status"]["State"] == "STARTING"

    world.clock.advance(30)
    assert {pipe.statuses()[name] for name in exports} == {"WAITING_FOR_RUNNER"}
    assert pipe.state() == "SCHEDULED"

    world.advance_until(lambda: pipe.statuses()["Cluster"] == "RUNNING")
    world.clock.advance(60)
    found = pipe.statuses()
    assert sorted(found[name] for name in exports) == ["RUNNING"] * 2 + ["WAITING_FOR_RUNNER"] * 2
    states = [step["Status"]["State"] for step in pipe.steps()]
    assert states == ["PENDING", "RUNNING"]  # newest first
    running = next(step for step in pipe.steps() if step["Status"]["State"] == "RUNNING")
    assert running["Name"] in {pipe.instances()[name]["@headAttempt"] for name in exports}


def test_the_order_of_activities_is_not_the_definitions(world: Any) -> None:
    names = [f"table{number}" for number in range(8)]
    for name in names:
        make_table(world, name, items=0)
    Pipe(world, definition(names)).activate().until_finished()
    order = [one.table for one in sorted(world.consumption, key=lambda one: one.start)]
    assert sorted(order) == names
    assert order != names


def test_a_second_activation_is_a_second_run_with_its_own_cluster(world: Any) -> None:
    make_table(world, "orders")
    pipe = Pipe(world, definition(["orders"])).activate().activate()
    world.clock.advance(60)
    assert len(world.client("emr").list_clusters()["Clusters"]) == 2
    ids = [one for one in pipe.ids() if one.startswith("@Export000")]
    assert ids == ["@Export000_2026-11-24T00:00:00", "@Export000_2026-11-24T00:00:01"]


def test_instance_and_attempt_fields(world: Any) -> None:
    make_table(world, "orders")
    pipe = Pipe(world, definition(["orders"])).activate().until_finished()
    export = pipe.instances()["Export000"]
    assert export["id"] == "@Export000_2026-11-24T00:00:00"
    assert export["@headAttempt"] == "@Export000_2026-11-24T00:00:00_Attempt=1"
    assert export["@scheduledStartTime"] == "2026-11-24T00:00:00"
    assert export["input"] == "@Table000_2026-11-24T00:00:00"
    assert export["@attemptCount"] == "1"
    assert export["@triesLeft"] == "0"
    assert export["@actualStartTime"] < export["@actualEndTime"] <= export["@finishedTime"]
    cluster = pipe.instances()["Cluster"]
    assert cluster["@resourceId"].startswith("j-")
    assert cluster["@resourceRegion"] == REGION
    assert pipe.attempt("Export000")["@instanceParent"] == export["id"]
    description = world.client("datapipeline").describe_pipelines(pipelineIds=[pipe.id])
    plain = flat(description["pipelineDescriptionList"][0])
    assert plain["@firstActivationTime"] == plain["@creationTime"] == "2026-11-24T00:00:00"
    assert plain["@healthStatus"] == "HEALTHY"
    assert plain["uniqueId"] == "1"
    assert "@finishedTime" in plain


# --- failures


def test_a_failed_activity_leaves_the_cluster_to_the_others(world: Any) -> None:
    make_table(world, "orders")
    make_table(world, "users")
    world.faults.step_fails["orders"] = 1
    pipe = Pipe(world, definition(["orders", "users"])).activate().until_finished()
    found = pipe.statuses()
    assert found["Export000"] == "FAILED"
    assert found["Output000"] == "CASCADE_FAILED"
    assert found["Export001"] == found["Cluster"] == "FINISHED"
    assert pipe.instances()["Output000"]["@cascadeFailedOn"].startswith("@Export000_")
    assert pipe.state("@healthStatus") == "ERROR"
    attempt = pipe.attempt("Export000")
    assert attempt["errorId"]
    assert "injected by the local AWS" in attempt["errorMessage"]
    assert attempt["emrStepLog"].endswith("/stderr.gz")


def test_a_retry_in_the_same_directory_fails_on_it(world: Any) -> None:
    make_table(world, "orders")
    world.faults.step_fails["orders"] = 1
    objects = definition(["orders"], activity={"maximumRetries": "1"})
    pipe = Pipe(world, objects).activate().until_finished()
    export = pipe.instances()["Export000"]
    assert (export["@status"], export["@attemptCount"]) == ("FAILED", "2")
    assert (
        "Output directory s3://backups/out/orders already exists"
        in (pipe.attempt("Export000")["errorMessage"])
    )


def test_without_cascade_dependents_of_a_failure_wait_for_ever(world: Any) -> None:
    make_table(world, "orders")
    world.faults.step_fails["orders"] = 1
    objects = definition(["orders"])
    objects[0]["fields"] = [f for f in objects[0]["fields"] if f["key"] != "failureAndRerunMode"]
    pipe = Pipe(world, objects).activate()
    world.clock.advance(12 * 3600)
    assert pipe.statuses()["Output000"] == "WAITING_ON_DEPENDENCIES"
    assert pipe.state() == "SCHEDULED"


def test_action_on_task_failure_terminate(world: Any) -> None:
    names = ["a_table", "b_table", "c_table"]
    for name in names:
        make_table(world, name)
    for name in names:
        world.faults.step_fails[name] = -1
    objects = definition(names, cluster={"actionOnTaskFailure": "terminate"})
    pipe = Pipe(world, objects).activate().until_finished()
    found = pipe.statuses()
    exports = sorted(found[f"Export00{number}"] for number in range(3))
    assert exports == ["CANCELED", "CANCELED", "FAILED"]


def test_terminate_after(world: Any) -> None:
    make_table(world, "orders")
    make_table(world, "users")
    world.faults.step_hangs.update(orders=1, users=1)
    objects = definition(["orders", "users"], cluster={"terminateAfter": "2 hours"})
    pipe = Pipe(world, objects).activate()
    world.clock.advance(2 * 3600 + 21)
    instances = pipe.instances()
    assert instances["Cluster"]["@status"] == "TIMEDOUT"
    assert instances["Export000"]["@status"] == "CANCELED"
    assert "TIMEDOUT" in instances["Export000"]["cancellationReason"]
    assert pipe.cluster()["Status"]["State"] == "TERMINATING"
    world.clock.advance(300)
    assert pipe.cluster()["Status"]["State"] == "TERMINATED"
    assert {step["Status"]["State"] for step in pipe.steps()} == {"INTERRUPTED", "CANCELLED"}
    assert pipe.state() == "FINISHED"


def test_a_cluster_that_dies_cancels_its_activities(world: Any) -> None:
    for name in ("orders", "users", "events"):
        make_table(world, name)
    world.faults.cluster_dies_at_step = 2
    pipe = Pipe(world, definition(["orders", "users", "events"])).activate().until_finished()
    instances = pipe.instances()
    assert instances["Cluster"]["@status"] == "FAILED"
    assert "master failed" in instances["Cluster"]["@failureReason"]
    exports = sorted(instances[f"Export00{n}"]["@status"] for n in range(3))
    assert exports == ["CANCELED", "CANCELED", "FINISHED"]
    assert pipe.cluster()["Status"]["State"] == "TERMINATED_WITH_ERRORS"
    assert pipe.cluster()["Status"]["StateChangeReason"]["Code"] == "INSTANCE_FAILURE"


def test_a_cluster_that_cannot_start(world: Any) -> None:
    make_table(world, "orders")
    world.faults.cluster_start_fails.append("Your quota allows for 0 more running instances")
    pipe = Pipe(world, definition(["orders"])).activate().until_finished()
    assert pipe.statuses()["Export000"] == "CANCELED"
    assert "quota" in pipe.instances()["Cluster"]["@failureReason"]


def test_a_cluster_that_never_starts_is_ended_by_terminate_after(world: Any) -> None:
    make_table(world, "orders")
    world.faults.cluster_never_starts = 1
    pipe = Pipe(world, definition(["orders"], cluster={"terminateAfter": "1 hour"})).activate()
    world.clock.advance(3500)
    assert pipe.cluster()["Status"]["State"] == "STARTING"
    pipe.until_finished()
    assert pipe.statuses()["Cluster"] == "TIMEDOUT"


def test_a_cluster_terminated_by_hand_is_a_failed_resource(world: Any) -> None:
    make_table(world, "orders")
    world.faults.step_hangs["orders"] = 1
    pipe = Pipe(world, definition(["orders"])).activate()
    world.clock.advance(1200)
    pipe.emr.terminate_job_flows(JobFlowIds=[pipe.cluster()["Id"]])
    assert pipe.statuses()["Export000"] == "RUNNING"
    pipe.until_finished()
    assert pipe.statuses()["Cluster"] == "FAILED"
    assert pipe.statuses()["Export000"] == "CANCELED"


# --- stopping


def test_deactivation_cancels_and_the_cluster_is_gone_later(world: Any) -> None:
    make_table(world, "orders")
    make_table(world, "users")
    world.faults.step_hangs.update(orders=1, users=1)
    pipe = Pipe(world, definition(["orders", "users"])).activate()
    world.clock.advance(1200)
    pipe.client.deactivate_pipeline(pipelineId=pipe.id, cancelActive=True)
    assert pipe.state() == "DEACTIVATING"
    world.clock.advance(20)
    assert pipe.statuses()["Export000"] == "CANCELED"
    assert sorted(one["Status"]["State"] for one in pipe.steps()) == ["CANCELLED", "CANCEL_PENDING"]
    assert pipe.cluster()["Status"]["State"] == "TERMINATING"
    world.clock.advance(200)
    assert {one["Status"]["State"] for one in pipe.steps()} == {"CANCELLED"}
    assert pipe.cluster()["Status"]["State"] == "TERMINATED"
    assert pipe.statuses()["Cluster"] == "CANCELED"
    assert pipe.state() == "INACTIVE"


def test_deactivation_without_cancel_lets_what_runs_run(world: Any) -> None:
    names = ["orders", "users", "events"]
    for name in names:
        make_table(world, name, size=100 * MIB)
    pipe = Pipe(world, definition(names)).activate()
    world.advance_until(lambda: "RUNNING" in pipe.statuses().values() and pipe.steps())
    pipe.client.deactivate_pipeline(pipelineId=pipe.id, cancelActive=False)
    world.advance_until(lambda: pipe.state() == "INACTIVE")
    found = pipe.statuses()
    exports = sorted(found[f"Export00{n}"] for n in range(3))
    assert exports == ["CANCELED", "FINISHED", "FINISHED"]


@pytest.mark.parametrize("cancel", [True, False])
def test_deactivation_before_there_are_instances(world: Any, cancel: bool) -> None:
    make_table(world, "orders")
    pipe = Pipe(world, definition(["orders"])).activate()
    pipe.client.deactivate_pipeline(pipelineId=pipe.id, cancelActive=cancel)
    world.clock.advance(300)
    assert pipe.state() == "INACTIVE"
    assert world.client("emr").list_clusters()["Clusters"] == []


def test_delete_cancels_what_runs(world: Any) -> None:
    make_table(world, "orders")
    world.faults.step_hangs["orders"] = 1
    pipe = Pipe(world, definition(["orders"])).activate()
    world.clock.advance(1200)
    cluster_id = pipe.cluster()["Id"]
    pipe.client.delete_pipeline(pipelineId=pipe.id)
    with refused("PipelineDeletedException"):
        pipe.client.describe_pipelines(pipelineIds=[pipe.id])
    with refused("PipelineNotFoundException"):
        pipe.client.delete_pipeline(pipelineId=pipe.id)
    world.clock.advance(600)
    assert (
        pipe.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"]
        == "TERMINATED"
    )


def test_set_status(world: Any) -> None:
    names = ["orders", "users", "events"]
    for name in names:
        make_table(world, name)
    world.faults.step_hangs["users"] = 1
    pipe = Pipe(world, definition(names)).activate()
    set_status = pipe.client.set_status
    world.clock.advance(60)
    set_status(pipelineId=pipe.id, objectIds=["Export000"], status="PAUSE")
    assert pipe.statuses()["Export000"] == "PAUSED"
    world.clock.advance(3600)
    assert pipe.statuses()["Export000"] == "PAUSED"
    assert pipe.statuses()["Export002"] == "FINISHED"
    set_status(pipelineId=pipe.id, objectIds=["Export000"], status="RESUME")
    users = pipe.instances()["Export001"]["id"]
    assert pipe.statuses()["Export001"] == "RUNNING"
    set_status(pipelineId=pipe.id, objectIds=[users], status="TRY_CANCEL")
    pipe.until_finished()
    assert pipe.statuses()["Export000"] == "FINISHED"
    assert pipe.statuses()["Export001"] == "CANCELED"
    with refused("InvalidRequestException", "FINISHED"):
        set_status(pipelineId=pipe.id, objectIds=[users], status="MARK_FINISHED")


def test_mark_finished(world: Any) -> None:
    make_table(world, "orders")
    world.faults.step_hangs["orders"] = 1
    pipe = Pipe(world, definition(["orders"])).activate()
    world.clock.advance(1200)
    orders = pipe.instances()["Export000"]["id"]
    pipe.client.set_status(pipelineId=pipe.id, objectIds=[orders], status="MARK_FINISHED")
    pipe.until_finished()
    assert pipe.statuses()["Export000"] == "FINISHED"
    assert keys(world, "out/orders/manifest") == []
    with refused("InvalidRequestException"):
        pipe.client.set_status(pipelineId=pipe.id, objectIds=["x"], status="RERUN")


# --- the calls


def test_create_is_idempotent_by_name_and_unique_id(world: Any) -> None:
    client = world.client("datapipeline")
    first = client.create_pipeline(name="night", uniqueId="a")["pipelineId"]
    assert client.create_pipeline(name="night", uniqueId="a")["pipelineId"] == first
    assert client.create_pipeline(name="night", uniqueId="b")["pipelineId"] != first
    client.delete_pipeline(pipelineId=first)
    assert client.create_pipeline(name="night", uniqueId="a")["pipelineId"] != first


def test_the_limit_of_pipelines_and_pages_of_the_list(world: Any) -> None:
    client = world.client("datapipeline")
    ids = [client.create_pipeline(name="night", uniqueId=str(n))["pipelineId"] for n in range(100)]
    with refused("InvalidRequestException", "the limit is 100"):
        client.create_pipeline(name="night", uniqueId="x")
    pages = list(client.get_paginator("list_pipelines").paginate())
    assert len(pages) == 2
    assert [one["id"] for page in pages for one in page["pipelineIdList"]] == ids
    with refused("InvalidRequestException", "25"):
        client.describe_pipelines(pipelineIds=ids[:26])
    described = client.describe_pipelines(pipelineIds=ids[:25])["pipelineDescriptionList"]
    assert [one["pipelineId"] for one in described] == ids[:25]


def test_tags_reach_the_cluster(world: Any) -> None:
    make_table(world, "orders")
    pipe = Pipe(world, definition(["orders"]))
    tags = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    pipe.client.add_tags(pipelineId=pipe.id, tags=tags)
    pipe.client.remove_tags(pipelineId=pipe.id, tagKeys=["a"])
    pipe.activate()
    world.clock.advance(60)
    assert pipe.cluster()["Tags"] == [{"Key": "b", "Value": "2"}]
    with refused("InvalidRequestException", "10 tags"):
        pipe.client.add_tags(
            pipelineId=pipe.id, tags=[{"key": str(n), "value": ""} for n in range(10)]
        )


def test_the_definition_comes_back_as_it_was_put(world: Any) -> None:
    objects = definition(["orders"])
    pipe = Pipe(world, objects)
    assert pipe.client.get_pipeline_definition(pipelineId=pipe.id)["pipelineObjects"] == objects


def test_an_errored_definition_is_stored_and_cannot_be_activated(world: Any) -> None:
    objects = definition(["orders"])
    objects[2]["fields"] = [f for f in objects[2]["fields"] if f["key"] != "tableName"]
    pipe = Pipe(world, objects)
    assert pipe.answer["errored"] is True
    assert pipe.answer["validationErrors"] == [
        {"id": "Table000", "errors": ["Missing required field 'tableName'"]}
    ]
    assert pipe.client.get_pipeline_definition(pipelineId=pipe.id)["pipelineObjects"] == objects
    with refused("InvalidRequestException", "tableName"):
        pipe.activate()
    answer = pipe.client.validate_pipeline_definition(pipelineId=pipe.id, pipelineObjects=objects)
    assert answer["errored"] is True


def test_no_activation_without_a_definition(world: Any) -> None:
    client = world.client("datapipeline")
    pipeline = client.create_pipeline(name="night", uniqueId="a")["pipelineId"]
    with refused("InvalidRequestException", "no definition"):
        client.activate_pipeline(pipelineId=pipeline)
    with refused("PipelineNotFoundException"):
        client.activate_pipeline(pipelineId="df-NONE")


def test_what_is_not_storable_leaves_the_definition_as_it_was(world: Any) -> None:
    pipe = Pipe(world, definition(["orders"]))
    with refused("InvalidRequestException", "100 objects"):
        pipe.client.put_pipeline_definition(
            pipelineId=pipe.id, pipelineObjects=filled(definition(["orders"]), 101)
        )
    stored = pipe.client.get_pipeline_definition(pipelineId=pipe.id)["pipelineObjects"]
    assert stored == definition(["orders"])


def test_a_finished_pipeline_takes_no_definition(world: Any) -> None:
    make_table(world, "orders")
    pipe = Pipe(world, definition(["orders"])).activate().until_finished()
    with refused("InvalidRequestException", "FINISHED"):
        pipe.client.put_pipeline_definition(
            pipelineId=pipe.id, pipelineObjects=definition(["orders"])
        )


def test_an_activated_definition_may_not_lose_objects(world: Any) -> None:
    make_table(world, "orders")
    pipe = Pipe(world, definition(["orders", "users"])).activate()
    answer = pipe.client.put_pipeline_definition(
        pipelineId=pipe.id, pipelineObjects=definition(["orders"])
    )
    assert "Export001" in {one["id"] for one in answer["validationErrors"]}


def test_query_objects_selects_and_pages(world: Any) -> None:
    names = [f"table{n}" for n in range(6)]
    for name in names:
        make_table(world, name)
    world.faults.step_fails["table3"] = 1
    pipe = Pipe(world, definition(names)).activate().until_finished()

    def query(field: str, *wanted: str, operator: str = "EQ") -> list[str]:
        selector = {"fieldName": field, "operator": {"type": operator, "values": list(wanted)}}
        return pipe.ids(query={"selectors": [selector]})

    assert query("@status", "FAILED") == ["@Export003_2026-11-24T00:00:00"]
    assert len(query("@status", "FAILED", "CASCADE_FAILED")) == 2
    assert query("@componentParent", "Cluster") == ["@Cluster_2026-11-24T00:00:00"]
    assert len(query("@actualStartTime", "2026-11-24T00:01:00", operator="GE")) == 7
    pages = pipe.client.get_paginator("query_objects").paginate(
        pipelineId=pipe.id, sphere="INSTANCE", PaginationConfig={"PageSize": 5}
    )
    assert [len(page["ids"]) for page in pages] == [5, 5, 5, 4]
    assert len(pipe.ids("COMPONENT")) == 20
    assert len(pipe.ids("ATTEMPT")) == 7
    with refused("InvalidRequestException", "sphere"):
        pipe.ids("ELSEWHERE")


def test_describe_objects_takes_100_ids(world: Any) -> None:
    pipe = Pipe(world, filled(definition(["orders"]), 100))
    ids = pipe.ids("COMPONENT")
    assert len(pipe.objects(ids)) == 100
    with refused("InvalidRequestException", "101"):
        pipe.objects([*ids, "x"])


def test_call_rates_in_virtual_time(world: Any) -> None:
    world.datapipeline_rates = True
    pipe = Pipe(world, definition(["orders"]))
    for _ in range(100):
        pipe.state()
    with refused("ThrottlingException"):
        world.client("datapipeline").describe_pipelines(pipelineIds=[pipe.id])
    pipe.ids("COMPONENT")  # another call's bucket
    world.clock.advance(2)
    assert pipe.state() == "PENDING"


def test_injected_refusals(world: Any) -> None:
    world.faults.definition_errored = 1
    pipe = Pipe(world, definition(["orders"]))
    assert pipe.answer["errored"] is True
    assert Pipe(world, definition(["orders"])).answer["errored"] is False
    world.faults.create_pipeline_refused = "not available to new customers"
    with refused("InvalidRequestException", "new customers"):
        pipe.client.create_pipeline(name="other", uniqueId="1")


def test_every_answer_fits_the_model(world: Any) -> None:
    make_table(world, "orders")
    make_table(world, "users")
    make_table(world, "events")
    world.faults.step_fails["users"] = 1
    world.faults.step_hangs["events"] = 1
    pipe = Pipe(world, definition(["orders", "users", "events"]))
    pipeline, emr = Checked(pipe.client), Checked(pipe.emr)
    client = pipe.client
    client.create_pipeline(
        name="n", uniqueId="u", description="d", tags=[{"key": "k", "value": "v"}]
    )
    client.validate_pipeline_definition(pipelineId=pipe.id, pipelineObjects=definition(["x"]))
    client.put_pipeline_definition(
        pipelineId=pipe.id, pipelineObjects=definition(["orders", "users", "events"])
    )
    client.add_tags(pipelineId=pipe.id, tags=[{"key": "k", "value": "v"}])
    pipe.activate()
    for _ in range(12):
        world.clock.advance(60)
        pipe.state()
        for instance in pipe.instances():
            if "@headAttempt" in pipe.instances()[instance]:
                pipe.attempt(instance)
        pipe.cluster()
        pipe.steps()
    client.set_status(pipelineId=pipe.id, objectIds=["Export000"], status="PAUSE")
    pipe.objects(pipe.ids("COMPONENT"))
    client.get_pipeline_definition(pipelineId=pipe.id)
    client.list_pipelines()
    client.deactivate_pipeline(pipelineId=pipe.id)
    client.remove_tags(pipelineId=pipe.id, tagKeys=["k"])
    client.delete_pipeline(pipelineId=pipe.id)
    assert pipeline.found == []
    assert emr.found == []
    assert len(pipeline.operations) == 14
    assert {"DescribeCluster", "ListSteps"} <= emr.operations


# --- roles


def test_activation_needs_the_roles(world: Any) -> None:
    make_table(world, "orders")
    pipe = Pipe(world, definition(["orders"]))
    world.iam_enforced = True
    with refused("InvalidRequestException", "role 'pipeline-role' does not exist"):
        pipe.activate()


def test_a_pipeline_role_that_may_not_run_clusters(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(world, "orders")
    monkeypatch.setattr(
        roles,
        "may",
        lambda w, account, role, action, *rest: action != "elasticmapreduce:RunJobFlow",
    )
    pipe = Pipe(world, definition(["orders"])).activate().until_finished()
    assert pipe.statuses()["Export000"] == "CANCELED"
    assert "elasticmapreduce:RunJobFlow" in pipe.instances()["Cluster"]["@failureReason"]


def test_a_cluster_role_that_may_not_poll_leaves_activities_waiting(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(world, "orders")
    monkeypatch.setattr(
        roles, "may", lambda w, account, role, action, *rest: action != "datapipeline:PollForTask"
    )
    pipe = Pipe(world, definition(["orders"])).activate()
    world.clock.advance(3600)
    assert pipe.statuses()["Export000"] == "WAITING_FOR_RUNNER"


@pytest.mark.parametrize(
    ("step", "arguments"),
    [
        ("a.jar,b,c", ["a.jar", "b", "c"]),
        (r"a.jar,x\\,y", ["a.jar", "x,y"]),
        (r"a.jar,x\,y", ["a.jar", "x", "y"]),
    ],
)
def test_commas_in_a_step(step: str, arguments: list[str]) -> None:
    assert step_arguments(step) == arguments


def test_depends_on_chains_activities(world: Any) -> None:
    make_table(world, "orders")
    make_table(world, "users")
    objects = definition(["orders", "users"])
    objects[4]["fields"].append({"key": "dependsOn", "refValue": "Export001"})
    world.faults.step_fails["users"] = 1
    pipe = Pipe(world, objects).activate()
    world.clock.advance(60)
    assert pipe.statuses()["Export000"] == "WAITING_ON_DEPENDENCIES"
    pipe.until_finished()
    assert pipe.statuses()["Export000"] == "CASCADE_FAILED"
    assert pipe.instances()["Export000"]["@cascadeFailedOn"].startswith("@Export001_")
    assert text(pipe.objects(["Export001"])[0], "@healthStatus") == "ERROR"
    assert export_step("s3://b/x", "users")
    assert world.clock.now() > START
