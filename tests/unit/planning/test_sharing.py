"""Plans of the engine `lambda`: who reads beside whom, at what rate, and what is bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.engines.lambda_ import TABLES_PER_WORKER
from hippolyte.planning.host import VCPU_BYTES, host_of
from hippolyte.planning.plan import Plan, parts_of
from hippolyte.planning.planner import make_plan
from hippolyte.tables.table import Inventory, Limits, Scaling, Table
from tests.support.builders import GIB, night, on_demand, settings, table

EXPORTER = {"machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:h-exporter"}


def lambda_plan(
    *tables: Table, free: int | None = 1000, exporter: dict[str, Any] | None = None, **changes: Any
) -> Plan:
    made = settings(engine="lambda", exporter={**EXPORTER, **(exporter or {})}, **changes)
    limits = Limits(account_max_read=10**6, unreserved_concurrency=free)
    return make_plan(Inventory(tables, limits), made, night(), TABLES_PER_WORKER, True)


def names(made: Plan) -> list[list[str]]:
    return [[job.table for job in batch.jobs] for batch in made.batches]


def test_slow_tables_share_a_worker() -> None:
    made = lambda_plan(*(table(f"t{n:03d}", read_capacity=2) for n in range(300)))
    assert len(made.batches) == 1
    assert made.discovered == 300


def test_a_rate_is_taken_as_it_is() -> None:
    (job,) = lambda_plan(table(read_capacity=1)).jobs
    assert job.rate == 0.5
    assert job.estimate_seconds == pytest.approx((1 << 20) / (0.5 * 7680), abs=1)


def test_those_that_take_long_go_together() -> None:
    """Each fills half a worker; the quick ones' workers end early."""
    half = VCPU_BYTES / 2 / 7680 * 2 * 0.99
    slow = [table(f"slow{n}", size_bytes=80 * GIB, read_capacity=int(half)) for n in range(2)]
    quick = [table(f"quick{n}", size_bytes=GIB, read_capacity=int(half)) for n in range(2)]
    assert names(lambda_plan(*slow, *quick)) == [["slow0", "slow1"], ["quick0", "quick1"]]


def test_an_empty_table_is_scanned_like_any_other() -> None:
    made = lambda_plan(table(empty=True, size_bytes=0, item_count=0))
    assert names(made) == [["orders"]]
    assert made.empty == ()


@pytest.mark.parametrize(
    ("free", "workers", "most", "told"),
    [
        (1000, 10, 10, ""),
        (50, 10, 5, "5 workers at once, not 10"),
        (10, 10, 1, "1 workers at once, not 10"),
        (0, 10, 1, "1 workers at once, not 10"),
        (None, 10, 1, "could not be read"),
        (1000, 3, 3, ""),
    ],
)
def test_the_accounts_other_functions_come_first(
    free: int | None, workers: int, most: int, told: str
) -> None:
    fast = [table(f"t{n:02d}", size_bytes=50 * GIB, read_capacity=20_000) for n in range(30)]
    made = lambda_plan(*fast, free=free, exporter={"max_workers": workers})
    assert made.at_once == most
    # one is left for what is tried again
    assert len({batch.timeline for batch in made.batches}) == max(1, most - 1)
    assert [w for w in made.warnings if "workers at once" in w or "could not be read" in w] == (
        [w for w in made.warnings if told and told in w]
    )
    assert bool(told) == any(told in w for w in made.warnings if told)


def test_what_does_not_fit_is_raised_no_more_than_a_worker_can_use() -> None:
    (job,) = lambda_plan(table(size_bytes=200 * GIB, read_capacity=1000)).jobs
    assert job.raise_to is not None
    assert job.rate * 7680 <= VCPU_BYTES * 1.001
    # within the window less the start
    assert job.estimate_seconds <= 25_200 - 60


def test_a_table_that_one_worker_does_not_read_in_time_is_split() -> None:
    made = lambda_plan(table(size_bytes=2000 * GIB, read_capacity=40_000))
    ((job,),) = [batch.jobs for batch in made.batches]
    # its share is worth 15 workers: one of the ten is left for what is tried again
    assert job.parts == 9
    assert job.estimate_seconds == ceil(2000 * GIB / VCPU_BYTES / 9)
    assert made.warnings == ()
    assert made.to_record()["batches"][0]["jobs"][0]["parts"] == 9


def test_a_share_that_one_worker_keeps_up_with_is_not_split() -> None:
    full = int(VCPU_BYTES / 7680 / 0.5)
    for read, parts in ((full, 1), (full + 2, 2), (2 * full, 2), (2 * full + 2, 3)):
        (job,) = lambda_plan(table(size_bytes=100 * GIB, read_capacity=read)).jobs
        assert job.parts == parts


def test_what_one_worker_reads_in_minutes_is_not_split() -> None:
    for size, parts in ((8, 1), (9, 1), (17, 2), (26, 3)):
        (job,) = lambda_plan(table(size_bytes=size * GIB, read_capacity=40_000)).jobs
        assert job.parts == parts


@pytest.mark.parametrize("more", [0, 1])
def test_a_worker_with_too_much_leaves_out_no_more_than_it_must(more: int) -> None:
    """Its 30 tables of 10 GiB are 9 hours of it; one more would not fit for itself."""
    slow = [table("slow", size_bytes=10 * GIB, read_capacity=1, replicated=True)] * more
    fast = [table(f"t{n:02d}", size_bytes=10 * GIB, read_capacity=800) for n in range(30)]
    made = lambda_plan(*slow, *fast, free=10)
    # 23 are read in 7 hours less a start; the others follow where the worker has ended
    assert [len(batch.jobs) for batch in made.batches] == [23, 7 + more]
    assert len({batch.timeline for batch in made.batches}) == 1
    (told,) = [w for w in made.warnings if "no worker has time for" in w]
    assert told.startswith(f"no worker has time for {7 + more} of {30 + more} tables before ")
    # one worker now, of which a second one would be left for what is tried again
    assert "exporter.max_workers = 3 (now 1)" in told
    assert ("for the 1 that take longer than the window even alone" in told) == bool(more)
    # where the others have time, it alone is told of
    made = lambda_plan(*slow, *fast[:10], free=10)
    assert sum("no worker has time for 1 of 11" in w for w in made.warnings) == more


def test_a_raise_has_a_second_worker_only_where_one_has_no_time() -> None:
    (one,) = lambda_plan(table(size_bytes=200 * GIB, read_capacity=1000)).jobs
    (two,) = lambda_plan(table(size_bytes=400 * GIB, read_capacity=1000)).jobs
    assert (one.parts, two.parts) == (1, 2)
    assert one.raise_to
    assert two.raise_to
    assert two.estimate_seconds <= 25_200 - 60


def test_split_tables_leave_the_others_a_worker() -> None:
    huge = [table(f"huge{n}", size_bytes=500 * GIB, read_capacity=40_000) for n in range(2)]
    small = [table(f"t{n:02d}", read_capacity=5) for n in range(20)]
    made = lambda_plan(*huge, *small)
    assert [len(batch.jobs) for batch in made.batches] == [1, 1, 20]
    assert [batch.jobs[0].parts for batch in made.batches] == [4, 4, 1]


def test_where_there_is_but_one_worker_nothing_is_split() -> None:
    made = lambda_plan(table(size_bytes=2000 * GIB, read_capacity=40_000), free=10)
    assert [job.parts for job in made.jobs] == [1]
    assert any("no worker has time for 1 of 1" in w for w in made.warnings)


def test_a_split_table_costs_what_one_worker_would() -> None:
    big = table(size_bytes=200 * GIB, read_capacity=40_000)
    one, many = lambda_plan(big, exporter={"max_workers": 1}), lambda_plan(big)
    assert [job.parts for job in (*one.jobs, *many.jobs)] == [1, 9]
    assert many.jobs[0].estimate_seconds < one.jobs[0].estimate_seconds / 8
    assert many.cost_usd == pytest.approx(one.cost_usd, abs=0.05)


def test_a_table_larger_than_all_workers_is_told() -> None:
    made = lambda_plan(table(size_bytes=4000 * GIB, read_capacity=40_000))
    assert any("no worker has time for 1 of 1" in w and "max_workers" in w for w in made.warnings)


def test_capacity_that_follows_consumption_is_known_to_the_scan() -> None:
    scaled, plain = lambda_plan(table("a", scaling=Scaling(5, 4000)), table("b")).jobs
    assert (scaled.autoscaled, plain.autoscaled) == (True, False)


def test_on_demand_is_read_at_the_setting() -> None:
    (job,) = lambda_plan(on_demand(), planning={"on_demand_read_rate": 300}).jobs
    assert (job.capacity, job.rate, job.raise_to) == (0, 300, None)


def test_consistent_reads_bring_half() -> None:
    (eventual,) = lambda_plan(table(size_bytes=GIB)).jobs
    (consistent,) = lambda_plan(table(size_bytes=GIB), consistent_reads=True).jobs
    assert consistent.estimate_seconds == pytest.approx(2 * eventual.estimate_seconds, abs=1)


def test_a_plan_is_read_back_as_it_was() -> None:
    made = lambda_plan(table("a", scaling=Scaling(5, 4000)), table("b"))
    assert Plan.from_record(json.loads(json.dumps(made.to_record()))) == made


sizes = st.lists(
    st.tuples(st.integers(0, 500 * GIB), st.sampled_from([1, 50, 1000, 20_000])), max_size=40
)


@given(tables=sizes, workers=st.integers(1, 12))
def test_each_table_has_its_workers_and_none_has_too_many(
    tables: Sequence[tuple[int, int]], workers: int
) -> None:
    fleet = [
        table(f"t{n:02d}", size_bytes=size, read_capacity=read)
        for n, (size, read) in enumerate(tables)
    ]
    made = lambda_plan(*fleet, exporter={"max_workers": workers})
    assert sorted(job.table for job in made.jobs) == [each.name for each in fleet]
    # the first of each timeline run at once, the others where one has ended
    first = {batch.timeline: batch for batch in reversed(made.batches)}
    assert sum(parts_of(batch.jobs) for batch in first.values()) <= max(1, workers - 1)
    assert all(len(batch.jobs) == 1 for batch in made.batches if parts_of(batch.jobs) > 1)
    has_time = not any("no worker has time" in warning for warning in made.warnings)
    assert not has_time or len(first) == len(made.batches)
    host = host_of(settings(engine="lambda", exporter=EXPORTER), "lambda")
    assert host.throughput
    for job in made.jobs:
        assert job.estimate_seconds >= job.size_bytes / host.throughput / job.parts - 1e-5
        assert job.parts == 1 or job.rate * host.unit_bytes > host.throughput
