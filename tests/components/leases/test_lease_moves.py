"""Leases between invocations: whose intent it is, how old, and what may be judged by then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from hippolyte import clients, settings
from hippolyte.errors import ConflictError
from hippolyte.leases.book import Leases
from hippolyte.leases.give_back import give_back
from hippolyte.leases.lease import Held, LeaseState, Raise
from hippolyte.leases.take import take
from hippolyte.planning.plan import Job
from hippolyte.store import Store
from tests.support.harness import NightDriver, driver

RUN = "2026-11-24T00-00Z"


@dataclass
class Bench:
    """One provisioned table, and invocations that move its lease."""

    night: NightDriver

    def leases(self, me: str = "me") -> Leases:
        configuration = settings.load()
        built = clients.build(configuration)
        return Leases(built, Store(built.s3, configuration.bucket), configuration, me)

    def job(self, to: int | None = 1500) -> Job:
        table = self.night.dynamodb.describe_table(TableName="orders")["Table"]
        return Job("orders", table["TableId"], 1, 1, 1000, 0.6, 0.5, 900.0, 60, to)

    def take(self, me: str = "me", held: Held | None = None) -> tuple[Raise, Held | None, str]:
        expiry = self.night.world.clock.now() + timedelta(hours=3)
        return take(self.leases(me), self.job(), RUN, expiry, held)

    def raised(self) -> Held:
        _, held, _ = self.take()
        self.advance(180)
        outcome, held, _ = self.take(held=held)
        assert outcome is Raise.READY
        assert held is not None
        return held

    def advance(self, seconds: float) -> None:
        self.night.world.clock.advance(seconds)

    def read(self) -> int:
        return self.night.capacity("orders")[0]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with driver(monkeypatch) as night:
        night.table("orders", read=1000)
        yield Bench(night)


def test_a_raise_is_pending_until_the_table_is_active_at_it(bench: Bench) -> None:
    outcome, held, _ = bench.take()
    assert outcome is Raise.PENDING
    assert bench.take(held=held)[0] is Raise.PENDING
    bench.advance(61)
    assert bench.take(held=held)[0] is Raise.READY
    assert held is not None
    assert held.lease.state is LeaseState.RAISED
    assert len(bench.night.watch.updates) == 1


def test_another_invocations_intent_is_left_alone_for_sixteen_minutes(bench: Bench) -> None:
    bench.night.refuse("dynamodb:UpdateTable", "InternalServerError", "lost", times=1)
    bench.take("dead")
    held = bench.leases().all_open()["orders"]
    # as if the invocation had died before its call, its intent is its own
    bench.leases("dead").write(held, intent_by="dead")
    bench.advance(15 * 60)
    assert bench.take("other", held)[0] is Raise.PENDING
    assert not give_back(bench.leases("other"), held)
    assert len(bench.night.watch.updates) == 1
    bench.advance(2 * 60)
    assert bench.take("other", held)[0] is Raise.PENDING
    assert len(bench.night.watch.updates) == 2
    bench.advance(60)
    assert bench.read() == 1500


def test_nothing_is_judged_within_two_minutes_of_an_intent(bench: Bench) -> None:
    bench.take()
    bench.advance(100)
    held = bench.leases().all_open()["orders"]
    assert not give_back(bench.leases(), held)
    assert bench.read() == 1500
    bench.advance(30)
    assert not give_back(bench.leases(), held)
    bench.advance(130)
    assert bench.read() == 1000
    assert give_back(bench.leases(), held)
    assert bench.leases().all_open() == {}


def test_two_invocations_take_one_lease(bench: Bench) -> None:
    assert bench.take("one")[0] is Raise.PENDING
    outcome, held, _ = bench.take("two")
    assert (outcome, held) == (Raise.PENDING, None)
    assert len(bench.night.watch.updates) == 1


def test_a_slow_invocation_finds_the_lease_moved(bench: Bench) -> None:
    held = bench.raised()
    slow = bench.leases("slow").all_open()["orders"]
    bench.advance(300)
    give_back(bench.leases(), held)
    bench.advance(61)
    with pytest.raises(ConflictError):
        give_back(bench.leases("slow"), slow)
    bench.advance(120)
    assert give_back(bench.leases(), held)
    assert bench.read() == 1000
    assert len(bench.night.watch.updates) == 2


def test_a_released_lease_is_taken_again_in_its_place(bench: Bench) -> None:
    held = bench.raised()
    for _ in range(3):
        bench.advance(180)
        if give_back(bench.leases(), held):
            break
    assert bench.read() == 1000
    bench.raised()
    assert bench.read() == 1500
    assert len(bench.night.keys("leases/")) == 1
    assert bench.night.watch.violations == []


def test_a_raise_that_is_refused_for_good_says_why(bench: Bench) -> None:
    bench.night.refuse("dynamodb:UpdateTable", "LimitExceededException", "the account's quota")
    outcome, held, why = bench.take()
    assert outcome is Raise.REFUSED
    assert "the account's quota" in why
    assert held is not None
    bench.advance(180)
    assert give_back(bench.leases(), held)
    assert held.lease.note == "never raised"


@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceInUseException"])
def test_a_raise_that_is_refused_for_the_moment_is_made_later(bench: Bench, code: str) -> None:
    bench.night.refuse("dynamodb:UpdateTable", code, "later", times=1)
    outcome, held, _ = bench.take()
    assert outcome is Raise.PENDING
    bench.advance(180)
    assert bench.take("next", held)[0] is Raise.PENDING
    bench.advance(61)
    assert bench.take("next", held)[0] is Raise.READY


def test_too_many_tables_in_change_is_of_the_moment(bench: Bench) -> None:
    """LimitExceededException means two things (hashicorp/terraform-provider-aws 1776, 2274)."""
    words = "Only 500 tables can be created, updated, or deleted simultaneously"
    bench.night.refuse("dynamodb:UpdateTable", "LimitExceededException", words, times=1)
    outcome, held, _ = bench.take()
    assert outcome is Raise.PENDING
    bench.advance(180)
    assert bench.take("next", held)[0] is Raise.PENDING
    bench.advance(61)
    assert bench.take("next", held)[0] is Raise.READY


def test_a_table_that_is_not_the_planned_one_is_not_raised(bench: Bench) -> None:
    job = bench.job()
    bench.night.dynamodb.delete_table(TableName="orders")
    bench.night.table("orders", read=1000)
    outcome, held, why = take(bench.leases(), job, RUN, bench.night.world.clock.now(), None)
    assert (outcome, held) == (Raise.REFUSED, None)
    assert "recreated" in why
    assert bench.night.keys("leases/") == []
