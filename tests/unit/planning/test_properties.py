"""What holds of every plan, whatever the tables: hypothesis looks for one where it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from hippolyte.engines.lambda_ import TABLES_PER_WORKER
from hippolyte.planning.host import host_of
from hippolyte.planning.packing import pack
from hippolyte.planning.placing import FirstFit
from hippolyte.planning.plan import Job, Plan, parts_of
from hippolyte.planning.planner import make_plan
from hippolyte.planning.sharing import worker_seconds
from hippolyte.planning.sizer import RAISED_AT_ONCE
from hippolyte.planning.timelines import HANDOVER_SECONDS, Bins
from hippolyte.record_form import iso
from hippolyte.settings import Settings
from hippolyte.tables.table import Inventory, Limits, Scaling, Table
from tests.support.builders import GIB, START, night, on_demand, renamed, settings, table

WINDOW = 25_200
# of an engine's host, and whether its tables are raised in their turn
LIMITS = {"datapipeline": (32, False), "emr": (200, True), "lambda": (TABLES_PER_WORKER, True)}

tables = st.lists(
    st.builds(
        table,
        size_bytes=st.integers(0, 600 * GIB) | st.integers(0, GIB),
        read_capacity=st.sampled_from([1, 2, 50, 1000, 20_000]),
        index_read_capacity=st.integers(0, 500),
        replicated=st.booleans(),
        scaling=st.none() | st.builds(Scaling, st.just(1), st.integers(1, 40_000)),
    )
    | st.builds(on_demand, size_bytes=st.integers(0, 100 * GIB)),
    max_size=25,
).map(renamed)
engines = pytest.mark.parametrize("engine", LIMITS)


def made_of(engine: str, hosts: int, **changes: Any) -> Settings:
    if engine == "lambda":
        machine = "arn:aws:states:us-east-1:123456789012:stateMachine:h-exporter"
        changes["exporter"] = {"machine_arn": machine, "max_workers": hosts}
    elif engine == "emr":
        changes["emr"] = {"jar": "s3://tools/x.jar", "service_role": "e"}
    return settings(engine=engine, planning={"max_clusters": hosts}, **changes)


def plan_of(found: Sequence[Table], made: Settings, account: int = 80_000) -> Plan:
    limits = Limits(account_max_read=account, unreserved_concurrency=10**6)
    return make_plan(Inventory(tuple(found), limits), made, night(), *LIMITS[made.engine])


def late_of(made: Plan) -> int:
    """Return how many tables the plan says that nothing has time for."""
    told = [w for w in made.warnings if w.startswith("no ") and "has time for" in w]
    return int(told[0].partition("has time for ")[2].split()[0]) if told else 0


@engines
@given(found=tables, hosts=st.integers(1, 12))
def test_each_table_has_one_place_and_no_host_too_much(
    engine: str, found: list[Table], hosts: int
) -> None:
    made = made_of(engine, hosts)
    planned, host = plan_of(found, made), host_of(made, engine)
    assert sorted(job.table for job in planned.jobs) == sorted(t.name for t in found)
    assert all(0 < len(batch.jobs) <= LIMITS[engine][0] for batch in planned.batches)
    rows: dict[int, list[tuple[Job, ...]]] = {}
    for batch in planned.batches:
        rows.setdefault(batch.timeline, []).append(batch.jobs)
    assert sum(parts_of(row[0]) for row in rows.values()) <= host.planned
    room, late = WINDOW - host.bootstrap, 0
    for row in rows.values():
        at = 0.0
        for jobs in row:
            never = [job for job in jobs if job.estimate_seconds > room]
            rest = [job for job in jobs if job.estimate_seconds <= room]
            if host.side_by_side:
                ends = at + (worker_seconds(rest, host) if rest else 0)
                at += worker_seconds(jobs, host)
            else:
                at += host.bootstrap + sum(job.estimate_seconds for job in jobs)
                ends, at = at, at + HANDOVER_SECONDS
            late += len(never) + (len(rest) if ends > WINDOW else 0)
    # what the plan does not call late ends in the window
    assert late <= late_of(planned)


@engines
@given(
    found=tables,
    hosts=st.integers(1, 6),
    account=st.integers(1, 80_000),
    percentage=st.integers(1, 100),
)
def test_raises_stay_in_every_bound(
    engine: str, found: list[Table], hosts: int, account: int, percentage: int
) -> None:
    made = made_of(engine, hosts, consumed_percentage=percentage)
    share = percentage / 100
    planned, by_name = plan_of(found, made, account), {t.name: t for t in found}
    raises = []
    for job in planned.jobs:
        now = by_name[job.table]
        capacity = job.raise_to or now.read_capacity
        assert capacity >= now.read_capacity
        if job.raise_to:
            assert not now.on_demand
            assert not now.replicated
            assert capacity <= min(40_000, now.scaling.max_capacity if now.scaling else 40_000)
            raises.append(capacity - now.read_capacity)
        if not now.on_demand:
            # the application's part: what it has beside any backup
            assert capacity * (1 - job.ratio) >= (1 - share) * now.read_capacity - 1e-3
    if LIMITS[engine][1]:
        raises = sorted(raises)[-RAISED_AT_ONCE * host_of(made, engine).at_once :]
    held = sum(t.read_capacity + t.index_read_capacity for t in found)
    assert sum(raises) <= max(0, account - held)


@engines
@given(found=tables, hosts=st.integers(1, 6), order=st.randoms(use_true_random=False))
def test_the_order_of_tables_does_not_matter(
    engine: str, found: list[Table], hosts: int, order: Any
) -> None:
    made = made_of(engine, hosts, tables={"exclude": ["*-3"]})
    other = order.sample(found, len(found))
    texts = [json.dumps(plan_of(each, made).to_record(), default=str) for each in (found, other)]
    assert texts[0] == texts[1]


histories = st.lists(st.tuples(st.booleans(), st.integers(0, 40)), min_size=25, max_size=25)


@engines
@given(
    found=tables,
    hosts=st.integers(1, 6),
    usd=st.sampled_from([0.05, 0.5, 2, 10, 50]),
    nights=histories,
    order=st.randoms(use_true_random=False),
)
def test_nor_with_a_budget_first_ones_and_a_history(
    engine: str,
    found: list[Table],
    hosts: int,
    usd: float,
    nights: list[tuple[bool, int]],
    order: Any,
) -> None:
    made = made_of(engine, hosts, tables={"always": ["*-1", "*-7"]}, max_night_usd=usd)
    rows = {
        each.name: {
            "table_id": each.table_id,
            "last_good": iso(START - timedelta(days=days)) if good else None,
            "wanted_since": iso(START - timedelta(days=40)),
        }
        for each, (good, days) in zip(found, nights, strict=False)
    }
    texts = []
    for tables_in, rows_in in (
        (found, rows),
        (order.sample(found, len(found)), _mixed(rows, order)),
    ):
        limits = Limits(account_max_read=80_000, unreserved_concurrency=10**6)
        known = replace(night(), before=rows_in)
        planned = make_plan(Inventory(tuple(tables_in), limits), made, known, *LIMITS[engine])
        texts.append(json.dumps(planned.to_record(), default=str))
    assert texts[0] == texts[1]


def _mixed(rows: dict[str, Any], order: Any) -> dict[str, Any]:
    return dict(order.sample(list(rows.items()), len(rows)))


pieces = st.lists(
    st.integers(60, 24_600) | st.integers(60, 800) | st.sampled_from([61, 126, 1426]), max_size=90
)


@given(seconds=pieces, timelines=st.integers(1, 90), places=st.integers(1, 40))
def test_no_more_batches_nor_timelines_than_first_fit(
    seconds: list[int], timelines: int, places: int
) -> None:
    bins = Bins(WINDOW, 600, places, timelines, HANDOVER_SECONDS)
    jobs = [
        replace(JOB, table=f"t{n:03d}", estimate_seconds=each) for n, each in enumerate(seconds)
    ]
    simple = FirstFit(timelines, bins)
    if simple.give(sorted(seconds, reverse=True)):
        packed, late = pack(jobs, bins)
        assert not late
        assert sum(len(t.batches) for t in packed) <= simple.batches
        assert len(packed) <= simple.used


JOB = Job("t", "id", 1, 1, 1, 0.5, 0.5, 1, 60)


@given(
    size=st.integers(1, 200 * GIB),
    capacity=st.integers(1, 20_000),
    more=st.integers(1, 20_000),
)
@engines
def test_more_capacity_for_a_table_makes_it_no_dearer(
    engine: str, size: int, capacity: int, more: int
) -> None:
    """Of a table that is raised with both, or with neither: an hour of a raise may be cheaper
    than seven of a cluster, and what fits the window is not raised all the same. And read by as
    many workers: the last one of a table that is split need not be busy all the time."""
    made = made_of(engine, 10)
    slow, fast = (
        plan_of([table(size_bytes=size, read_capacity=units)], made)
        for units in (capacity, capacity + more)
    )
    assume(bool(slow.jobs[0].raise_to) == bool(fast.jobs[0].raise_to))
    assume(slow.jobs[0].parts == fast.jobs[0].parts)
    assert fast.cost_usd <= slow.cost_usd + 0.01


@examples(max_examples=300)
@given(sizes=st.lists(st.integers(60, 24_600), min_size=1, max_size=60), more=st.integers(2, 20))
def test_more_capacity_for_one_of_many_makes_the_night_no_dearer(
    sizes: list[int], more: int
) -> None:
    """On clusters, where none is raised: what the one takes less is not lost again in batches."""
    made = made_of("datapipeline", 60, raise_capacity=False)
    fleet = [table(f"t{n}", size_bytes=s * 50 * 4096) for n, s in enumerate(sizes)]
    faster = [replace(fleet[0], read_capacity=100 * more), *fleet[1:]]
    assert plan_of(faster, made).cost_usd <= plan_of(fleet, made).cost_usd
