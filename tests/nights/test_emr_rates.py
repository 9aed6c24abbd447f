"""A night of many full clusters: what it asks of EMR, against the rates of an account."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.emr.models import emr_backends

from hippolyte import assembly, settings
from hippolyte.night.follow import follow
from hippolyte.night.launch import launch
from hippolyte.night.one_pass import Pass
from hippolyte.records.ledger import BatchEntry, BatchState, Ledger, TableEntry
from hippolyte.records.ledger_text import LedgerText
from hippolyte.records.runs import Run, Runs
from local.core import aws
from local.emr import calls
from local.programs import start
from local.programs.step_context import Done, Outcome, StepContext
from tests.support.builders import emr_plan, job, table
from tests.support.harness import START, TIMEOUT_SECONDS, NightDriver

pytestmark = [pytest.mark.engine("emr"), pytest.mark.timeout(600)]

CLUSTERS, TABLES, STEP_SECONDS = 30, 200, 100.0
HOURS = 3


class Slept:
    """An export that takes a while, and reads nothing."""

    def __init__(self, context: StepContext, done: Done) -> None:
        self._over = False
        self._done = done
        aws.later(context.world, STEP_SECONDS, self._end)

    def _end(self) -> None:
        if not self._over:
            self._done(Outcome(succeeded=True))

    def lose_nodes(self, *, every: bool) -> None:
        """It loses none."""

    def stop(self) -> None:
        self._over = True


@dataclass
class Fleet:
    """A run of many clusters in the hands of a test; `passes` has what each pass asked of EMR."""

    night: NightDriver
    run: Run
    passes: list[Counter[str]] = field(default_factory=list)
    throttled: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return self.run.ledger

    @property
    def now(self) -> datetime:
        return self.night.world.clock.now()

    def one_pass(self) -> Pass:
        """Follow and launch as the monitor does, with what is on record."""
        self.run.ledger = Ledger.from_record(json.loads(LedgerText().of(self.ledger)))
        before = Counter(self.night.world.gate.calls)
        with self.night.world.sleeper.invocation(TIMEOUT_SECONDS) as time:
            p = assembly.assemble(
                settings.load(), f"{len(self.passes)}", lambda: TIMEOUT_SECONDS - time.elapsed()
            )
            p.follow(self.run)
            follow(p, self.run)
            launch(p, self.run)
            self.seconds.append(time.elapsed())
        asked = self.night.world.gate.calls - before
        self.passes.append(Counter({n: c for n, c in asked.items() if n.startswith("emr:")}))
        return p

    def let_pass(self, minutes: float = 5) -> None:
        self.night.world.clock.advance(minutes * 60)

    def until(self, when: datetime) -> None:
        while self.now < when:
            self.let_pass()
            self.one_pass()

    @property
    def states(self) -> Counter[str]:
        """The steps of all clusters by state, as they are."""
        clusters = emr_backends[self.night.account][self.night.region].clusters.values()
        return Counter(step.state for cluster in clusters for step in cluster.steps)

    def outcomes(self) -> Counter[str]:
        return Counter(entry.outcome for entry in self.ledger.tables.values())

    def outcomes_are_as_they_were(self) -> bool:
        """Say whether each table's outcome is what became of its step."""
        clusters = emr_backends[self.night.account][self.night.region].clusters.values()
        ended = {step.name.split()[1]: step.state for each in clusters for step in each.steps}
        told = {name: entry.outcome for name, entry in self.ledger.tables.items()}
        return told == {
            name: "succeeded" if state == "COMPLETED" else "cancelled"
            for name, state in ended.items()
        }


@contextmanager
def fleet(
    night: NightDriver, patch: pytest.MonkeyPatch, clusters: int, tables: int
) -> Iterator[Fleet]:
    night.configure(window_seconds=HOURS * 3600, planning={"max_clusters": clusters})
    night.world.gate.hooks.clear()
    patch.setattr(start, "start", Slept)
    patch.setattr(Runs, "save", lambda *_: None)
    plan = replace(emr_plan(table("x"), hours=HOURS), at_once=clusters)
    batches, entries = {}, {}
    for number in range(clusters):
        name = f"b{number:03d}"
        jobs = [job(f"t-{number:03d}-{n:03d}") for n in range(tables)]
        batches[name] = BatchEntry(name, number, jobs, attempts={j.table: 1 for j in jobs})
        entries |= {j.table: TableEntry(batch_id=name) for j in jobs}
    ledger = Ledger(plan.run_id, batches, entries)
    made = Fleet(night, Run(plan, ledger, "", "", LedgerText()))
    check = calls._check_rates

    def counted(world: Any, response: Any, name: str) -> None:
        try:
            check(world, response, name)
        except JsonRESTError:
            made.throttled[name] += 1
            raise

    patch.setattr(calls, "_check_rates", counted)
    yield made


def test_a_night_of_many_full_clusters_keeps_within_emrs_rates(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documented: ListSteps, RunJobFlow, TerminateJobFlows 10 at once, then 0.5 a second."""
    with fleet(night, monkeypatch, CLUSTERS, TABLES) as made:
        deadline = START + timedelta(hours=HOURS)
        made.one_pass()
        assert made.passes[0]["emr:RunJobFlow"] == 29
        made.until(deadline - timedelta(minutes=5))
        assert sum(asked["emr:RunJobFlow"] for asked in made.passes) == CLUSTERS
        # nearly all that has ended is known, with five minutes and a pass between two looks
        ended, known = made.states["COMPLETED"], made.outcomes()["succeeded"]
        assert known > CLUSTERS * TABLES / 3
        assert known >= ended - CLUSTERS * 600 / STEP_SECONDS
        assert made.outcomes()["cancelled"] + made.outcomes()["failed"] == 0
        made.until(deadline)
        # in the pass that the deadline falls into
        assert made.passes[-1]["emr:TerminateJobFlows"] == CLUSTERS
        made.until(deadline + timedelta(minutes=20))
        assert {batch.state for batch in made.ledger.batches.values()} == {BatchState.CLOSED}
        assert made.outcomes_are_as_they_were()
        assert not any(entry.exporting for entry in made.ledger.tables.values())
        assert not made.throttled
        for asked, seconds in zip(made.passes, made.seconds, strict=True):
            # half of what is let through at once, and four fifths of what refills
            paced = asked.keys() - {"emr:ListClusters"}
            assert all(asked[call] <= 5 + 0.4 * seconds for call in paced)
            assert asked["emr:ListClusters"] <= 4
            assert seconds <= 130


@pytest.mark.parametrize("refused", ["emr:ListSteps", "emr:[LD]*"])
def test_what_could_not_be_asked_is_asked_later_and_taken_for_nothing(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """EMR throttles for two hours whatever is asked: nothing is ended for it, and nothing lost."""
    with fleet(night, monkeypatch, 3, TABLES) as made:
        made.one_pass()
        made.until(START + timedelta(minutes=30))
        before = made.outcomes()
        assert before["succeeded"] > 0
        night.refuse(refused, "ThrottlingException", "Rate exceeded")
        for _ in range(24):
            made.let_pass()
            p = made.one_pass()
            assert p.failures == []
        assert made.outcomes() == before
        assert {batch.state for batch in made.ledger.batches.values()} == {BatchState.RUNNING}
        assert {batch.passed_over for batch in made.ledger.batches.values()} == {24}
        # one call after the other is not tried for a minute each
        assert max(made.seconds) < 300
        night.world.gate.hooks.clear()
        made.let_pass()
        made.one_pass()
        missed = made.states["COMPLETED"] - made.outcomes()["succeeded"]
        assert missed == 0
        assert {batch.passed_over for batch in made.ledger.batches.values()} == {0}


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException"])
def test_the_deadline_needs_no_look(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    with fleet(night, monkeypatch, 12, 20) as made:
        made.one_pass()
        made.until(START + timedelta(minutes=30))
        made.run.plan = replace(made.run.plan, deadline=made.now)
        night.refuse("emr:[LD]*", code, "not now")
        made.one_pass()
        assert made.passes[-1]["emr:TerminateJobFlows"] == 12
        assert {b.state for b in made.ledger.batches.values()} == {BatchState.CANCELLING}
        made.let_pass()
        made.one_pass()
        assert any(entry.exporting for entry in made.ledger.tables.values())
        night.world.gate.hooks.clear()
        made.until(made.now + timedelta(minutes=10))
        assert {b.state for b in made.ledger.batches.values()} == {BatchState.CLOSED}
        assert made.outcomes_are_as_they_were()


def test_those_passed_over_come_first(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    """More clusters than a pass may ask about: each has its turn in the next or the one after."""
    with fleet(night, monkeypatch, 40, 20) as made:
        made.one_pass()
        made.until(START + timedelta(minutes=20))
        for _ in range(4):
            made.let_pass()
            made.one_pass()
            assert {batch.passed_over for batch in made.ledger.batches.values()} == {0, 1}
        assert not made.throttled
