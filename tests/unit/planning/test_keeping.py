"""Which backups are kept by the week and by the month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hippolyte.planning import keeping
from hippolyte.planning.keeping import MONTHLY, WEEKLY, due
from hippolyte.planning.planner import make_plan
from hippolyte.tables.table import Inventory, Limits
from tests.support.builders import night, plan, settings, table

TUESDAY = datetime(2026, 11, 24, tzinfo=UTC)
BOTH = {"retention_weeks": 12, "retention_months": 13}


def row(**kept: str) -> dict[str, Any]:
    return {"orders": {"kept": kept or None}}


@pytest.mark.parametrize(
    ("had", "wanted"),
    [
        ({}, MONTHLY),
        ({"monthly": "2026-11-01"}, WEEKLY),
        ({"monthly": "2026-11-01", "weekly": "2026-11-22"}, WEEKLY),
        ({"monthly": "2026-11-01", "weekly": "2026-11-23"}, None),
        ({"monthly": "2026-11-23"}, None),
        ({"monthly": "2025-11-24", "weekly": "2026-11-23"}, MONTHLY),
        ({"weekly": "2026-11-23"}, MONTHLY),
        ({"monthly": "of old", "weekly": "2026-11-23"}, MONTHLY),
    ],
)
def test_the_first_of_a_month_and_of_a_week(had: dict[str, str], wanted: str | None) -> None:
    found = due(["orders"], settings(**BOTH), TUESDAY, row(**had))

    assert found == ({"orders": wanted} if wanted else {})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [({}, {}), ({"retention_weeks": 1}, WEEKLY), ({"retention_months": 1}, MONTHLY)],
)
def test_only_what_is_wanted(given: dict[str, int], wanted: str) -> None:
    assert due(["orders"], settings(**given), TUESDAY, {}) == ({"orders": wanted} if wanted else {})


def test_days_are_those_of_the_windows_zone() -> None:
    """Half past midnight in Tokyo on the first of a month is the last day of the one before."""
    first = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
    had = row(monthly="2026-11-01", weekly="2026-11-30")

    assert due(["orders"], settings(timezone="Asia/Tokyo", **BOTH), first, had) == {
        "orders": MONTHLY
    }
    assert due(["orders"], settings(**BOTH), first, had) == {}


def _days(failing: set[date], zone: str = "UTC") -> Iterator[tuple[date, str | None]]:
    made, rows = settings(timezone=zone, **BOTH), row()
    for number in range(400):
        # half past midnight by the zone's clocks, which change twice
        local = datetime(2026, 11, 24, 0, 30, tzinfo=ZoneInfo(zone)) + timedelta(days=number)
        start = local.astimezone(UTC)
        tonight = plan(table(), timezone=zone, **BOTH)
        tonight = tonight.__class__(
            **{name: getattr(tonight, name) for name in tonight.__slots__}
            | {"start": start, "kept": due(["orders"], made, start, rows)}
        )
        good = local.date() not in failing
        kept = keeping.since(tonight, made, "orders", good, rows["orders"])
        rows = {"orders": {"kept": kept}}
        yield local.date(), tonight.kept.get("orders") if good else None


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"])
def test_of_a_year_every_week_and_month_has_one(zone: str) -> None:
    kinds = Counter(kind for _, kind in _days(set(), zone))

    assert kinds[MONTHLY] == 14
    assert {day.strftime("%Y-%m") for day, kind in _days(set(), zone) if kind == MONTHLY} == {
        *(f"2026-{month}" for month in (11, 12)),
        *(f"2027-{month:02}" for month in range(1, 13)),
    }
    weeks = [day.isocalendar()[:2] for day, kind in _days(set(), zone) if kind]
    assert len(set(weeks)) == 58, "every week there is"
    assert len(weeks) - len(set(weeks)) <= kinds[MONTHLY], "a month begins within a week"


def test_a_table_that_fails_on_the_day_has_its_turn_the_night_after() -> None:
    first = date(2026, 12, 1)

    found = dict(_days({first, first + timedelta(days=1)}))

    assert found[first] is None
    assert found[first + timedelta(days=2)] == MONTHLY


def test_a_part_by_hand_is_not_kept_longer() -> None:
    def kept(part: tuple[str, ...]) -> Mapping[str, str]:
        of_all = Inventory((table(),), Limits())
        return make_plan(of_all, settings(**BOTH), replace(night(), part=part), 32).kept

    assert kept(()) == {"orders": MONTHLY}
    assert kept(("orders",)) == {}
