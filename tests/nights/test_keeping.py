"""Backups that are kept by the week and by the month lie where their rules of expiry find them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hippolyte.store import Store
from hippolyte_cli.backups import Backups
from local.core.call import Call, refusal
from tests.support.expiry import LONGER, expire
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
    REGION,
    RUN,
    START,
    NightDriver,
    next_night,
    verdicts,
)
from tests.support.report_schema import faults

SECOND = "2026-11-25T00-00Z"


def keys(night: NightDriver, part: str) -> list[str]:
    return list(Store(night.s3, BUCKET).names(f"{part}/{ACCOUNT}/{REGION}/"))


@pytest.mark.both
def test_the_first_of_the_month_lies_apart_and_is_found(night: NightDriver) -> None:
    night.configure(**LONGER)
    night.table("orders", items=3)

    report = night.night()

    assert verdicts(report) == {"orders": "backed_up"}
    assert list(faults(report)) == []
    assert report["tables"]["orders"]["kept"] == {"monthly": "2026-11-24"}
    assert keys(night, "catalog-monthly") == [f"orders/{RUN}.json"]
    assert keys(night, "catalog") == keys(night, "backups") == []
    written = [key for key in keys(night, "backups-monthly") if not key.endswith("_$folder$")]
    assert written
    assert all(key.startswith(f"orders/{RUN}-1/") for key in written)

    second = next_night(night)

    assert second["tables"]["orders"]["kept"] == {"monthly": "2026-11-24"}, "and it is the week's"
    assert keys(night, "catalog") == [f"orders/{SECOND}.json"]
    assert keys(night, "backups-weekly") == []
    kept = Backups(Store(night.s3, BUCKET))
    ((home, runs),) = kept.of("orders")
    assert runs == [SECOND, RUN]
    assert [kept.read(home, "orders", run).run for run in runs] == runs
    assert kept.find("orders", "2026-11-24").location.startswith(
        f"s3://{BUCKET}/backups-monthly/{ACCOUNT}/{REGION}/orders/"
    )


@pytest.mark.engine("lambda")
def test_a_failed_table_is_kept_longer_the_night_after(night: NightDriver) -> None:
    night.configure(retention_days=35, retention_weeks=4)
    night.table("orders", items=3)
    night.refuse("dynamodb:Scan", "ValidationException", "no")
    first = night.night()
    night.allow_all()
    assert verdicts(first) == {"orders": "failed"}
    assert first["tables"]["orders"]["kept"] is None

    second = next_night(night)

    assert second["tables"]["orders"]["kept"] == {"weekly": "2026-11-25"}
    assert keys(night, "catalog-weekly") == [f"orders/{SECOND}.json"]


def tiers(night: NightDriver) -> dict[str, list[str]]:
    """Return the nights whose backups lie in each catalogue."""
    return {
        part: [key.removeprefix("orders/").removesuffix(".json") for key in keys(night, part)]
        for part in ("catalog-monthly", "catalog-weekly", "catalog")
    }


@pytest.mark.engine("lambda")
@pytest.mark.parametrize(
    ("day", "part", "previous"),
    [
        # the first night is a Tuesday's, the second the 1st of December's, a Tuesday's too
        (12, "catalog", "2026-12-01T00-00Z"),  # a Sunday, five days after it
        (13, "catalog-weekly", "2026-12-01T00-00Z"),
        (17, "catalog-weekly", "2026-12-01T00-00Z"),
        (37, "catalog-weekly", "2026-12-01T00-00Z"),  # the month's last day
        (38, "catalog-monthly", "2026-12-01T00-00Z"),
        (47, "catalog-monthly", None),  # forty days after, when the report is gone
    ],
)
def test_after_a_pause_a_week_and_a_month_that_have_one_get_no_other(
    night: NightDriver, day: int, part: str, previous: str | None
) -> None:
    """The last report is older than runs are looked for."""
    night.configure(timezone="Europe/Berlin", **LONGER)
    night.table("orders", items=3)
    night.night()
    assert next_night(night, 7)["tables"]["orders"]["kept"] == {"monthly": "2026-12-01"}
    night.world.clock.advance_to(START + timedelta(days=day, minutes=-1))
    expire(night)
    before = keys(night, part)

    after = next_night(night, day)

    new = f"orders/{START + timedelta(days=day):%Y-%m-%dT00-00Z}.json"
    assert keys(night, part) == [*before, new]
    assert after["previous_run"] == previous


@pytest.mark.engine("lambda")
def test_a_pause_forgets_neither_count_nor_age(night: NightDriver) -> None:
    night.configure(**LONGER)
    night.table("orders", items=3)
    first = night.night()
    night.refuse("dynamodb:Scan", "ValidationException", "no")

    after = next_night(night, 10)["tables"]["orders"]

    assert after["verdict"] == "failed"
    assert after["last_items"] == 3
    assert after["last_good"] == first["tables"]["orders"]["last_good"]
    assert after["wanted_since"] == first["tables"]["orders"]["wanted_since"]


@pytest.mark.engine("lambda")
def test_a_night_by_hand_keeps_what_the_weeks_first_night_had_not(night: NightDriver) -> None:
    """Each table's first good backup of the week is kept, not the first night's."""
    night.configure(retention_days=35, retention_weeks=4)
    night.table("orders", items=3)
    night.table("users", items=3)

    def no(call: Call) -> None:
        if call.params["TableName"] == "users":
            raise refusal(call, "ValidationException", "no")

    night.world.before("dynamodb:Scan", no)
    first = next_night(night, 13)
    night.allow_all()
    assert verdicts(first) == {"orders": "backed_up", "users": "failed"}
    assert first["tables"]["orders"]["kept"] == {"weekly": "2026-12-07"}

    night.world.clock.advance_to(START + timedelta(days=18, hours=11))
    night.scheduler({"run": "now"})
    again = night.until_closed(run="2026-12-12T11-00Z")

    assert again["tables"]["orders"]["kept"] == {"weekly": "2026-12-07"}
    assert again["tables"]["users"]["kept"] == {"weekly": "2026-12-12"}
    assert keys(night, "catalog-weekly") == [
        "orders/2026-12-07T00-00Z.json",
        "users/2026-12-12T11-00Z.json",
    ]
    assert keys(night, "catalog") == ["orders/2026-12-12T11-00Z.json"]
