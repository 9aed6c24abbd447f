"""Backups that are read back by the night that made them, each table's in its turn."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from hippolyte.exports.filters import is_filter
from hippolyte.exports.manifest import is_marker
from hippolyte.night.read_back import in_turn
from hippolyte.record_form import when
from hippolyte.settings import Settings
from local.core.call import Call
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
    REGION,
    RUN,
    Killed,
    NightDriver,
    next_night,
    verdicts,
)
from tests.support.report_schema import faults

pytestmark = pytest.mark.both

ORDERS = f"runs/{ACCOUNT}/{REGION}/{RUN}/workers/check/orders.json"


def verified(night: NightDriver, table: str, run: str = RUN) -> dict[str, Any]:
    found = night.json(f"catalog/{ACCOUNT}/{REGION}/{table}/{run}.json")
    assert found
    noted: dict[str, Any] = found["verified"]
    return noted


def when_ordered(night: NightDriver, act: Callable[[], None]) -> None:
    """Do something when the reading is ordered, once."""

    def look(call: Call) -> None:
        if str(call.key) == ORDERS and not done:
            done.append(True)
            act()

    done: list[bool] = []
    night.world.before("s3:PutObject", look)


def data_of(night: NightDriver, table: str) -> list[str]:
    keys = night.keys(f"backups/{ACCOUNT}/{REGION}/{table}/{RUN}-1/")
    if night.engine == "lambda":
        bodies = {key: body(night, key) for key in keys if "/data/" in key}
        return [key for key, data in bodies.items() if gzip.decompress(data)]
    names = {key: key.rpartition("/")[2] for key in keys}
    none = ("manifest", "_SUCCESS")
    return [key for key, name in names.items() if not is_marker(name) and name not in none]


def body(night: NightDriver, key: str) -> bytes:
    content: bytes = night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return content


def with_line_harmed(night: NightDriver, data: bytes) -> bytes:
    """Return a file whose first line has a type that there is not."""
    if night.engine == "lambda":
        return gzip.compress(gzip.decompress(data).replace(b'"N"', b'"Q"', 1))
    return data.replace(b'"n":{"n":', b'"n":{"q":', 1)


def levels(night: NightDriver, *read: int) -> list[int]:
    """Return the levels of a backup; the count of a cluster's log is compared with the table's."""
    return [1, *read] if night.engine == "lambda" else [1, *read, 3]


def filters_of(night: NightDriver, table: str) -> list[str]:
    prefix = f"backups/{ACCOUNT}/{REGION}/{table}/"
    found = night.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    return [one["Key"] for one in found if is_filter(one["Key"])]


def test_what_is_read_back_is_of_level_two(night: NightDriver) -> None:
    night.configure(verify_days=1)
    night.table("orders")
    night.table("users", items=40)
    report = night.night()

    for name in ("orders", "users"):
        noted = verified(night, name)
        assert (noted["level"], noted["by"]) == (2, "night")
        assert report["tables"][name]["verified_levels"] == levels(night, 2)
        assert noted["levels"] == levels(night, 2)
        assert report["tables"][name]["damage"] == []
        assert len(filters_of(night, name)) == 1, "for later look-ups"
    assert list(faults(report)) == []
    assert (report["alerts"], report["warnings"], night.attention) == ([], [], [])
    settings = night.json(f"catalog/{ACCOUNT}/{REGION}/users/{RUN}.json")
    assert settings
    assert settings["settings"]["unread"] == {}
    night.assert_clean()


@pytest.mark.parametrize(
    "settings", [{}, {"verify_days": 0}, {"retention_days": 1, "verify_days": 0}]
)
def test_it_may_be_off(night: NightDriver, settings: dict[str, Any]) -> None:
    night.configure(**settings)
    night.table("orders")
    report = night.night()
    assert night.json(ORDERS) is None
    assert report["tables"]["orders"]["verified_levels"] == levels(night)
    assert report["warnings"] == []


def test_the_retention_is_the_turn_unless_said(night: NightDriver) -> None:
    night.configure(retention_days=1)
    night.table("orders")
    assert night.night()["tables"]["orders"]["verified_levels"] == levels(night, 2)


def test_each_table_is_read_once_in_its_turn(night: NightDriver) -> None:
    night.configure(verify_days=2)
    for number in range(6):
        night.table(f"table-{number}")
    first = night.night()["tables"]
    second = next_night(night)["tables"]
    read = [
        {n for n, t in tables.items() if 2 in t["verified_levels"]} for tables in (first, second)
    ]
    assert read[0] | read[1] == set(first)
    assert not read[0] & read[1]


def test_the_turns_are_even() -> None:
    days = [day for day in range(730_000, 730_035) for n in range(700) if in_turn(f"t{n}", day, 35)]
    assert len(days) == 700
    assert max(Counter(days).values()) < 45
    assert not in_turn("t", 3, 0)


def test_damage_is_told_to_a_person_and_stays_in_the_catalogue(night: NightDriver) -> None:
    night.configure(verify_days=1)
    night.table("orders", items=40)
    night.table("users")

    def harm() -> None:
        key = data_of(night, "orders")[0]
        harmed = with_line_harmed(night, body(night, key))
        assert harmed != body(night, key)
        night.s3.put_object(Bucket=BUCKET, Key=key, Body=harmed)

    when_ordered(night, harm)
    report = night.night()

    assert verdicts(report) == {"orders": "backed_up", "users": "backed_up"}
    (damage,) = report["tables"]["orders"]["damage"]
    assert "line 1" in damage
    assert report["tables"]["orders"]["verified_levels"] == levels(night)
    (alert,) = report["alerts"]
    assert alert.startswith("orders: its backup of tonight is damaged")
    assert "ATTENTION" in night.messages[-1]["subject"]
    assert alert in night.messages[-1]["message"]
    noted = verified(night, "orders")
    assert (noted["level"], noted["damage"]) == (1, [damage])
    assert verified(night, "users")["level"] == 2


@pytest.mark.engine("datapipeline", "emr")
def test_a_line_less_than_the_log_counted_is_damage(night: NightDriver) -> None:
    night.configure(verify_days=1)
    night.table("orders", items=40)

    def harm() -> None:
        key = data_of(night, "orders")[0]
        lines = body(night, key).splitlines(keepends=True)
        night.s3.put_object(Bucket=BUCKET, Key=key, Body=b"".join(lines[:-1]))

    when_ordered(night, harm)
    report = night.night()
    (damage,) = report["tables"]["orders"]["damage"]
    assert damage == "its files hold 39 items, 40 were written"
    assert verified(night, "orders")["levels"] == [1, 3]


@pytest.mark.engine("datapipeline", "emr")
def test_a_module_without_an_exporter_reads_nothing_back(night: NightDriver) -> None:
    night.configure(verify_days=1, exporter=None)
    night.table("orders")
    report = night.night()
    assert report["tables"]["orders"]["verified_levels"] == levels(night)
    assert (report["warnings"], night.json(ORDERS)) == ([], None)


@pytest.mark.parametrize("at", ["its orders", "its start", "the catalogue", "the ledger"])
def test_a_monitor_that_dies_over_it(night: NightDriver, at: str) -> None:
    night.configure(verify_days=1)
    night.table("orders")
    ordered: list[bool] = []
    dead: list[str] = []

    def strike(call: Call) -> None:
        key, reading = str(call.key), (night.record(RUN, "workers/check/record.json") or {})
        where = {
            "its orders": key == ORDERS,
            "its start": bool(ordered) and call.name == "stepfunctions:StartExecution",
            "the catalogue": key.startswith("catalog/") and bool(reading.get("stopped")),
            "the ledger": key.endswith("/ledger.json") and bool(reading.get("stopped")),
        }
        if key == ORDERS:
            ordered.append(True)
        if where[at] and not dead:
            dead.append(at)
            raise Killed(at)

    night.world.before("s3:PutObject", strike)
    night.world.before("stepfunctions:StartExecution", strike)
    night.scheduler()
    end = night.world.clock.now() + timedelta(hours=4)
    while not night.record(RUN, "report.json") and night.world.clock.now() < end:
        night.world.clock.advance(300)
        with suppress(Killed):
            night.monitor()
    assert dead == [at]
    report = night.record(RUN, "report.json")
    assert report
    assert report["tables"]["orders"]["verified_levels"] == levels(night, 2)
    assert verified(night, "orders")["level"] == 2
    assert night.attention == []


def test_the_report_waits_an_hour_at_the_most(night: NightDriver) -> None:
    night.configure(verify_days=1)
    night.table("orders")

    def refuse() -> None:
        night.refuse("stepfunctions:StartExecution", "ThrottlingException", "Rate exceeded")

    when_ordered(night, refuse)
    report = night.night()
    ledger = night.record(RUN, "ledger.json")
    assert ledger
    waited = when(report["closed_at"]) - when(ledger["decided_at"])
    assert timedelta(minutes=55) < waited <= timedelta(minutes=70)
    (warning,) = report["warnings"]
    assert "not read back in their turn" in warning
    assert "orders: there was no time left" in warning
    assert night.attention == []
    assert verified(night, "orders")["level"] == 1


def test_an_unknown_turn_is_no_turn() -> None:
    named = ("name", "account", "region", "partition", "bucket", "topic_arn")
    made = Settings(
        **dict.fromkeys((*named, "pipeline_region", "pipeline_role", "cluster_role"), "x")
    )
    assert made.reading_turn == 0
