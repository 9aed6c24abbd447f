"""The planner: selection, raises within every bound, on-demand tables, batches."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.engines.datapipeline_definition import TABLES_PER_PIPELINE
from hippolyte.planning.plan import Identity, Plan
from hippolyte.planning.planner import make_plan
from hippolyte.planning.sizer import RAISED_AT_ONCE, RAISED_JOB_SECONDS
from hippolyte.planning.window import Night, run_id
from hippolyte.tables.autoscaling import scheduled_action
from hippolyte.tables.table import Inventory, Limits, Scaling, ScheduledAction, Table
from hippolyte.verdicts import Verdict
from tests.support.builders import GIB, START, emr_plan, night, on_demand, plan, settings, table

BIG = {"size_bytes": 100 * GIB, "read_capacity": 1000}


def job(made: Plan, name: str = "orders"):
    return next(j for j in made.jobs if j.table == name)


def scaling(schedule: str, zone: str = "UTC") -> Scaling:
    return Scaling(5, 4000, scheduled=(ScheduledAction(schedule, zone),))


def test_the_worked_example_of_the_design() -> None:
    found = job(plan(table(**BIG)))
    assert found.raise_to == 1569
    assert found.rate == pytest.approx(1068.2, abs=0.05)
    assert found.ratio == pytest.approx(0.681, abs=0.0005)
    assert found.estimate_seconds == 25_200 - 600
    assert found.plain_ratio == 0.5


def test_a_table_that_fits_is_not_raised() -> None:
    found = job(plan(table(size_bytes=GIB)))
    assert found.raise_to is None
    assert found.ratio == found.plain_ratio == 0.5
    assert found.estimate_seconds == 5243 + 60


@pytest.mark.parametrize(
    ("changes", "estimated"),
    [
        ({}, True),
        ({"size_bytes": 0}, False),
        ({"size_bytes": 0, "item_count": 0}, False),
        ({"created_at": START - timedelta(hours=6)}, True),
        ({"created_at": START - timedelta(hours=5, minutes=59)}, False),
    ],
)
def test_a_table_that_is_not_counted_yet_has_no_estimate(
    changes: dict[str, Any], estimated: bool
) -> None:
    for made in (plan(table(**changes)), emr_plan(table(**changes))):
        assert job(made).estimated is estimated


def test_the_plan_knows_which_table_had_a_name() -> None:
    made = plan(table("a", created_at=START), table("b", empty=True), table("c", status="CREATING"))
    assert {n: i.table_id for n, i in made.identities.items()} == {
        "a": "id-a",
        "b": "id-b",
        "c": "id-c",
    }
    assert Plan.from_record(json.loads(json.dumps(made.to_record()))) == made
    older = made.to_record()
    del older["identities"]
    for batch in older["batches"]:
        for one in batch["jobs"]:
            del one["estimated"]
    read = Plan.from_record(json.loads(json.dumps(older)))
    assert read.identity("a") == Identity()
    assert job(read, "a").estimated


def test_every_discovered_table_has_one_place() -> None:
    tables = (
        table("a"),
        table("b", status="CREATING"),
        table("c", empty=True, size_bytes=0, item_count=0),
        table("skip-me"),
    )
    gone = {"d": (Verdict.VANISHED, "gone"), "skip-too": (Verdict.FAILED, "denied")}
    rules = settings(tables={"exclude": ["skip-*"]})
    made = make_plan(Inventory(tables, Limits(), gone), rules, night(), 32)
    assert made.discovered == 6
    assert [j.table for j in made.jobs] == ["a"]
    assert made.empty == ("c",)
    assert {n: v for n, (v, _) in made.verdicts.items()} == {
        "b": Verdict.UNSUPPORTED,
        "d": Verdict.VANISHED,
        "skip-me": Verdict.SKIPPED,
        "skip-too": Verdict.SKIPPED,
    }


@pytest.mark.parametrize(
    "status",
    [
        "CREATING",
        "DELETING",
        "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
        "ARCHIVING",
        "ARCHIVED",
        "REPLICATION_NOT_AUTHORIZED",
    ],
)
def test_a_status_without_data_operations_is_unsupported(status: str) -> None:
    made = plan(table(status=status))
    assert made.verdicts["orders"] == (Verdict.UNSUPPORTED, f"table status {status}")


def test_an_updating_table_is_exported() -> None:
    assert job(plan(table(status="UPDATING")))


def test_a_missing_name_in_always_is_told_and_stops_nothing() -> None:
    made = plan(table(), tables={"always": ["orders", "ordres"]})
    assert len(made.jobs) == 1
    assert len(made.alerts) == 1
    assert "'ordres'" in made.alerts[0]


def test_rules_that_leave_nothing_are_told() -> None:
    made = plan(table(), table("users"), tables={"exclude": ["*"]})
    assert len(made.warnings) == 1
    assert made.warnings[0].startswith("the rules of `tables` leave out all 2 tables: nothing is")
    # by whatever name it is known, one that is left is not nothing
    assert plan(table(), table("users"), tables={"exclude": ["users"]}).warnings == ()
    assert plan(table(status="ARCHIVED"), tables={"exclude": ["users"]}).warnings == ()
    assert plan().warnings == ()


@pytest.mark.parametrize(
    ("changes", "limits", "allowed"),
    [
        ({"max_read_capacity": 1200}, None, 1200),
        ({}, Limits(account_max_read=1300), 1300),
        ({}, Limits(account_max_read=10**6, table_max_read=1100), 1100),
    ],
    ids=["ceiling", "headroom", "quota"],
)
def test_a_raise_stays_in_bounds_and_the_rest_is_told(
    changes: dict[str, object], limits: Limits | None, allowed: int
) -> None:
    made = plan(table(**BIG), limits=limits, **changes)
    found = job(made)
    assert found.raise_to == allowed
    # the application keeps its 500 units
    assert allowed * (1 - found.ratio) >= 500 - 1e-3
    assert f"needs 1569 read capacity units and may have {allowed}" in made.warnings[0]


def test_a_ceiling_below_the_present_capacity_never_lowers() -> None:
    # the original set 5,000 units to its ceiling of 1,000
    found = job(plan(table(size_bytes=1000 * GIB, read_capacity=5000), max_read_capacity=1000))
    assert found.raise_to is None
    assert found.ratio == 0.5


def test_indexes_count_towards_the_headroom() -> None:
    limits = Limits(account_max_read=2000)
    found = job(plan(table(index_read_capacity=900, **BIG), limits=limits))
    assert found.raise_to == 1100


def test_raises_share_the_headroom() -> None:
    limits = Limits(account_max_read=2000 + 700)
    made = plan(table("a", **BIG), table("b", **BIG), limits=limits)
    assert sum((j.raise_to or 1000) - 1000 for j in made.jobs) == 700


def test_raised_tables_leave_time_on_the_clusters_for_the_others() -> None:
    large = [table(f"large-{n:02d}", size_bytes=30 * GIB) for n in range(12)]
    small = [table(f"small-{n:03d}", read_capacity=50) for n in range(600)]
    made = plan(*large, *small, planning={"max_clusters": 10})
    assert not [w for w in made.warnings if "no cluster has time" in w]
    raised = [j for j in made.jobs if j.raise_to]
    assert {j.table for j in raised} == {t.name for t in large}
    assert {j.estimate_seconds for j in raised} != {25_200 - 600}
    assert len({b.timeline for b in made.batches}) <= 10


def test_raised_tables_have_the_whole_window_if_there_are_clusters_enough() -> None:
    large = [table(f"large-{n:02d}", size_bytes=30 * GIB) for n in range(9)]
    made = plan(*large, table("small"), planning={"max_clusters": 10})
    assert {j.estimate_seconds for j in made.jobs if j.raise_to} == {25_200 - 600}


def test_the_cost_of_raises_is_for_as_long_as_they_are_held() -> None:
    large = [table(name, **BIG) for name in ("a", "b")]
    together = plan(*large, planning={"max_clusters": 1})
    assert len(together.batches) == 1
    units = sum((j.raise_to or 0) - j.capacity for j in together.jobs)
    # with Data Pipeline either may be the last of the batch; with EMR each has its own hour
    assert together.cost_usd == pytest.approx(7 * 2 * 0.24 + units * 7 * 0.00013, abs=0.02)
    turns = emr_plan(*large, planning={"max_clusters": 1})
    units = sum((j.raise_to or 0) - j.capacity for j in turns.jobs)
    assert {j.estimate_seconds for j in turns.jobs} == {3600}
    assert turns.cost_usd == pytest.approx((7200 + 600) / 3600 * 0.48 + units * 0.00013, abs=0.01)


def test_a_shorter_raised_time_stays_within_the_accounts_headroom() -> None:
    large = [table(f"large-{n:02d}", size_bytes=30 * GIB) for n in range(12)]
    limits = Limits(account_max_read=12 * 100 + 12 * 500)
    made = plan(*large, limits=limits, planning={"max_clusters": 6})
    assert sum((j.raise_to or 100) - 100 for j in made.jobs) <= 12 * 500
    # shorter, and some had no headroom left
    assert all(j.raise_to for j in made.jobs)
    assert not [w for w in made.warnings if "does not fit the window" in w]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"replicated": True}, "replica"),
        ({"scaling": scaling("cron(0 6 * * ? *)")}, "scheduled"),
        ({"scaling": scaling("rate(1 day)", "Asia/Tokyo")}, "scheduled"),
        ({"scaling": scaling("at(2026-11-24T03:00:00)")}, "scheduled"),
        ({"scaling": scaling("at(2026-11-23T20:30:00)", "America/New_York")}, "scheduled"),
        # a zone or a time that this runtime does not know
        ({"scaling": scaling("at(2026-12-24T03:00:00)", "Mars/Olympus")}, "scheduled"),
        ({"scaling": scaling("at(2026-12-24T03:00:00)", "../etc")}, "scheduled"),
        ({"scaling": scaling("at(next Christmas)")}, "scheduled"),
    ],
)
def test_some_tables_are_never_raised(change: dict[str, object], why: str) -> None:
    made = plan(table(**BIG, **change))
    assert job(made).raise_to is None
    assert job(made).ratio == 0.5
    assert any("orders does not fit the window" in w and why in w for w in made.warnings)


@pytest.mark.parametrize(
    ("schedule", "zone"),
    [
        ("at(2026-12-24T03:00:00)", "UTC"),
        # of the evening before, in UTC
        ("at(2026-11-24T01:30:00)", "Asia/Tokyo"),
        # a day later, in UTC
        ("at(2026-11-24T20:30:00)", "America/New_York"),
    ],
)
def test_a_scheduled_action_of_another_day_is_no_hindrance(schedule: str, zone: str) -> None:
    assert job(plan(table(scaling=scaling(schedule, zone), **BIG))).raise_to == 1569


@pytest.mark.parametrize(("minutes", "raised"), [(30, False), (60, False), (120, True)])
def test_a_local_time_that_comes_twice_counts_twice(minutes: int, raised: bool) -> None:
    """02:45 in Berlin of that night is 00:45 and 01:45 UTC."""
    start = datetime(2026, 10, 25, tzinfo=UTC)
    night = Night(start, start + timedelta(hours=7), start + timedelta(minutes=minutes))
    big = table(scaling=scaling("at(2026-10-25T02:45:00)", "Europe/Berlin"), **BIG)
    made = make_plan(Inventory((big,), Limits()), settings(), night, TABLES_PER_PIPELINE)
    assert (job(made).raise_to is not None) is raised


@pytest.mark.parametrize(
    ("schedule", "start", "end", "raised"),
    [
        ("cron(0 * * * ? *)", -9, -1, True),
        ("cron(0 * * * ? *)", 20, None, True),
        ("cron(0 * * * ? *)", -9, 1, False),
        ("rate(1 hour)", 1, None, False),
        ("rate(1 hour)", None, -1, True),
        ("at(2026-11-24T01:30:00)", 2, 3, True),
        ("at(2026-11-24T01:30:00)", -9, 2, False),
    ],
)
def test_a_scheduled_action_is_due_between_its_start_and_end_only(
    schedule: str, start: int | None, end: int | None, raised: bool
) -> None:
    """Hours from the window's start; the window has seven."""
    hours = [START + timedelta(hours=h) if h is not None else None for h in (start, end)]
    action = {"Schedule": schedule, "StartTime": hours[0], "EndTime": hours[1]}
    bounded = Scaling(5, 4000, scheduled=(scheduled_action(action),))
    assert (job(plan(table(scaling=bounded, **BIG))).raise_to is not None) is raised


def test_an_autoscaled_table_is_raised_to_its_maximum_at_most() -> None:
    assert job(plan(table(scaling=Scaling(5, 1200), **BIG))).raise_to == 1200


def test_without_the_right_to_raise_nothing_is_raised() -> None:
    assert job(plan(table(**BIG), raise_capacity=False)).raise_to is None


# read in 18 minutes it needs 6,618 units; its two partitions serve 3,000 beside 1,000 writes
SHORT: dict[str, Any] = {"size_bytes": 9 * GIB, "read_capacity": 2000, "write_capacity": 1000}


def test_warm_throughput_below_the_raise_is_said() -> None:
    made = plan(table(warm_read=2000, **SHORT), hours=0.3, raise_above_warm_throughput=True)
    assert made.jobs[0].raise_to == 6618
    assert any("above its warm throughput (2000)" in w for w in made.warnings)


@pytest.mark.parametrize(
    ("warm", "raised"), [(2000, 3000), (5000, 5000), (9000, 6618), (None, 6618)]
)
def test_nothing_is_raised_above_the_warm_throughput_unless_it_is_allowed(
    warm: int | None, raised: int
) -> None:
    made = plan(table(warm_read=warm, **SHORT), hours=0.3)
    assert made.jobs[0].raise_to == raised
    short = [w for w in made.warnings if "raise_above_warm_throughput" in w]
    assert len(short) == (raised < 6618)
    for warning in short:
        assert f"needs 6618 read capacity units and may have {raised} (its warm" in warning


def test_what_the_partitions_serve_anyway_is_not_above_it() -> None:
    """AWS reports no more for a table that was never raised; it has a partition for each 10 GB."""
    (job,) = plan(table(warm_read=1000, **BIG)).jobs
    assert job.raise_to == 1569


def test_raises_can_be_looked_at_first() -> None:
    tables = (table("big", **BIG), table("small"))
    made, free = plan(*tables, raise_capacity="plan"), plan(*tables)
    none = plan(*tables, raise_capacity=False)
    wishes = {job.table: job.would_raise_to for job in made.jobs}
    assert wishes == {job.table: job.raise_to for job in free.jobs} == {"big": 1569, "small": None}
    # all else is as if nothing could be raised
    assert tuple(replace(j, would_raise_to=None) for j in made.jobs) == tuple(none.jobs)
    assert made.cost_usd == none.cost_usd
    assert any("raise_capacity is plan" in warning for warning in made.warnings)


def test_an_on_demand_table_is_read_at_the_wanted_rate() -> None:
    found = job(plan(on_demand(size_bytes=GIB)), "events")
    assert found.capacity == 0
    assert found.rate == 1000
    assert found.ratio == found.plain_ratio == 0.025
    assert found.raise_to is None


def test_an_on_demand_ceiling_is_shared() -> None:
    found = job(plan(on_demand(on_demand_max_read=400)), "events")
    assert found.ratio == 200 / 40_000


def test_a_late_start_has_what_is_left_of_the_window() -> None:
    inventory = Inventory((table(size_bytes=10 * GIB, read_capacity=1000),), Limits())
    late = make_plan(inventory, settings(), night(late=timedelta(hours=6)), 32)
    assert late.jobs[0].raise_to is not None
    assert late.jobs[0].estimate_seconds <= 3600 - 600


def test_a_batch_takes_the_engines_number_of_tables() -> None:
    assert TABLES_PER_PIPELINE == 32
    made = plan(*[table(f"t{i:03d}") for i in range(70)])
    assert [len(b.jobs) for b in made.batches] == [32, 32, 6]
    assert [b.batch_id for b in made.batches] == ["b001", "b002", "b003"]


def test_a_run_is_named_by_its_windows_start() -> None:
    assert run_id(START) == "2026-11-24T00-00Z"
    assert run_id(START + timedelta(hours=23, minutes=30)) == "2026-11-24T23-30Z"


def test_a_plan_survives_its_record() -> None:
    made = plan(
        table(**BIG),
        table("gone", status="DELETING"),
        table("none", empty=True),
        on_demand(),
        tables={"always": ["nothing"]},
    )
    assert Plan.from_record(made.to_record()) == made


tables = st.builds(
    table,
    size_bytes=st.integers(0, 2000 * GIB),
    read_capacity=st.integers(1, 40_000),
    index_read_capacity=st.integers(0, 5000),
    replicated=st.booleans(),
    scaling=st.none() | st.builds(Scaling, st.just(1), st.integers(1, 40_000)),
)


@given(st.lists(tables, max_size=20), st.integers(1, 100), st.integers(1, 80_000))
def test_no_plan_harms_production(found: list[Table], percentage: int, account_max: int) -> None:
    named = [table(f"t{i}", **_values(t)) for i, t in enumerate(found)]
    limits = Limits(account_max_read=account_max)
    made = plan(*named, limits=limits, consumed_percentage=percentage)
    share = percentage / 100
    held = sum(t.read_capacity + t.index_read_capacity for t in named)
    raised = 0
    for planned, t in ((job(made, t.name), t) for t in named):
        capacity = planned.raise_to or t.read_capacity
        assert capacity >= t.read_capacity
        assert planned.plain_ratio == share
        assert capacity * (1 - planned.ratio) >= (1 - share) * t.read_capacity - 1e-3
        if planned.raise_to:
            assert planned.raise_to <= limits.table_max_read
            assert not t.scaling or planned.raise_to <= t.scaling.max_capacity
            raised += planned.raise_to - t.read_capacity
    assert raised <= max(0, account_max - held)


@given(st.lists(tables, max_size=40), st.integers(1, 80_000), st.integers(1, 4))
def test_what_is_raised_at_once_fits_the_quota(
    found: list[Table], account_max: int, clusters: int
) -> None:
    named = [table(f"t{i}", **_values(t)) for i, t in enumerate(found)]
    limits = Limits(account_max_read=account_max)
    made = emr_plan(*named, limits=limits, planning={"max_clusters": clusters})
    held = sum(t.read_capacity + t.index_read_capacity for t in named)
    raises = sorted((j.raise_to - j.capacity for j in made.jobs if j.raise_to), reverse=True)
    assert sum(raises[: RAISED_AT_ONCE * clusters]) <= max(0, account_max - held)
    for planned, t in ((job(made, t.name), t) for t in named):
        capacity = planned.raise_to or t.read_capacity
        assert capacity * (1 - planned.ratio) >= 0.5 * t.read_capacity - 1e-3
        if planned.raise_to:
            assert planned.raise_to <= limits.table_max_read
            assert not t.scaling or planned.raise_to <= t.scaling.max_capacity


def _values(t: Table) -> dict[str, object]:
    names = ("size_bytes", "read_capacity", "index_read_capacity", "replicated", "scaling")
    return {n: getattr(t, n) for n in names}


def test_planning_does_not_depend_on_the_order_of_tables() -> None:
    many = [table(f"t{i:03d}", size_bytes=(i * 7919 % 97) * GIB // 10) for i in range(80)]
    shuffled = random.Random(7).sample(many, len(many))
    assert plan(*many).batches == plan(*shuffled).batches


# raised in their turn


def test_a_table_raised_in_its_turn_takes_about_an_hour() -> None:
    found = job(emr_plan(table(**BIG)))
    assert found.estimate_seconds == RAISED_JOB_SECONDS
    assert found.raise_to == 7906
    assert job(emr_plan(table(**BIG), hours=1)).estimate_seconds == 3600 - 600


def test_what_fits_the_window_is_not_raised_in_its_turn_either() -> None:
    assert job(emr_plan(table(size_bytes=GIB))).raise_to is None


def test_an_hour_is_not_worth_a_warning() -> None:
    made = emr_plan(table(**BIG), max_read_capacity=2000)
    assert made.warnings == ()
    assert job(made).raise_to == 2000
    # less than the window needs is
    assert "needs 1569" in emr_plan(table(**BIG), max_read_capacity=1500).warnings[0]


def test_quotas_bind_less_when_only_some_are_raised_at_once() -> None:
    many = [table(f"t{i}", **BIG) for i in range(12)]
    limits = Limits(account_max_read=12_000 + 6 * 569)
    one = {"planning": {"max_clusters": 3}}
    at_once, in_turn = plan(*many, limits=limits, **one), emr_plan(*many, limits=limits, **one)
    (gathered,) = [w for w in at_once.warnings if "does not fit" in w]
    assert int(re.findall(r"; (\d+) tables in all", gathered)[0]) >= 6
    assert not any("does not fit the window" in w for w in in_turn.warnings)
    assert sum(j.raise_to is not None for j in in_turn.jobs) == 12
    # nobody takes what the others need
    assert {j.raise_to for j in in_turn.jobs} == {1569}


def test_a_plan_says_its_engine() -> None:
    assert plan(table()).engine == "datapipeline"
    made = emr_plan(table())
    assert made.engine == Plan.from_record(made.to_record()).engine == "emr"
    record = made.to_record()
    del record["engine"]
    assert Plan.from_record(record).engine == "datapipeline"


def test_a_cluster_of_emr_takes_more_tables() -> None:
    many = [table(f"t{i:03d}", size_bytes=1) for i in range(300)]
    assert [len(b.jobs) for b in emr_plan(*many).batches] == [200, 100]
    assert len(plan(*many).batches) == 10


def test_what_is_not_described_yet_is_left_to_later_unless_a_rule_leaves_it_out() -> None:
    found = Inventory((), Limits(), later={"orders": "throttled", "scratch": "throttled"})
    rules = settings(tables={"exclude": ["scratch"], "always": ["orders"]})
    made = make_plan(found, rules, night(), 32)
    assert made.undescribed == {"orders": "throttled"}
    assert made.verdicts == {"scratch": (Verdict.SKIPPED, "excluded by 'scratch'")}
    assert (made.discovered, made.alerts) == (2, ())
    assert Plan.from_record(json.loads(json.dumps(made.to_record()))) == made
