"""The lambda engine against the local AWS: a batch's workers are started, told and ended as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hippolyte import clients, settings
from hippolyte.engines.engine import Handle, JobState, Launch
from hippolyte.engines.lambda_ import LambdaEngine
from hippolyte.engines.workers import Orders, Record, TableRecord, Workers, part_name
from hippolyte.errors import EngineError
from hippolyte.store import Store
from local.core.call import Call, refusal
from tests.support.builders import launch as whole_launch
from tests.support.harness import BUCKET, MACHINE, NightDriver, driver

STARTED = "2026-11-24T00:00:00Z"


@dataclass
class Bench:
    """An engine, and a batch of a table in four parts, one in two, and one that is not split."""

    night: NightDriver
    engine: LambdaEngine
    launch: Launch
    handle: Handle = field(default_factory=dict)

    def start(self, **changed: Any) -> None:
        self.engine.start(self.handle, replace(self.launch, **changed))

    @property
    def workers(self) -> Workers:
        return Workers(Store(self.night.s3, BUCKET), self.engine.settings, self.launch.run_id)

    @property
    def orders(self) -> Orders:
        found = self.workers.orders(self.handle["worker"])
        assert found
        return found[0]

    def executions(self) -> dict[str, str]:
        """Return the status of each execution, by the name of its worker."""
        start = f"{self.launch.run_id}-"
        return {
            one.arn.rpartition(":")[2].removeprefix(start): one.status
            for one in self.night.world.machines.of(MACHINE)
        }

    def says(self, part: int, stopped: bool = False, **tables: str) -> None:
        """Write a worker's record, as its link would."""
        name = part_name(self.handle["worker"], part)
        states = {
            table: TableRecord(state, items=1, begun=STARTED, at=STARTED)
            for table, state in tables.items()
        }
        found = self.workers.record(name)
        record = Record(link="me", claimed=STARTED, alive=STARTED, stopped=stopped, tables=states)
        assert self.workers.write(name, record, found[1] if found else None)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with driver(monkeypatch, "lambda") as night:
        made = whole_launch("huge", "large", "small")
        parts = {"huge": 4, "large": 2, "small": 1}
        jobs = [replace(job, parts=parts[job.table]) for job in made.jobs]
        wanted = replace(made, jobs=jobs, scans=["1", "2", "3"], workers=9)
        # no link is to read anything: what it would say is written here
        night.world.limits.concurrent_executions = 0
        found = settings.load()
        engine = LambdaEngine(clients.build(found), found)
        yield Bench(night, engine, wanted, engine.prepare(wanted))


def parts_of(orders: Orders) -> dict[str, int]:
    return {name: order.parts for name, order in orders.tables.items()}


ALL = ["b001", "b001-p2", "b001-p3", "b001-p4"]


def test_a_batch_has_as_many_workers_as_its_largest_table_parts(bench: Bench) -> None:
    assert not bench.engine.started(bench.handle)
    bench.start()
    assert bench.executions() == dict.fromkeys(ALL, "RUNNING")
    assert bench.orders.parts == 4
    assert parts_of(bench.orders) == {"huge": 4, "large": 2, "small": 1}
    # and once more is once
    bench.start()
    assert bench.engine.started(bench.handle)
    assert bench.executions() == dict.fromkeys(ALL, "RUNNING")


def test_no_table_has_more_parts_than_there_may_be_workers(bench: Bench) -> None:
    bench.start(workers=3)
    assert list(bench.executions()) == ALL[:3]
    assert parts_of(bench.orders) == {"huge": 3, "large": 2, "small": 1}


def test_the_number_of_workers_is_said_once(bench: Bench) -> None:
    bench.start(workers=3, ratios=[None, 0.5, 0.5])
    bench.start(workers=9, ratios=[None, 0.5, 0.5])
    bench.engine.add(bench.handle, bench.launch, [0])
    assert list(bench.executions()) == ALL[:3]
    assert parts_of(bench.orders) == {"huge": 3, "large": 2, "small": 1}


def test_the_rest_of_the_workers_is_started_after_a_refusal(bench: Bench) -> None:
    bench.night.refuse("stepfunctions:StartExecution", "AccessDeniedException", "no", 1)
    with pytest.raises(EngineError):
        bench.start()
    # nothing runs, so it was not started
    assert bench.executions() == {}
    calls = iter(range(4))

    def third(call: Call) -> None:
        if next(calls) == 2:
            raise refusal(call, "AccessDeniedException", "no")

    bench.night.world.before("stepfunctions:StartExecution", third, 3)
    # two run: whether it was started is to be looked for, as after a lost answer
    with pytest.raises(ClientError, match="AccessDenied"):
        bench.start()
    assert list(bench.executions()) == ALL[:2]
    assert bench.engine.started(bench.handle)
    assert list(bench.executions()) == ALL


def test_a_cancel_ends_all_of_them(bench: Bench) -> None:
    bench.start()
    bench.engine.cancel(bench.handle)
    assert bench.orders.ended == "cancelled"
    assert bench.executions() == dict.fromkeys(ALL, "ABORTED")
    # asked again, and of a batch that never was
    bench.engine.cancel(bench.handle)
    bench.engine.cancel({**bench.handle, "worker": "b002"})


def test_a_batch_is_told_as_one(bench: Bench) -> None:
    bench.start()
    assert {
        n: s.state for n, s in bench.engine.poll(bench.handle, 3).jobs.items()
    } == dict.fromkeys(range(3), JobState.WAITING)
    bench.says(3, huge="reading")
    bench.says(0, huge="reading", large="read", small="done")
    found = bench.engine.poll(bench.handle, 3)
    assert [found.jobs[number].state for number in range(3)] == [
        JobState.RUNNING,
        JobState.RUNNING,
        JobState.SUCCEEDED,
    ]
    # who reads a part of another table has nothing to do with it
    assert [found.jobs[number].dead for number in range(3)] == [False, False, True]
    bench.says(1, large="done", huge="read", stopped=True)
    found = bench.engine.poll(bench.handle, 3)
    assert [found.jobs[number].state for number in (0, 1)] == [JobState.RUNNING, JobState.SUCCEEDED]
    assert found.jobs[1].dead
    assert not found.gone


def test_it_is_gone_when_all_of_them_are(bench: Bench) -> None:
    bench.start()
    for number in range(4):
        assert not bench.engine.poll(bench.handle, 3).gone
        bench.says(number, stopped=True, huge="more")
    found = bench.engine.poll(bench.handle, 3)
    assert found.gone
    assert found.jobs[0].state is JobState.RUNNING


def test_one_that_is_stopped_by_hand_ends_the_others_once_it_is_dead(bench: Bench) -> None:
    bench.start()
    bench.says(0, huge="reading")
    (third,) = [e for e in bench.night.world.machines.of(MACHINE) if e.arn.endswith("-p3")]
    bench.night.world.client("stepfunctions").stop_execution(executionArn=third.arn)
    assert bench.engine.poll(bench.handle, 3).jobs[0].state is JobState.RUNNING
    # the function's timeout and a minute
    bench.night.world.clock.advance(900 + 60)
    found = bench.engine.poll(bench.handle, 3)
    assert (found.jobs[0].state, found.jobs[0].dead) == (JobState.CANCELLED, False)
    assert "b001-p3 ended: its execution ended as ABORTED" in found.jobs[0].error
    assert (found.jobs[1].state, found.gone) == (JobState.WAITING, False)
    bench.engine.finish(bench.handle)
    assert bench.orders.ended


def test_one_that_cannot_be_started_is_missed(bench: Bench) -> None:
    def further(call: Call) -> None:
        if "-p" in str(call.params["name"]):
            raise refusal(call, "AccessDeniedException", "no")

    bench.night.world.before("stepfunctions:StartExecution", further)
    with pytest.raises(ClientError, match="AccessDenied"):
        bench.start()
    assert bench.engine.started(bench.handle)
    assert list(bench.executions()) == ["b001"]
    bench.says(0, huge="reading")
    assert bench.engine.poll(bench.handle, 3).jobs[0].state is JobState.RUNNING
    bench.night.world.clock.advance(900 + 60 + 300)
    found = bench.engine.poll(bench.handle, 3)
    assert (found.jobs[0].state, found.gone) == (JobState.CANCELLED, False)
    assert "b001-p2 ended: its execution is not there" in found.jobs[0].error


def test_what_its_first_was_answered_is_not_taken_for_a_start(bench: Bench) -> None:
    """Without a word that it was, it is asked for again, whatever becomes of further ones."""
    bench.night.refuse("stepfunctions:StartExecution", "InternalServerException", "oh", 5)
    with pytest.raises(ClientError, match="InternalServer"):
        bench.start()
    with pytest.raises(ClientError, match="InternalServer"):
        bench.engine.started(bench.handle)


def test_a_table_moves_when_its_own_workers_are_dead(bench: Bench) -> None:
    bench.start()
    bench.says(0, huge="read", large="read", small="reading")
    bench.says(1, huge="reading", large="read")
    (first,) = [e for e in bench.night.world.machines.of(MACHINE) if e.arn.endswith("-b001")]
    bench.night.world.client("stepfunctions").stop_execution(executionArn=first.arn)
    bench.night.world.clock.advance(900 + 60)
    found = bench.engine.poll(bench.handle, 3)
    # the others still read the first table
    assert (found.jobs[0].state, found.gone) == (JobState.RUNNING, False)
    assert (found.jobs[2].state, found.jobs[2].dead) == (JobState.CANCELLED, True)
    assert "b001 ended: its execution ended as ABORTED" in found.jobs[2].error
