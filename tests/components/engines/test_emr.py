"""The EMR engine: what it asks for, how it reads states, what it does with refusals."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.emr.models import emr_backends

from hippolyte import clients, settings
from hippolyte.engines.cluster import end_reason
from hippolyte.engines.datapipeline import DataPipelineEngine
from hippolyte.engines.emr import TABLES_PER_CLUSTER, EmrEngine
from hippolyte.engines.emr_job_flow import SHUTDOWN_SCRIPT, job_flow, shutdown_key
from hippolyte.engines.engine import BatchStatus, Engine, Handle, JobState, Launch, LimitError
from hippolyte.errors import ConfigurationError, EngineError
from hippolyte.night import raise_in_turn
from tests.support.builders import launch as whole_launch
from tests.support.builders import settings as made_settings
from tests.support.harness import BUCKET, NightDriver, driver

EMR: dict[str, Any] = {"jar": "s3://tools/x.jar", "service_role": "emr"}


def launch(*names: str, ratios: list[float | None] | None = None, attempt: int = 0) -> Launch:
    made = whole_launch(*names)
    return replace(made, ratios=ratios or list(made.ratios), attempt=attempt)


@dataclass
class Bench:
    """An engine, and the cluster it has started."""

    night: NightDriver
    engine: EmrEngine
    handle: Handle

    def poll(self) -> BatchStatus:
        return self.engine.poll(self.handle, 3)

    def advance(self, seconds: float) -> None:
        self.night.world.clock.advance(seconds)

    @property
    def cluster(self) -> Any:
        return emr_backends[self.night.account][self.night.region].clusters[self.handle["cluster"]]

    def calls(self, operation: str) -> int:
        return self.night.world.gate.calls[f"emr:{operation}"]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with driver(monkeypatch, "emr") as night:
        for name in ("orders", "users", "large"):
            night.table(name)
        configuration = settings.load()
        yield Bench(night, EmrEngine(clients.build(configuration), configuration), {})


@pytest.fixture
def started(bench: Bench) -> Bench:
    what = launch("orders", "large", "users", ratios=[0.5, None, 0.5])
    bench.handle = bench.engine.prepare(what)
    bench.engine.start(bench.handle, what)
    return bench


def test_both_engines_are_engines() -> None:
    engines: list[type[Engine]] = [DataPipelineEngine, EmrEngine]
    assert TABLES_PER_CLUSTER <= 256 - 56
    assert len(engines) == 2


# the request


def request(**changes: Any) -> dict[str, Any]:
    emr = {**EMR, **changes.pop("emr", {})}
    ratios: list[float | None] = [0.5, None] if changes.pop("more", False) else [0.5, 0.5]
    what = launch("orders", "users", ratios=ratios, attempt=changes.pop("attempt", 0))
    return job_flow("name", what, [], made_settings(engine="emr", emr=emr, **changes))


def test_the_cluster_ends_by_itself_half_an_hour_after_the_deadline() -> None:
    (action,) = request(prefix="p")["BootstrapActions"]
    script = action["ScriptBootstrapAction"]
    assert script["Path"] == "s3://backups/p/scripts/123456789012/us-east-1/shutdown-at.sh"
    at = datetime.fromtimestamp(int(script["Args"][0]), UTC)
    assert at == datetime(2026, 11, 24, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("release", "has"),
    [("emr-5.27.1", False), ("emr-5.30.0", True), ("emr-6.0.0", False), ("emr-7.13.0", True)],
)
def test_an_idle_cluster_ends_where_the_release_can(release: str, has: bool) -> None:
    made = request(more=True, cluster={"release_label": release})
    assert ("AutoTerminationPolicy" in made) is has
    assert made["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True


def test_a_cluster_that_gets_no_more_ends_with_its_last_step() -> None:
    made = request()
    assert made["Instances"]["KeepJobFlowAliveWhenNoSteps"] is False
    assert "AutoTerminationPolicy" not in made


@pytest.mark.parametrize(("attempt", "subnet"), [(0, "subnet-a"), (1, "subnet-b"), (2, "subnet-a")])
def test_each_try_has_the_next_subnet(attempt: int, subnet: str) -> None:
    subnets = ["subnet-a", "subnet-b"]
    assert (
        request(emr={"subnet_ids": subnets}, attempt=attempt)["Instances"]["Ec2SubnetId"] == subnet
    )


def test_without_subnets_and_groups_none_are_named() -> None:
    instances = request()["Instances"]
    assert set(instances) == {
        "InstanceGroups",
        "KeepJobFlowAliveWhenNoSteps",
        "TerminationProtected",
    }


def test_groups_are_of_the_clusters_types_and_spot_is_for_core_alone() -> None:
    groups = request(emr={"spot": True}, cluster={"core_instance_count": 3})["Instances"]
    primary, core = groups["InstanceGroups"]
    assert (primary["Market"], primary["InstanceCount"]) == ("ON_DEMAND", 1)
    assert (core["Market"], core["InstanceCount"]) == ("SPOT", 3)


def test_fleets_have_all_types_and_subnets() -> None:
    emr = {"instance_types": ["m5.xlarge", "m5a.xlarge"], "subnet_ids": ["a", "b"], "spot": True}
    instances = request(emr=emr)["Instances"]
    assert instances["Ec2SubnetIds"] == ["a", "b"]
    assert "InstanceGroups" not in instances
    primary, core = instances["InstanceFleets"]
    assert primary["TargetOnDemandCapacity"] == 1
    assert core["TargetSpotCapacity"] == 1
    assert len(core["InstanceTypeConfigs"]) == 2


def test_memory_is_left_to_the_mappers() -> None:
    (hadoop,) = request()["Configurations"]
    properties = hadoop["Properties"]
    assert properties["yarn.app.mapreduce.am.resource.mb"] == "1024"
    assert properties["mapreduce.reduce.java.opts"] == "-Xmx819m"
    assert properties["mapreduce.map.speculative"] == "false"


def test_the_longest_names_are_within_emrs_limits(bench: Bench) -> None:
    names = ["x" * 252 + f"{number:03d}" for number in range(TABLES_PER_CLUSTER)]
    steps = bench.engine._steps(launch(*names), range(len(names)))
    assert max(len(step["Name"]) for step in steps) == 256
    assert max(sum(map(len, step["HadoopJarStep"]["Args"])) for step in steps) < 10_240


# starting


def test_only_the_jobs_with_a_ratio_are_started(started: Bench) -> None:
    assert [step.name for step in started.cluster.steps] == ["Export000 orders", "Export002 users"]


def test_a_second_start_finds_the_first(started: Bench) -> None:
    again = {k: v for k, v in started.handle.items() if k != "cluster"}
    started.engine.start(again, launch("orders"))
    assert again == started.handle
    assert started.calls("RunJobFlow") == 1


def schedules(bench: Bench) -> list[Any]:
    scheduler = bench.night.world.client("scheduler")
    return [
        scheduler.get_schedule(GroupName="hippolyte", Name=one["Name"])
        for one in scheduler.list_schedules()["Schedules"]
    ]


def test_a_started_cluster_is_guarded_to_half_an_hour_after_the_deadline(started: Bench) -> None:
    (schedule,) = schedules(started)
    cluster = started.handle["cluster"]
    assert schedule["Name"] == f"cluster-{cluster}"
    assert schedule["ScheduleExpression"] == "at(2026-11-24T07:30:00)"
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert schedule["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:emr:terminateJobFlows"
    assert json.loads(schedule["Target"]["Input"]) == {"JobFlowIds": [cluster]}
    assert "unguarded" not in started.handle


def test_a_cluster_that_is_found_again_is_guarded_once(started: Bench) -> None:
    again = {k: v for k, v in started.handle.items() if k != "cluster"} | {"unguarded": "earlier"}
    assert started.engine.started(again)
    assert started.engine.started(again)
    assert again == started.handle
    assert started.night.world.gate.calls["scheduler:CreateSchedule"] == 2
    assert len(schedules(started)) == 1


def test_a_cluster_that_is_found_to_be_ended_is_not_guarded(started: Bench) -> None:
    again = {k: v for k, v in started.handle.items() if k != "cluster"}
    started.engine.cancel(again)
    assert started.night.world.gate.calls["scheduler:CreateSchedule"] == 1


@pytest.mark.parametrize("lacking", ["role", "time", "future"])
def test_what_cannot_be_guarded_is_not_tried(bench: Bench, lacking: str) -> None:
    what = launch("orders")
    emr = bench.engine.settings.emr
    assert emr is not None
    if lacking == "role":
        older = replace(bench.engine.settings, emr=replace(emr, guard_role=None))
        bench.engine = replace(bench.engine, settings=older)
    handle = bench.engine.prepare(what)
    if lacking == "time":
        del handle["guard_at"]
    if lacking == "future":
        bench.night.world.clock.advance_to(what.deadline + timedelta(minutes=29))
    bench.engine.start(handle, what)
    assert schedules(bench) == []
    assert "unguarded" not in handle


def test_a_cluster_of_another_night_is_not_looked_at(started: Bench) -> None:
    started.advance(24 * 3600)
    later = started.engine.prepare(launch("orders"))
    assert not started.engine.started(later)


def test_the_script_is_put_where_it_is_not_there_or_is_another(bench: Bench) -> None:
    key = shutdown_key(bench.engine.settings)
    puts = []
    for body in (None, b"older", SHUTDOWN_SCRIPT.encode()):
        if body:
            bench.night.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        before = bench.night.world.gate.calls["s3:PutObject"]
        bench.engine.prepare(launch("orders"))
        puts.append(bench.night.world.gate.calls["s3:PutObject"] - before)
        found = bench.night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert found.decode() == SHUTDOWN_SCRIPT
    assert puts == [1, 1, 0]


@pytest.mark.parametrize("primary", [True, False])
def test_the_script_never_fails_and_acts_on_the_primary_alone(
    tmp_path: Path, primary: bool
) -> None:
    info, said = tmp_path / "instance.json", tmp_path / "said"
    info.write_text(json.dumps({"isMaster": primary}))
    sudo = tmp_path / "sudo"
    sudo.write_text(f'#!/bin/bash\necho "$@" >> {said}\nexit 0\n')
    sudo.chmod(0o755)
    script = tmp_path / "script.sh"
    script.write_text(SHUTDOWN_SCRIPT.replace("/mnt/var/lib/info/instance.json", str(info)))
    path = f"{tmp_path}:/usr/bin:/bin"
    for at in ("99999999999", "1", "nonsense"):
        subprocess.run(["bash", script, at], check=True, env={"PATH": path}, timeout=10)
    # the shutdown is ordered in the background
    subprocess.run(["sleep", "0.3"], check=True)
    lines = said.read_text().splitlines() if said.exists() else []
    assert len(lines) == (3 if primary else 0)
    assert all(line.startswith("shutdown -P +") for line in lines)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("ThrottlingException", "Rate exceeded", LimitError),
        ("ValidationException", "Rate exceeded", LimitError),
        ("ValidationException", "The number of clusters exceeds the limit", LimitError),
        ("ValidationException", "Invalid InstanceProfile", EngineError),
        ("AccessDeniedException", "is not authorized to perform", EngineError),
    ],
)
def test_a_refusal_is_a_limit_or_final(
    bench: Bench, code: str, message: str, kind: type[EngineError]
) -> None:
    bench.night.refuse("emr:RunJobFlow", code, message)
    handle = bench.engine.prepare(launch("orders"))
    with pytest.raises(EngineError) as refused:
        bench.engine.start(handle, launch("orders"))
    assert type(refused.value) is kind
    assert message in str(refused.value)
    # the client asks once
    assert bench.calls("RunJobFlow") == 1


def test_without_its_settings_nothing_is_started(bench: Bench) -> None:
    engine = replace(bench.engine, settings=replace(bench.engine.settings, emr=None))
    with pytest.raises(EngineError, match="no setting emr"):
        engine.prepare(launch("orders"))


# adding


def test_an_addition_may_be_repeated(started: Bench) -> None:
    what = launch("orders", "large", "users", ratios=[None, 0.7, None])
    for _ in range(2):
        started.engine.add(started.handle, what, [1])
    assert [step.name for step in started.cluster.steps][2:] == ["Export001 large"]
    assert started.cluster.steps[2].args[-1] == "0.700000"
    assert started.calls("AddJobFlowSteps") == 1


def test_a_cluster_that_ends_takes_no_more(started: Bench) -> None:
    started.engine.finish(started.handle)
    with pytest.raises(EngineError, match="shutting down"):
        started.engine.add(started.handle, launch("orders", "large", ratios=[None, 0.7]), [1])


def test_more_steps_than_a_page_are_all_seen(bench: Bench) -> None:
    names = [f"table-{number}" for number in range(120)]
    what = launch(*names)
    bench.handle = bench.engine.prepare(what)
    bench.engine.start(bench.handle, what)
    assert len(bench.engine.poll(bench.handle, 120).jobs) == 120
    # of one AddJobFlowSteps, from emr-7.14.0 on (256 before)
    assert raise_in_turn.AT_A_TIME <= 100


# states


def test_a_batch_is_followed_to_its_end(started: Bench) -> None:
    assert {s.state for s in started.poll().jobs.values()} == {JobState.WAITING}
    started.advance(600)
    status = started.poll()
    assert status.jobs[0].started_at
    assert status.jobs[0].log.endswith(f"/steps/{started.cluster.steps[0].id}/")
    started.advance(3600)
    status = started.poll()
    assert {n: s.state for n, s in status.jobs.items()} == {
        0: JobState.SUCCEEDED,
        2: JobState.SUCCEEDED,
    }
    assert all(s.dead and s.finished_at for s in status.jobs.values())
    assert not status.gone
    started.engine.finish(started.handle)
    started.advance(300)
    status = started.poll()
    assert status.gone
    assert status.failure == ""
    for call in (started.engine.finish, started.engine.clean_up):
        call(started.handle)
    started.engine.cancel(started.handle)


@pytest.mark.parametrize(
    ("name", "state", "dead"),
    [
        ("PENDING", JobState.WAITING, False),
        ("RUNNING", JobState.RUNNING, False),
        ("CANCEL_PENDING", JobState.RUNNING, False),
        ("COMPLETED", JobState.SUCCEEDED, True),
        ("FAILED", JobState.FAILED, False),
        ("CANCELLED", JobState.CANCELLED, False),
        ("INTERRUPTED", JobState.CANCELLED, False),
        ("SOMETHING_NEW", JobState.WAITING, False),
    ],
)
def test_a_steps_state_is_read_as(started: Bench, name: str, state: JobState, dead: bool) -> None:
    started.cluster.steps[0].state = name
    status = started.poll().jobs[0]
    assert (status.state, status.dead) == (state, dead)


def test_a_failure_has_the_steps_words(started: Bench) -> None:
    step = started.cluster.steps[0]
    step.state = "FAILED"
    step.failure = {"Reason": "Output directory exists.", "Message": "s3://x", "LogFile": "s3://l"}
    assert started.poll().jobs[0].error == "Output directory exists.: s3://x: s3://l"
    step.failure = None
    assert started.poll().jobs[0].error == "the step is FAILED"


def test_of_two_steps_of_a_job_the_living_one_counts(started: Bench) -> None:
    first, second = started.cluster.steps
    second.name = "Export000 orders"
    started.cluster.state = "RUNNING"
    first.state, second.state = "RUNNING", "FAILED"
    assert started.poll().jobs[0].state is JobState.RUNNING
    first.state = "COMPLETED"
    assert started.poll().jobs[0].state is JobState.SUCCEEDED
    first.state, second.state = "FAILED", "PENDING"
    assert not started.poll().jobs[0].dead


def test_a_clusters_end_is_told_in_its_words(bench: Bench) -> None:
    bench.night.world.faults.cluster_start_fails = ["no free address"]
    what = launch("orders")
    bench.handle = bench.engine.prepare(what)
    bench.engine.start(bench.handle, what)
    bench.advance(600)
    status = bench.poll()
    assert status.gone
    assert "VALIDATION_ERROR: no free address" in status.failure
    assert status.jobs[0].dead


def test_details_that_emr_gives_of_an_end_are_told_with_their_codes_once() -> None:
    assert end_reason({}) == ""
    status: dict[str, Any] = {
        "State": "TERMINATED_WITH_ERRORS",
        "StateChangeReason": {"Code": "BOOTSTRAP_FAILURE", "Message": "it failed"},
        "ErrorDetails": [
            {"ErrorCode": "BOOTSTRAP_FAILURE", "ErrorMessage": "it failed"},
            {"ErrorCode": "INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ"},
        ],
    }
    assert end_reason(status) == (
        "BOOTSTRAP_FAILURE: it failed: INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ"
    )
    assert end_reason({"State": "TERMINATING", "StateChangeReason": {}}) == "no reason given"
    alive = {"State": "RUNNING", "StateChangeReason": {"Code": "X", "Message": "y"}}
    assert end_reason(alive) == ""


def test_ended_by_somebody_in_mid_step_is_told(started: Bench) -> None:
    started.advance(420)
    started.engine.finish(started.handle)
    assert "USER_REQUEST" in started.poll().failure


def test_a_cluster_that_emr_does_not_know_is_not_gone_at_once(started: Bench) -> None:
    started.handle["cluster"] = "j-UNKNOWN"
    assert not started.poll().gone
    started.advance(3 * 24 * 3600)
    assert started.poll().gone


# cancelling


def test_before_anything_runs_a_cancel_ends_the_cluster(started: Bench) -> None:
    started.engine.cancel(started.handle)
    assert (started.calls("CancelSteps"), started.calls("TerminateJobFlows")) == (0, 1)


def test_a_cancel_ends_the_cluster_never_its_steps_alone(started: Bench) -> None:
    """CancelSteps reaches the step's process, not its MapReduce job (EMR Management Guide)."""
    started.night.world.faults.step_hangs["orders"] = 1
    started.advance(500)
    assert started.poll().jobs[0].state is JobState.RUNNING
    started.engine.cancel(started.handle)
    assert (started.calls("CancelSteps"), started.calls("TerminateJobFlows")) == (0, 1)
    assert not started.poll().jobs[0].dead
    started.advance(300)
    status = started.poll()
    assert status.gone
    assert {s.state for s in status.jobs.values()} == {JobState.CANCELLED}
    assert all(s.dead for s in status.jobs.values())


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_a_step_that_was_cancelled_or_failed_is_dead_when_its_cluster_is(
    started: Bench, how: str
) -> None:
    faults = started.night.world.faults
    (faults.step_fails if how == "failed" else faults.step_hangs)["orders"] = 1
    while started.poll().jobs[0].state is JobState.WAITING:
        started.advance(30)
    if how == "cancelled":
        emr, cluster = started.night.world.client("emr"), started.handle["cluster"]
        steps = emr.list_steps(ClusterId=cluster)["Steps"]
        (step,) = [s["Id"] for s in steps if "orders" in s["Name"]]
        emr.cancel_steps(ClusterId=cluster, StepIds=[step])
    while started.poll().jobs[0].state is JobState.RUNNING:
        started.advance(30)
    assert not started.poll().jobs[0].dead
    started.engine.finish(started.handle)
    while not started.poll().gone:
        started.advance(30)
    assert started.poll().jobs[0].dead


# settings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine": "glue"}, "engine must be one of lambda, datapipeline, emr, got 'glue'"),
        ({"engine": "emr"}, "missing key emr"),
        ({"engine": "emr", "emr": {}}, "missing key emr.jar"),
        ({"engine": "emr", "emr": {**EMR, "jar": "x.jar"}}, "emr.jar must be like s3://bucket"),
        ({"engine": "emr", "emr": {**EMR, "service_role": ""}}, "emr.service_role must not be"),
        ({"engine": "emr", "emr": {**EMR, "spot": "yes"}}, "emr.spot must be true or false"),
        ({"engine": "emr", "emr": {**EMR, "subnet_ids": "a"}}, "emr.subnet_ids must be a list"),
        ({"engine": "emr", "emr": {**EMR, "price": 1}}, "unknown key emr.price"),
        ({"emr": 3}, "emr must be an object"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words.replace("(", r"\(")):
        made_settings(**changes)


def test_data_pipeline_is_what_old_deployments_have() -> None:
    assert (made_settings().engine, made_settings(emr=None).emr) == ("datapipeline", None)


def test_the_deployers_tags_are_on_clusters(bench: Bench) -> None:
    """Forty are allowed, four are ours and EMR's."""
    given = {f"k{n:02}": f"v{n}" for n in range(40)} | {"hippolyte:run": "mine"}
    made = EmrEngine(
        bench.engine.clients, replace(bench.engine.settings, tags=tuple(given.items()))
    )
    what = launch("orders", ratios=[0.5])
    bench.handle = made.prepare(what)
    made.start(bench.handle, what)

    tags = bench.cluster._tags
    assert {key: tags[key] for key in given} == given | {"hippolyte:run": what.run_id}
    assert len(tags) == 44
