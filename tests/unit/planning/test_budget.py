"""The brake on money: what is left out, in which order, and how storage is reckoned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from hippolyte.planning.plan import Plan
from hippolyte.tables.table import Table
from hippolyte.verdicts import OVER_BUDGET, Verdict
from tests.support.builders import GIB, emr_plan, on_demand, plan, table


def left_out(made: Plan) -> set[str]:
    return {
        name
        for name, (verdict, reason) in made.verdicts.items()
        if verdict is Verdict.SKIPPED and reason.startswith(OVER_BUDGET)
    }


def kept(made: Plan) -> set[str]:
    return {job.table for job in made.jobs}


FLEET = [
    table("small"),
    table("middle", size_bytes=2 * GIB),
    on_demand("bulk", size_bytes=400 * GIB),
    table("raised", size_bytes=100 * GIB, read_capacity=1000),
]


def test_without_a_limit_nothing_is_left_out() -> None:
    made = plan(*FLEET)
    assert left_out(made) == set()
    assert made.alerts == ()


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    free = plan(*FLEET)
    assert plan(*FLEET, max_night_usd=free.cost_usd) == free


def test_the_dearest_are_left_out_and_told() -> None:
    free = plan(*FLEET)
    made = plan(*FLEET, max_night_usd=1.5)
    assert made.cost_usd <= 1.5
    assert kept(made) == {"small", "middle"}
    assert left_out(made) == {"bulk", "raised"}
    (alert,) = made.alerts
    assert "max_night_usd (1.50 USD) leaves 2 of 4 tables without a backup" in alert
    assert f"estimated at {free.cost_usd:.2f} USD" in alert
    assert made.verdicts["bulk"][1] == "max_night_usd: it does not go into 1.50 USD a night"


def test_a_limit_below_the_cheapest_leaves_all_out() -> None:
    made = plan(*FLEET, max_night_usd=0.001)
    assert kept(made) == set()
    assert len(left_out(made)) == 4
    assert made.cost_usd == 0


def test_empty_tables_cost_nothing_and_stay() -> None:
    made = plan(*FLEET, table("empty", size_bytes=0, item_count=0, empty=True), max_night_usd=0.001)
    assert made.empty == ("empty",)
    assert made.verdicts.keys() == {t.name for t in FLEET}


def test_what_rules_leave_out_is_not_counted() -> None:
    made = plan(*FLEET, tables={"exclude": ["bulk", "raised"]}, max_night_usd=1.5)
    assert left_out(made) == set()
    assert made.verdicts["bulk"][1] == "excluded by 'bulk'"


def test_warnings_are_those_of_the_plan_that_is_made() -> None:
    far_too_large = table("huge", size_bytes=5000 * GIB, read_capacity=100)
    assert any("huge" in w for w in plan(*FLEET, far_too_large).warnings)
    made = plan(*FLEET, far_too_large, max_night_usd=1.5)
    assert not any("huge" in warning for warning in made.warnings)


@pytest.mark.parametrize("make", [plan, emr_plan])
@example_settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=12),
    paid=st.lists(st.booleans(), min_size=12, max_size=12),
    most=st.floats(0.01, 30),
)
def test_it_is_never_passed_and_each_table_has_its_place(
    make: type, sizes: list[int], paid: list[bool], most: float
) -> None:
    tables: list[Table] = [
        (table if provisioned else on_demand)(f"t{n:02d}", size_bytes=size * GIB)
        for n, (size, provisioned) in enumerate(zip(sizes, paid, strict=False))
    ]
    made = make(*tables, max_night_usd=most)
    assert made.cost_usd <= most
    assert kept(made) | left_out(made) == {t.name for t in tables}
    assert not kept(made) & left_out(made)
    assert bool(left_out(made)) == bool(made.alerts)
    if left_out(made):
        assert make(*tables).cost_usd > most


def test_storage_is_of_as_many_nights_as_are_kept() -> None:
    made = plan(table(size_bytes=10**11), retention_days=35)
    assert made.storage_usd == pytest.approx(100 * 35 * 0.023)
    assert plan(table(size_bytes=10**11)).storage_usd is None
