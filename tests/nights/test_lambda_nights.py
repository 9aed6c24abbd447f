"""Nights of the default engine: exporter functions, link by link, in the world's one time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hippolyte.exports.reader import Prefix, find
from hippolyte.store import Store
from tests.support.harness import ACCOUNT, BIG, BUCKET, REGION, RUN, NightDriver, driver, verdicts


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch, "lambda") as made:
        yield made


def read_back(night: NightDriver, table: str, attempt: int = 1) -> set[str]:
    directory = f"backups/{ACCOUNT}/{REGION}/{table}/{RUN}-{attempt}/"
    backup = find(Prefix(Store(night.s3, BUCKET), directory))
    return {item["pk"]["S"] for item in backup.items()}


def test_a_night_backs_up_all_tables(night: NightDriver) -> None:
    night.table("orders")
    night.table("users", items=7)
    night.table("none", items=0)
    night.table("demand", read=None)
    report = night.night()
    assert verdicts(report) == dict.fromkeys(["orders", "users", "none", "demand"], "backed_up")
    assert read_back(night, "users") == {f"users#{i}" for i in range(7)}
    assert report["tables"]["users"]["items"] == 7
    assert report["tables"]["none"]["items"] == 0
    assert night.attention == []
    night.assert_clean()


def test_what_does_not_fit_is_raised_and_given_back(night: NightDriver) -> None:
    night.table("orders")
    night.table("big", read=1000, **BIG)
    report = night.night()
    assert verdicts(report) == {"orders": "backed_up", "big": "backed_up"}
    assert [each["to"] for each in report["raised"]] == [night.raised]
    assert night.capacity("big") == (1000, 50)
    night.assert_clean()
