"""When a window begins, by the events the scheduler is given: pure arithmetic in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.asked import is_delivery, read_event
from hippolyte.errors import ConfigurationError, RefusedError
from hippolyte.planning.window import part_id, run_id
from hippolyte.record_form import iso, when
from hippolyte.records.runs import is_part, start_of

NOW = datetime(2026, 11, 24, 0, 0, 20, tzinfo=UTC)


def window_start(given_event: dict[str, Any], now: datetime) -> datetime:
    return read_event(given_event, now).start


def event(run: str, **more: Any) -> dict[str, Any]:
    return {"run": run, **more}


@pytest.mark.parametrize(
    ("given_event", "start"),
    [
        (event("2026-11-24T00:00:00Z", delay_seconds=0), "2026-11-24T00:00:00Z"),
        (event("2026-11-24T00:00:00Z"), "2026-11-24T00:00:00Z"),
        (event("2026-11-23T22:30:00Z"), "2026-11-23T22:30:00Z"),
        (event("2026-11-23T23:35:00Z", delay_seconds=3900), "2026-11-23T22:30:00Z"),
        (event("2026-11-24T00:00:59.999Z"), "2026-11-24T00:00:00Z"),
        (event("2026-11-24T01:00:00+01:00"), "2026-11-24T00:00:00Z"),
        (event("now"), "2026-11-24T00:00:00Z"),
    ],
)
def test_the_windows_start(given_event: dict[str, Any], start: str) -> None:
    assert iso(window_start(given_event, NOW)) == start


def test_a_delivery_and_its_catch_up_mean_the_same_run() -> None:
    first = window_start(event("2026-11-24T00:00:00Z", delay_seconds=0), NOW)
    later = NOW + timedelta(seconds=3900)
    second = window_start(event("2026-11-24T01:05:00Z", delay_seconds=3900), later)
    assert run_id(first) == run_id(second) == "2026-11-24T00-00Z"


@pytest.mark.parametrize("hour", [0, 1, 2, 3])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-11-01", "2026-03-08"])
def test_no_clock_change_moves_a_run(day: str, hour: int) -> None:
    """Scheduled times are UTC; that a local hour is missing or doubled changes nothing in them."""
    scheduled = when(f"{day}T0{hour}:30:00Z")
    caught_up = scheduled + timedelta(minutes=65)
    one = window_start(event(iso(scheduled), delay_seconds=0), scheduled)
    other = window_start(event(iso(caught_up), delay_seconds=3900), caught_up)
    assert one == other == scheduled


def test_a_local_time_that_does_not_exist_is_delivered_once() -> None:
    """02:30 in Berlin on 2026-03-29 does not exist: only the catch-up, 03:35 = 01:35Z, comes."""
    start = window_start(event("2026-03-29T01:35:00Z", delay_seconds=3900), when("2026-03-29T02Z"))
    assert iso(start) == "2026-03-29T00:30:00Z"


@given(
    st.integers(0, 8_000_000).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.integers(0, 86_400),
)
def test_run_ids_and_starts_are_each_others_inverse(scheduled: datetime, delay: int) -> None:
    start = window_start(event(iso(scheduled), delay_seconds=delay), scheduled)
    assert start_of(run_id(start)) == start
    assert start <= scheduled - timedelta(seconds=delay)


def test_run_ids_sort_as_their_times() -> None:
    times = [NOW + timedelta(minutes=37 * n) for n in range(100)]
    assert sorted(map(run_id, times)) == [run_id(t) for t in times]


@pytest.mark.parametrize(
    "given_event",
    [
        {},
        event(""),
        event("tonight"),
        event("<aws.scheduler.scheduled-time>"),
        event("\\u003caws.scheduler.scheduled-time\\u003e"),
        event("2026-13-01T00:00:00Z"),
        event("2026-11-24T00:00:00Z", delay_seconds=1.5),
        event("2026-11-24T00:00:00Z", delay_seconds=None),
        event("2026-11-24T00:00:00Z", more=1),
        {"run": ["now"]},
    ],
    ids=str,
)
def test_what_says_no_time_is_refused_with_the_form(given_event: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=r'refused the event .*\{"run": "now"\}'):
        window_start(given_event, NOW)


@pytest.mark.parametrize("given_event", [None, [], "now", 7], ids=str)
def test_what_is_no_object_is_refused(given_event: Any) -> None:
    with pytest.raises(RefusedError, match="refused the event"):
        read_event(given_event, NOW)


@pytest.mark.parametrize("tables", [[], "orders", [""], [1], {"orders": 1}], ids=str)
@pytest.mark.parametrize("run", ["now", "plan"])
def test_tables_that_are_no_globs_are_refused(run: str, tables: Any) -> None:
    with pytest.raises(RefusedError, match="must be a list of globs"):
        read_event(event(run, tables=tables), NOW)


def test_tables_go_with_no_time() -> None:
    with pytest.raises(RefusedError, match="refused the event"):
        read_event(event("2026-11-24T00:00:00Z", tables=["orders"]), NOW)


def test_a_part_is_of_its_second_and_sorts_among_the_nights() -> None:
    asked = read_event(event("now", tables=["orders"]), NOW)
    assert (asked.tables, asked.by_hand, asked.plan_only) == (("orders",), True, False)
    run = part_id(asked.start)
    assert run == "2026-11-24T00-00-20Z"
    assert start_of(run) == NOW
    assert is_part(run)
    assert not is_part(run_id(NOW))
    assert run_id(NOW - timedelta(minutes=1)) < run < run_id(NOW + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("given_event", "delivered"),
    [
        (event("2026-11-24T00:00:00Z", delay_seconds=0), True),
        (event("tonight", delay_seconds=0), True),
        (event("<aws.scheduler.scheduled-time>"), True),
        ({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events"}, True),
        (event("now"), False),
        (event("2026-11-24T00:00:00Z"), False),
        ({}, False),
        ([], False),
        (None, False),
    ],
    ids=str,
)
def test_a_schedules_delivery_is_known_by_its_form(given_event: Any, delivered: bool) -> None:
    assert is_delivery(given_event) is delivered


def test_a_window_that_is_to_come_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="2026-11-24T01:00:00Z is to come"):
        window_start(event("2026-11-24T01:00:00Z"), NOW)
    assert window_start(event("2026-11-24T00:03:00Z"), NOW)


@pytest.mark.parametrize("text", ["", "2026-11-24", "2026-11-24T00:00Z", "since.json"])
def test_what_is_no_run_id_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a run id"):
        start_of(text)
