from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte_cli.restore.pace import Pace, Rate


def run(pace: Pace, costs: list[tuple[float, float]]) -> float:
    """Pay for requests one after another; return when the last could be sent."""
    now = 0.0
    for paid, cost in costs:
        while wait := pace.begin(paid, now):
            now += wait
        pace.ended(paid, cost)
    return now


COSTS = st.lists(
    st.integers(1, 50).flatmap(lambda paid: st.tuples(st.just(paid), st.integers(1, 60))),
    min_size=1,
    max_size=100,
)


@given(st.integers(1, 5000), COSTS)
def test_no_more_than_the_rate_but_for_a_second_and_a_request(
    rate: int, costs: list[tuple[float, float]]
) -> None:
    took = run(Pace(rate, 0.0), costs)
    before_last = sum(cost for _, cost in costs[:-1])
    assert before_last <= rate * took + max(rate, 1) + max(cost for _, cost in costs)


@given(st.integers(1, 5000), COSTS)
def test_and_no_less(rate: int, costs: list[tuple[float, float]]) -> None:
    took = run(Pace(rate, 0.0), costs)
    assert took <= sum(cost for _, cost in costs) / rate + 0.001 * len(costs) + 1


def test_refusals_slow_it_down_and_it_comes_back() -> None:
    pace = Pace(100, 0.0)
    for second in range(20):
        pace.refused(second)
    slow = run_from(pace, 20.0, 100)
    assert slow > 2
    assert run_from(pace, 200.0, 1000) == pytest.approx(9, abs=1.5)


def test_refusals_at_one_time_are_one() -> None:
    one, many = Pace(100, 0.0), Pace(100, 0.0)
    one.refused(1.0)
    for _ in range(16):
        many.refused(1.0)
    assert run_from(one, 1.0, 300) == run_from(many, 1.0, 300)


def run_from(pace: Pace, now: float, units: int) -> float:
    """Return how long so many requests of a unit take."""
    began = now
    for _ in range(units):
        while wait := pace.begin(1, now):
            now += wait
    return now - began


PROVISIONED = {"ProvisionedThroughput": {"WriteCapacityUnits": 400, "ReadCapacityUnits": 1000}}
ON_DEMAND: dict[str, Any] = {
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "ProvisionedThroughput": {"WriteCapacityUnits": 0, "ReadCapacityUnits": 0},
}


@pytest.mark.parametrize(
    ("description", "how", "rate"),
    [
        (PROVISIONED, {}, Rate(400, 1000)),
        (PROVISIONED, {"share": 0.5}, Rate(200, 500)),
        (PROVISIONED, {"writes": 7.0}, Rate(7, 1000)),
        (ON_DEMAND, {}, Rate(4000, 12000)),
        (
            ON_DEMAND
            | {"WarmThroughput": {"WriteUnitsPerSecond": 9000, "ReadUnitsPerSecond": 20000}},
            {"share": 0.5},
            Rate(4500, 10000),
        ),
        (
            ON_DEMAND
            | {"OnDemandThroughput": {"MaxWriteRequestUnits": 100, "MaxReadRequestUnits": -1}},
            {},
            Rate(100, 12000),
        ),
    ],
)
def test_the_rate_is_a_share_of_what_the_table_gives(
    description: dict[str, Any], how: dict[str, Any], rate: Rate
) -> None:
    assert Rate.of(description, **how) == rate


def test_no_rate_is_none() -> None:
    with pytest.raises(ValueError, match="nothing is written at 0"):
        Rate(0)
