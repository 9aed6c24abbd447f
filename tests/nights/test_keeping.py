"""Backups that are kept by the week and by the month lie where their rules of expiry find them."""

from __future__ import annotations

import pytest

from hippolyte.store import Store
from hippolyte_cli.backups import Backups
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
    REGION,
    RUN,
    NightDriver,
    next_night,
    verdicts,
)
from tests.support.report_schema import faults

LONGER = {"retention_days": 35, "retention_weeks": 12, "retention_months": 13}
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
