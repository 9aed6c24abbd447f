"""What a trial shows, point by point."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hippolyte_cli.doctor_points import Seen, points, rate_line, rate_of

MADE = datetime(2026, 11, 24, tzinfo=UTC)
GOOD = Seen(
    verdict="backed_up",
    created=MADE,
    ready=MADE + timedelta(minutes=6),
    ended=MADE + timedelta(minutes=12),
    state="TERMINATED",
    succeeded=True,
    logs=4,
    counted=7,
    read=7,
    live=7,
)


def of(seen: Seen) -> dict[str, str]:
    return {point.id: point.held for point in points(seen)}


def test_all_hold() -> None:
    assert set(of(GOOD).values()) == {"held"}


@pytest.mark.parametrize(
    ("seen", "broken"),
    [
        (replace(GOOD, ready=MADE + timedelta(minutes=16)), {"cluster-up"}),
        (replace(GOOD, logs=0, counted=None), {"log"}),
        (replace(GOOD, counted=None), {"counters"}),
        (replace(GOOD, counted=8), {"items"}),
        (replace(GOOD, unreadable="no manifest", read=None), {"format"}),
        (replace(GOOD, state="TERMINATING"), {"end"}),
        (replace(GOOD, left_alone=False), {"end"}),
        (replace(GOOD, succeeded=False, trouble="ClassNotFoundException"), {"jar"}),
    ],
)
def test_one_that_breaks_is_named_alone(seen: Seen, broken: set[str]) -> None:
    assert {name for name, held in of(seen).items() if held == "broken"} == broken


def test_a_denied_call_and_a_quota_are_told_by_their_words() -> None:
    dead = Seen(trouble="VALIDATION_ERROR: exceeds your vCPU quota", state="TERMINATED")
    assert "vCPU quota" in next(p.said for p in points(dead) if p.id == "cluster-up")
    denied = replace(GOOD, verdict="failed", trouble="AccessDenied: s3:PutObject")
    assert of(denied)["roles"] == "broken"


def test_the_rate_is_of_eventually_consistent_units_and_of_no_short_time() -> None:
    assert rate_of(8192 * 6000, 120) == 50
    assert rate_of(8192 * 6000, 59) is None
    assert rate_line(GOOD) == ""
    assert rate_line(replace(GOOD, target=50.0)).startswith("rate: 50 read units/s meant; it was")
    assert "about 1,200 read units/s" in rate_line(replace(GOOD, target=50.0, rate=1200.4))


def test_nothing_seen_holds_nothing() -> None:
    assert set(of(Seen()).values()) == {"not seen"}


def test_the_document_has_each_point_and_no_other() -> None:
    text = Path("docs/emr.md").read_text(encoding="utf-8").partition("## Not verified on AWS")[2]
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE) == list(of(GOOD))
