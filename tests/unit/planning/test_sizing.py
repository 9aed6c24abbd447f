"""The formulas, with the design's worked example."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from hippolyte.planning import sizing
from tests.support.builders import GIB

capacities = st.integers(1, 1_000_000)
shares = st.integers(1, 100).map(lambda p: p / 100)
rates = st.floats(0.1, 1e6, allow_nan=False)


def test_the_worked_example_of_the_design() -> None:
    plain = sizing.plain_rate(1000, 0.5)
    assert sizing.seconds_to_read(100 * GIB, plain, 4096) == 52_428.8
    rate = sizing.needed_rate(100 * GIB, 25_200 - 600 - 60, 4096)
    assert round(rate, 1) == 1068.2
    raised = sizing.raised_capacity(1000, 0.5, rate)
    assert raised == 1569
    assert round(sizing.ratio(rate, raised), 3) == 0.681


def test_a_capacity_of_one_is_read_at_one() -> None:
    assert sizing.plain_rate(1, 0.5) == 1


@given(capacities, shares, rates)
def test_a_raise_never_lowers_and_leaves_the_application_its_part(
    capacity: int, share: float, rate: float
) -> None:
    raised = sizing.raised_capacity(capacity, share, rate)
    assert raised >= capacity
    ratio = sizing.ratio(min(rate, raised), raised)
    assert raised * (1 - ratio) >= (1 - share) * capacity - 1e-3


@given(rates, capacities)
@example(0.99999, 31_250)
@example(0.29 * 100, 100)
def test_a_ratio_never_asks_for_more_than_the_rate(rate: float, capacity: int) -> None:
    ratio = sizing.ratio(rate, capacity)
    assert ratio * capacity <= rate * (1 + 1e-9)
    assert float(sizing.ratio_text(ratio)) == ratio


@given(capacities, shares)
def test_the_plain_rate_keeps_to_the_share(capacity: int, share: float) -> None:
    rate = sizing.plain_rate(capacity, share)
    assert rate == 1 or rate <= capacity * share + 1e-6


def test_an_on_demand_table_is_read_at_its_share_of_its_least_ceiling() -> None:
    assert sizing.on_demand_rate(1000, 0.5, (None, None)) == 1000
    assert sizing.on_demand_rate(1000, 0.5, (600, 12_000)) == 300
    assert sizing.on_demand_rate(1000, 0.5, (None, 1200)) == 600
    assert sizing.on_demand_rate(1000, 0.5, (1, None)) == 1
