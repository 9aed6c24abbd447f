"""The Data Pipeline engine: how it reads states, what it does with refusals, on the local AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from moto.datapipeline.models import datapipeline_backends

from hippolyte import clients, settings
from hippolyte.engines.datapipeline import DataPipelineEngine
from hippolyte.engines.engine import BatchStatus, DefinitionError, Handle, JobState, LimitError
from hippolyte.errors import EngineError
from local.core.faults import ALWAYS
from local.datapipeline.objects import Instance
from tests.support.builders import launch
from tests.support.harness import NightDriver, driver


@dataclass
class Bench:
    """An engine with a pipeline that runs two exports."""

    night: NightDriver
    engine: DataPipelineEngine
    handle: Handle

    def instance(self, name: str) -> Instance:
        backend = datapipeline_backends[self.night.account][self.night.region]
        return next(
            i for i in backend.pipelines[self.handle["pipeline"]].instances() if i.name == name
        )

    def poll(self) -> BatchStatus:
        return self.engine.poll(self.handle, 2)

    def advance(self, seconds: float) -> None:
        self.night.world.clock.advance(seconds)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with driver(monkeypatch) as night:
        for name in ("orders", "users"):
            night.table(name)
        configuration = settings.load()
        made = DataPipelineEngine(clients.build(configuration), configuration)
        yield Bench(night, made, {})


@pytest.fixture
def bench(engine: Bench) -> Bench:
    engine.handle = engine.engine.prepare(launch("orders", "users"))
    engine.engine.start(engine.handle, launch("orders", "users"))
    engine.advance(60)
    return engine


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("FINISHED", JobState.SUCCEEDED),
        ("MARK_FINISHED", JobState.SUCCEEDED),
        ("FAILED", JobState.FAILED),
        ("CASCADE_FAILED", JobState.CANCELLED),
        ("CANCELED", JobState.CANCELLED),
        ("TIMEDOUT", JobState.CANCELLED),
        ("SKIPPED", JobState.CANCELLED),
        ("RUNNING", JobState.RUNNING),
        ("PAUSED", JobState.WAITING),
        ("WAITING_FOR_RUNNER", JobState.WAITING),
        ("WAITING_ON_DEPENDENCIES", JobState.WAITING),
        ("VALIDATING", JobState.WAITING),
        ("SHUTTING_DOWN", JobState.WAITING),
        ("SOMETHING_NEW", JobState.WAITING),
    ],
)
def test_an_instances_status_is_read_as(bench: Bench, status: str, state: JobState) -> None:
    bench.instance("Export001").status = status
    job = bench.poll().jobs[1]
    assert job.state is state
    # what the pipeline calls over says nothing of the MapReduce job; only a success does
    assert job.dead is (state is JobState.SUCCEEDED)
    assert (status == "PAUSED") is bench.poll().paused


def test_before_there_are_instances_everything_waits(engine: Bench) -> None:
    handle = engine.handle = engine.engine.prepare(launch("orders", "users"))
    assert not engine.engine.started(handle)
    assert engine.poll() == BatchStatus()
    engine.engine.start(handle, launch("orders", "users"))
    assert engine.engine.started(handle)
    assert engine.poll() == BatchStatus()


def test_a_run_is_followed_to_its_end(bench: Bench) -> None:
    seen: list[tuple[str, ...]] = []
    for _ in range(60):
        status = bench.poll()
        states = tuple(status.jobs[n].state.value for n in (0, 1))
        if not seen or seen[-1] != states:
            seen.append(states)
        if status.gone:
            break
        bench.advance(20)
    assert seen[0] == ("waiting", "waiting")
    # one after another, in whatever order
    assert ("running", "running") not in seen
    assert seen[-1] == ("succeeded", "succeeded")
    assert status.host_id == bench.handle["cluster"]
    assert status.failure == ""
    for job in status.jobs.values():
        assert job.dead
        assert job.log.startswith(f"s3://backups/logs/123456789012/us-east-1/{status.host_id}/")
        assert job.started_at
        assert job.finished_at


def test_an_attempts_own_error_is_kept(bench: Bench) -> None:
    bench.night.world.faults.step_fails["orders"] = ALWAYS
    while bench.poll().jobs[0].state is not JobState.FAILED:
        bench.advance(60)
    job = bench.poll().jobs[0]
    # its MapReduce job may live until the cluster is gone
    assert not job.dead
    assert job.error.startswith("ActivityFailed:EmrException: EMR job '@Export000_")
    assert "injected by the local AWS" in job.error
    while not bench.poll().gone:
        bench.advance(60)
    assert bench.poll().jobs[0].dead


def test_an_activity_called_over_is_not_dead_while_its_step_lives(bench: Bench) -> None:
    bench.night.world.faults.step_hangs.update(orders=ALWAYS, users=ALWAYS)
    while not any(j.state is JobState.RUNNING for j in bench.poll().jobs.values()):
        bench.advance(30)
    number = next(n for n, j in bench.poll().jobs.items() if j.state is JobState.RUNNING)
    bench.instance(f"Export{number:03d}").status = "TIMEDOUT"
    job = bench.poll().jobs[number]
    assert (job.state, job.dead) == (JobState.CANCELLED, False)
    bench.engine.cancel(bench.handle)
    bench.advance(600)
    assert bench.poll().jobs[number].dead
    assert bench.poll().gone


def test_a_clusters_failure_is_told_in_its_words(engine: Bench) -> None:
    engine.night.world.faults.cluster_start_fails = ["no free address"]
    engine.handle = engine.engine.prepare(launch("orders", "users"))
    engine.engine.start(engine.handle, launch("orders", "users"))
    engine.advance(600)
    status = engine.poll()
    assert status.gone
    assert "no free address: EMR: VALIDATION_ERROR: no free address" in status.failure
    assert {j.state for j in status.jobs.values()} == {JobState.CANCELLED}


def test_of_a_cluster_that_came_to_no_id_the_services_words_are_told(engine: Bench) -> None:
    engine.night.world.deny("elasticmapreduce:RunJobFlow")
    engine.handle = engine.engine.prepare(launch("orders"))
    engine.engine.start(engine.handle, launch("orders"))
    engine.advance(600)
    status = engine.poll()
    assert status.gone
    assert "cluster" not in engine.handle
    assert "Unable to create resource" in status.failure
    assert "EMR: " not in status.failure


def test_a_pipeline_deleted_between_two_calls_of_a_look(bench: Bench) -> None:
    """Two passes at once: the other has seen the batch's end, and deleted its pipeline."""
    bench.night.world.faults.step_fails["orders"] = ALWAYS
    bench.advance(4 * 3600)
    client, calls, last = bench.engine.clients.datapipeline, 0, 0

    def meanwhile(**_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == last:
            bench.night.world.client("datapipeline").delete_pipeline(
                pipelineId=bench.handle["pipeline"]
            )

    client.meta.events.register("before-call", meanwhile)
    bench.poll()
    made = calls
    assert made > 2
    bench.engine.clean_up(bench.handle)
    for at in range(1, made + 1):
        bench.handle = bench.engine.prepare(launch("orders", "users"))
        bench.engine.start(bench.handle, launch("orders", "users"))
        bench.advance(4 * 3600)
        calls, last = 0, at
        assert "deleted by somebody" in bench.poll().failure
        last = 0


def test_a_pipeline_deleted_by_somebody_leaves_its_cluster_to_be_seen(bench: Bench) -> None:
    bench.advance(300)
    bench.poll()
    bench.engine.clean_up(bench.handle)
    status = bench.poll()
    assert not status.gone
    assert {(j.state, j.dead) for j in status.jobs.values()} == {(JobState.CANCELLED, False)}
    bench.advance(600)
    status = bench.poll()
    assert status.gone
    assert all(j.dead for j in status.jobs.values())
    assert "deleted by somebody" in status.failure


def test_a_repeated_preparation_is_the_same_pipeline(engine: Bench) -> None:
    one = engine.engine.prepare(launch("orders"))
    assert engine.engine.prepare(launch("orders", ratio=0.25)) == one
    assert len(engine.night.pipelines()) == 1


def test_everything_but_start_may_be_repeated_after_the_end(bench: Bench) -> None:
    for _ in range(2):
        bench.engine.cancel(bench.handle)
        bench.engine.clean_up(bench.handle)
    bench.engine.cancel(bench.handle)
    assert bench.engine.started(bench.handle) is False


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("InvalidRequestException", "Pipeline limit exceeded: 100", LimitError),
        ("InvalidRequestException", "closed to new customers", EngineError),
        ("AccessDeniedException", "is not authorized to perform", EngineError),
        ("LimitExceededException", "too many", LimitError),
    ],
)
def test_a_refusal_is_a_limit_or_final(
    engine: Bench, code: str, message: str, kind: type[EngineError]
) -> None:
    engine.night.refuse("datapipeline:CreatePipeline", code, message)
    with pytest.raises(EngineError, match=message) as caught:
        engine.engine.prepare(launch("orders"))
    assert type(caught.value) is kind


def test_a_refused_definition_names_its_objects_and_leaves_no_pipeline(
    engine: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hippolyte.engines import datapipeline

    original = datapipeline.definition

    def spoilt(*args: Any) -> dict[str, Any]:
        made = original(*args)
        made["objects"][-1]["maximumRetries"] = "9"
        return made

    monkeypatch.setattr(datapipeline, "definition", spoilt)
    with pytest.raises(DefinitionError, match="maximumRetries must be at most 5, got 9") as caught:
        engine.engine.prepare(launch("orders", "users"))
    assert list(caught.value.by_job) == [1]
    assert engine.night.pipelines() == []


def test_a_fault_of_a_shared_object_is_nobodys_own(engine: Bench) -> None:
    engine.night.world.faults.definition_errored = 1
    with pytest.raises(DefinitionError) as caught:
        engine.engine.prepare(launch("orders", "users"))
    assert caught.value.by_job == {}


def test_a_pipeline_has_the_deployers_first_seven_tags(engine: Bench) -> None:
    given = tuple((f"k{n:02}", f"v{n}") for n in reversed(range(9)))
    made = DataPipelineEngine(engine.engine.clients, replace(engine.engine.settings, tags=given))
    handle = made.prepare(launch("orders"))

    described = engine.night.world.client("datapipeline").describe_pipelines(
        pipelineIds=[handle["pipeline"]]
    )["pipelineDescriptionList"][0]
    assert {t["key"] for t in described["tags"]} == {
        *(f"hippolyte:{key}" for key in ("deployment", "run", "batch")),
        *(f"k{n:02}" for n in range(7)),
    }


@pytest.mark.parametrize("call", ["DescribeCluster", "ListSteps"])
@pytest.mark.parametrize("deleted", [False, True])
def test_while_emr_throttles_nothing_is_known_of_the_jobs(
    bench: Bench, call: str, deleted: bool
) -> None:
    while not bench.handle.get("cluster"):
        bench.advance(60)
        bench.poll()
    if deleted:
        bench.engine.clean_up(bench.handle)
    bench.night.refuse(f"emr:{call}", "ThrottlingException", "Rate exceeded")
    bench.advance(180)
    status = bench.poll()
    assert (status.asked, status.jobs, status.gone) == (False, {}, False)
    assert status.host_id == bench.handle["cluster"]
    bench.night.allow_all()
    bench.advance(180)
    assert bench.poll().asked
    assert set(bench.poll().jobs) == {0, 1}
