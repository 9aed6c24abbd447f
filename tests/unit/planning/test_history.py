"""What a night measured decides the next estimate; what is nonsense does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hippolyte.planning.history import measure, unit_bytes
from hippolyte.planning.host import host_of
from hippolyte.planning.plan import Job
from hippolyte.planning.planner import make_plan
from hippolyte.tables.table import Inventory, Limits
from tests.support.builders import GIB, night, settings, table

LAMBDA = settings(engine="lambda", exporter={"machine_arn": "m"})
PIPELINE = settings()
WORKER, CLUSTER = host_of(LAMBDA, "lambda"), host_of(PIPELINE, "datapipeline")
# 10 GiB at 100 units/s
JOB = Job("orders", "id-orders", 10 * GIB, 1000, 200, 0.5, 0.5, 100.0, 1)


def read_in(seconds: int, former: Any = None, **changes: Any) -> Any:
    job = replace(JOB, **changes)
    return measure(job, job.rate, seconds, 990, "datapipeline", CLUSTER, former)


def seconds_at(unit: float) -> int:
    """How long a night takes that reads so many bytes a unit, the activity's start with it."""
    return round(10 * GIB / (100 * unit)) + 60


def test_a_night_measures_the_bytes_of_a_unit() -> None:
    known = read_in(seconds_at(6000))
    assert known["unit_bytes"] == pytest.approx(6000, rel=1e-3)
    assert (known["nights"], known["items"], known["table_bytes"]) == (1, 990, 10 * GIB)
    assert known["engine"] == "datapipeline"


def test_nights_are_weighed_together_and_the_last_five_most() -> None:
    known = read_in(seconds_at(6000), read_in(seconds_at(5000)))
    assert known["nights"] == 2
    assert known["unit_bytes"] == pytest.approx(5500, rel=1e-3)
    for _ in range(40):
        known = read_in(seconds_at(7000), known)
    assert known["nights"] == 5
    assert known["unit_bytes"] == pytest.approx(7000, rel=1e-2)


@pytest.mark.parametrize(
    ("seconds", "changes"),
    [
        (300, {"size_bytes": 1 << 20}),  # starts and ends, not reading
        (59, {}),
        (0, {}),
        (-5, {}),
        (seconds_at(6000), {"estimated": False}),
        (seconds_at(6000), {"size_bytes": 0}),
        (seconds_at(6000), {"rate": 0.0}),
    ],
)
def test_a_night_that_says_nothing_leaves_what_was_known(
    seconds: int, changes: dict[str, Any]
) -> None:
    former = read_in(seconds_at(6000))
    assert read_in(seconds, former, **changes) == former
    assert read_in(seconds, None, **changes) is None


def test_a_throttled_night_keeps_what_was_known_and_the_next_plan_says_so() -> None:
    former = read_in(seconds_at(6000))
    slow = seconds_at(2000)  # less than half of the formula's 4,096
    known = read_in(slow, former)
    assert known == {**former, "slow_seconds": slow}
    assert read_in(slow, None) is None, "nothing was known, and nothing is"
    row = {"orders": {"table_id": "id-orders", "measured": known}}
    unit, basis = unit_bytes(ORDERS, PIPELINE, CLUSTER, row)
    assert unit == pytest.approx(6000, rel=1e-3)
    assert basis.endswith(
        f"; a night of {slow} s since then is left aside: it was throttled, or held up otherwise"
    )
    assert "slow_seconds" not in read_in(seconds_at(6000), known), "a good night is the last word"


@pytest.mark.parametrize("odd", ["long", True, -1, None])
def test_a_slow_night_that_is_no_number_is_not_told(odd: Any) -> None:
    assert "left aside" not in unit_bytes(ORDERS, PIPELINE, CLUSTER, rows(slow_seconds=odd))[1]


def test_no_unit_brings_more_than_8192_bytes() -> None:
    assert read_in(seconds_at(20_000))["unit_bytes"] == 8192


def test_a_worker_that_was_the_limit_says_nothing_of_units() -> None:
    fast = replace(JOB, rate=2000.0)
    assert measure(fast, fast.rate, 1100, 1, "lambda", WORKER, None) is None
    slow = measure(JOB, JOB.rate, seconds_at(7000), 1, "lambda", WORKER, None)
    assert slow is not None


def test_a_cluster_that_was_the_limit_says_nothing_of_units() -> None:
    # 1 MiB/s, as its one mapper reads, is 5,243 bytes a unit at 200 units/s: not those of a unit
    own = host_of(settings(planning={"cluster_bytes_per_second": None}), "datapipeline")
    job = replace(JOB, rate=200.0)
    at_its_pace = 10 * GIB // int(own.throughput) + own.job_bootstrap
    former = read_in(seconds_at(6000))
    assert measure(job, job.rate, at_its_pace, 1, "datapipeline", own, former) == former
    assert measure(job, job.rate, at_its_pace, 1, "datapipeline", own, None) is None
    # twice as fast as a mapper is said to be: then it was the table that bound
    faster = measure(job, job.rate, at_its_pace * 2 // 3, 1, "datapipeline", own, None)
    assert faster is not None and faster["unit_bytes"] > 7500


@pytest.mark.parametrize("other", [{"engine": "emr"}, {"table_bytes": GIB}, {"nights": "two"}, {}])
def test_what_was_known_otherwise_is_not_weighed(other: dict[str, Any]) -> None:
    former = {**read_in(seconds_at(5000)), **other} if other else {"weather": "fair"}
    assert read_in(seconds_at(7000), former)["nights"] == 1


def rows(**changes: Any) -> dict[str, Any]:
    known = {
        "engine": "datapipeline",
        "unit_bytes": 6000.0,
        "nights": 3,
        "seconds": 1800,
        "items": 990,
        "table_bytes": 10 * GIB,
    }
    return {"orders": {"table_id": "id-orders", "measured": {**known, **changes}}}


ORDERS = table(size_bytes=10 * GIB, read_capacity=200)


def test_the_next_plan_takes_what_was_measured_and_says_so() -> None:
    def made(before: dict[str, Any], **changes: Any) -> Job:
        inventory = Inventory((ORDERS,), Limits())
        plan = make_plan(inventory, settings(**changes), replace(night(), before=before), 32)
        return plan.jobs[0]

    plain = made({})
    assert (plain.estimate_seconds, plain.basis) == (24_600, "")
    assert plain.raise_to is not None, "by formula it does not fit the window"
    learned = made(rows())
    assert learned.estimate_seconds == 17_956
    assert learned.raise_to is None
    assert learned.basis == (
        "measured: 6000 bytes a unit over 3 nights, the last 1800 s for 990 items"
    )
    for formula in ({"estimates": "formula"}, {"bytes_per_read_unit": 4096}):
        assert made(rows(), planning=formula) == plain


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ({}, ""),
        ({"orders": {}}, ""),
        ({"orders": {"measured": None}}, ""),
        ({"orders": {"measured": {"unit_bytes": 6000}}}, ""),
        (rows(engine="lambda"), ""),
        (rows(unit_bytes="fast"), ""),
        (rows(unit_bytes=0), ""),
        (rows(unit_bytes=True), ""),
        ({"orders": {**rows()["orders"], "table_id": "another"}}, ""),
        (rows(table_bytes=GIB), "by formula: measured at 1073741824 bytes"),
        (rows(table_bytes=100 * GIB), "by formula: measured at 107374182400 bytes"),
    ],
)
def test_history_that_is_of_another_table_or_none_is_left_aside(
    before: dict[str, Any], said: str
) -> None:
    unit, basis = unit_bytes(ORDERS, PIPELINE, CLUSTER, before)
    assert unit == 4096
    assert basis.startswith(said)
    assert bool(basis) == bool(said)


@pytest.mark.parametrize(("seen", "taken"), [(100.0, 2048), (1e9, 8192)])
def test_a_figure_out_of_all_bounds_is_held_down(seen: float, taken: float) -> None:
    assert unit_bytes(ORDERS, PIPELINE, CLUSTER, rows(unit_bytes=seen))[0] == taken
