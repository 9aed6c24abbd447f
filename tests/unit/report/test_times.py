"""Times in the window's zone, UTC beside; in UTC alone where that is the zone, or none is known."""

from __future__ import annotations

import pytest

from hippolyte.report.times import Times

BERLIN = Times.of("Europe/Berlin")
BEGIN, END = "2026-11-24T00:00:00Z", "2026-11-24T07:00:00Z"


@pytest.mark.parametrize("name", ["", "UTC", "Etc/UTC", "Mars/Phobos", "../../etc/passwd", "\x00"])
def test_utc_is_said_once(name: str) -> None:
    times = Times.of(name)
    assert times.clock("2026-11-24T00:05:59Z") == "00:05 UTC"
    assert times.between(BEGIN, END) == "00:00 to 07:00 UTC"
    assert times.between(BEGIN, None) == "00:00 to ? UTC"
    assert times.span(BEGIN, END) == "24 Nov 2026, 00:00 to 07:00 UTC"
    assert times.moment(BEGIN) == "24 Nov 2026, 00:00 UTC"


def test_a_zone_has_utc_beside() -> None:
    assert BERLIN.clock(BEGIN) == "01:00 (00:00 UTC)"
    assert BERLIN.short(BEGIN) == "01:00 (00:00)"
    assert BERLIN.between(BEGIN, END) == "01:00 to 08:00 (00:00 to 07:00 UTC)"
    assert BERLIN.between(BEGIN, None) == "01:00 to ? (00:00 to ? UTC)"
    expected = "24 Nov 2026, 01:00 to 08:00 Europe/Berlin (00:00 to 07:00 UTC)"
    assert BERLIN.span(BEGIN, END) == expected


def test_the_day_is_the_zone_s() -> None:
    assert BERLIN.moment("2026-11-23T23:30:00Z") == "24 Nov 2026, 00:30 (23:30 UTC)"
    tokyo = Times.of("Asia/Tokyo")
    assert tokyo.day("2026-11-23T16:00:00Z") == "24 Nov 2026"
    late = BERLIN.span("2026-11-24T21:00:00Z", "2026-11-25T04:00:00Z")
    assert late.startswith("24 Nov 2026, 22:00 to 25 Nov 2026, 05:00 Europe/Berlin")


def test_clocks_that_are_changed_in_the_night() -> None:
    assert BERLIN.between("2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z") == (
        "01:30 to 03:30 (23:30 to 02:30 UTC)"
    )
