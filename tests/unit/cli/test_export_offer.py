"""What `hippolyte export` says before it starts and while it runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hippolyte.scan.state import Progress, State
from hippolyte.tables.table import Table
from hippolyte_cli.export_offer import Offer, counted, duration, segments_of, share_of, size
from hippolyte_cli.export_view import View

GIB = 1 << 30
TABLE = Table("orders", "id", "ACTIVE", 100 * GIB, 1_000_000, read_capacity=1000)
ON_DEMAND = replace(TABLE, on_demand=True, read_capacity=0)


def offer(table: Table, percent: int = 50, rate: float | None = None, unit: int = 8192) -> Offer:
    share, wish = share_of(table, False, percent, rate)
    return Offer(table, share, wish, segments_of(table, share), unit)


def test_time_and_cost_follow_from_size_share_and_consistency() -> None:
    eventual = offer(TABLE)
    assert eventual.units == 100 * GIB / 8192
    assert eventual.seconds == 100 * GIB / 8192 / 500
    assert "about 7.3 hours" in eventual.lines()[1]
    assert offer(TABLE, unit=4096).seconds == 2 * eventual.seconds
    assert "none beyond" in eventual.lines()[2]
    assert "at most about 7.3 hours" in replace(eventual, rest=True).lines()[1]


def test_a_table_on_demand_is_said_with_its_price() -> None:
    lines = offer(ON_DEMAND).lines()
    assert lines[0].endswith("100.0 GiB, on demand.")
    assert "Reads 1,000 units/s (the default for tables on demand)" in lines[1]
    assert lines[2] == "Cost: about 13,107,200 units on demand, 1.64 USD (us-east-1)."
    unknown = offer(replace(ON_DEMAND, size_bytes=0)).lines()
    assert "how long is not known" in unknown[1]
    assert unknown[2] == "Cost: 0.125 USD for a million units (us-east-1)."


@pytest.mark.parametrize(
    ("table", "percent", "rate", "said"),
    [
        (TABLE, 25, None, "250 units/s (25 % of its capacity)"),
        (TABLE, 50, 80.0, "80 units/s (as asked for by --rate)"),
        (TABLE, 50, 5000.0, "1,000 units/s (ALL of its capacity)"),
        (
            replace(ON_DEMAND, warm_read=1200),
            50,
            None,
            "600 units/s (50 % of its maximum or warm throughput)",
        ),
        (
            replace(ON_DEMAND, on_demand_max_read=100),
            50,
            300.0,
            "100 units/s (as asked for, but at most 100 % of its maximum or warm throughput)",
        ),
        (ON_DEMAND, 50, 300.0, "300 units/s (as asked for by --rate)"),
    ],
)
def test_the_rate_is_said_with_its_reason(
    table: Table, percent: int, rate: float | None, said: str
) -> None:
    assert f"Reads {said}," in offer(table, percent, rate).lines()[1]


def test_a_scaled_table_is_followed_down_only() -> None:
    share, _ = share_of(TABLE, True, 50, None)
    assert share.seen(4000).rate == 500
    assert share.seen(100).rate == 50


def test_a_large_table_has_segments_for_its_partitions_and_its_size() -> None:
    small = replace(TABLE, size_bytes=1000, read_capacity=5)
    assert offer(small).segments == 4
    assert offer(replace(small, read_capacity=12_000)).segments == 8
    assert offer(replace(small, size_bytes=3 * GIB)).segments == 12
    assert offer(TABLE).segments == 64


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (counted(replace(TABLE, item_count=1, size_bytes=200)), "about 1 item, 200 bytes"),
        (
            counted(replace(TABLE, item_count=0, size_bytes=0)),
            "empty when it was last counted (that may be six hours ago)",
        ),
        (duration(0.2), "1 second"),
        (duration(89), "89 seconds"),
        (duration(600), "10 minutes"),
        (duration(36_000), "10.0 hours"),
        (size(5 << 20), "5.0 MiB"),
    ],
)
def test_numbers_are_for_people(text: str, said: str) -> None:
    assert text == said


def progress(items: int, units: float, **more: object) -> Progress:
    made = Progress("orders", State.READING, items, 1000 * items, units, segments=4, ended=1)
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_line_has_the_rate_of_late_and_the_time_that_is_left() -> None:
    view = View(10_000)
    assert view.line(0.0) == "opening"
    view.take(progress(0, 0.0))
    assert view.line(100.0) == "reading: 0 items, 0 bytes, 0.0 units/s, 1 of 4 segments read"
    view.take(progress(1000, 50.0))
    assert view.line(110.0) == (
        "reading: 1,000 items, 1.0 MiB, 5.0 units/s, 1 of 4 segments read, about 2 minutes left"
    )
    # of the last half minute, or since the last line if that is longer ago
    view.take(progress(1300, 110.0))
    assert "2.0 units/s, " in view.line(140.0)
    assert "0.0 units/s, " in view.line(200.0)
    view.take(progress(20_000, 200.0))
    assert view.line(150.0).endswith("1 of 4 segments read, more than were counted")


def test_a_line_says_what_is_waited_for() -> None:
    view = View(0)
    view.take(progress(10, 1.0, reason="Could not connect"))
    assert view.line(1.0).endswith("1 of 4 segments read; waits: Could not connect")
    view.take(Progress("orders", State.OPENING, reason="ExpiredToken"))
    assert view.line(2.0) == "opening; waits: ExpiredToken"
