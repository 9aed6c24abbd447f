"""Tables of which AWS's own figures say little: made anew, emptied, purged, loaded today.

DescribeTable's size and count are about six hours old (API TableDescription); a table made anew
has another id under the same name.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from local.core.call import Call
from local.core.faults import ALWAYS
from tests.support.harness import (
    ACCOUNT,
    BUCKET,
    GIB,
    REGION,
    RUN,
    START,
    NightDriver,
    empty,
    next_night,
    verdicts,
)

STALE = {"size_bytes": 0, "item_count": 0}
SEVEN_HOURS = {"window_seconds": 25_200}
# 2 hours at the share of 100 units, by the exporter's eventually consistent scan
LOADED = {"size_bytes": 0, "item_count": 0, "read_bytes": 3 * GIB}


def recreate(night: NightDriver, name: str, items: int, **settings: Any) -> None:
    """Drop a table and make it anew."""
    night.dynamodb.delete_table(TableName=name)
    night.table(name, items=items, **settings)


def without_ids(night: NightDriver) -> None:
    """Turn the first night's report into one that an older version wrote."""
    key = f"runs/{ACCOUNT}/{REGION}/{RUN}/report.json"
    report = night.record(RUN, "report.json") or {}
    for row in report["tables"].values():
        del row["table_id"]
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(report).encode())


# a table made anew


@pytest.mark.parametrize("old_report", [False, True], ids=["ids", "a report without ids"])
def test_a_table_made_anew_is_not_judged_by_the_old_ones_count(
    night: NightDriver, old_report: bool
) -> None:
    night.table("staging", items=30)
    night.table("orders", items=30, **STALE)
    night.night()
    if old_report:
        without_ids(night)
    night.world.clock.advance_to(START + timedelta(hours=23))
    recreate(night, "staging", 10, **STALE)
    report = next_night(night)
    entry = report["tables"]["staging"]
    assert (entry["verdict"], entry["attempt"], entry["items"]) == ("backed_up", 1, 10)
    if night.engine == "lambda":
        # what was written is counted, and is compared with nothing else
        assert entry["notes"] == ["1 file, each as it was written"]
    else:
        assert "10 items read; no other count to compare with" in entry["notes"]
        assert "30 items read, last night's is 30" in report["tables"]["orders"]["notes"]
    assert entry["last_items"] == 10
    assert night.attention == []


def test_a_table_made_anew_each_evening_has_its_backup_each_night(night: NightDriver) -> None:
    night.table("staging", items=30)
    night.night()
    for day, items in ((1, 10), (2, 4), (3, 12)):
        night.world.clock.advance_to(START + timedelta(days=day, hours=-1))
        recreate(night, "staging", items, **STALE)
        entry = next_night(night, day)["tables"]["staging"]
        assert (entry["verdict"], entry["items"]) == ("backed_up", items)


def test_a_count_is_carried_with_the_table_it_belongs_to(night: NightDriver) -> None:
    night.table("staging", items=30)
    first = night.night()["tables"]["staging"]
    night.world.faults.step_fails["staging"] = 2
    second = next_night(night)["tables"]["staging"]
    assert (second["last_items"], second["table_id"]) == (30, first["table_id"])
    assert second["last_good"] == first["last_good"]
    # nothing is known of it tonight: the count stays with the table it is of
    night.refuse("dynamodb:DescribeTable", "AccessDeniedException", "not tonight", times=1)
    third = next_night(night, 2)["tables"]["staging"]
    assert third["verdict"] == "failed"
    assert (third["last_items"], third["table_id"]) == (30, first["table_id"])
    night.world.clock.advance_to(START + timedelta(days=3, hours=-1))
    recreate(night, "staging", 10)
    night.world.faults.step_fails["staging"] = 2
    fourth = next_night(night, 3)["tables"]["staging"]
    assert fourth["verdict"] == "failed"
    assert fourth["last_items"] is None
    assert fourth["table_id"] != first["table_id"]


def test_a_table_made_anew_has_no_good_backup_of_the_old_one(night: NightDriver) -> None:
    """Its age counts on from the last one under its name: made anew each day it never gets old."""
    night.table("staging", items=30)
    good = night.night()["tables"]["staging"]["last_good"]
    night.world.faults.step_fails["staging"] = ALWAYS
    for day in (1, 2):
        night.world.clock.advance_to(START + timedelta(days=day, hours=-1))
        recreate(night, "staging", 30)
        report = next_night(night, day)
        entry = report["tables"]["staging"]
        assert (entry["verdict"], entry["last_good"]) == ("failed", None)
        assert entry["wanted_since"] == good
        assert report["oldest_good"]["age_days"] > day


@pytest.mark.parametrize("is_same", [True, False])
def test_a_catalogue_entry_of_another_table_is_not_its_backup(
    night: NightDriver, is_same: bool
) -> None:
    """No report tells of it, as after a pause: the catalogue does, by the definition in it."""
    night.table("orders")
    night.world.faults.step_fails["orders"] = ALWAYS
    there = night.dynamodb.describe_table(TableName="orders")["Table"]["TableId"]
    definition = {"TableId": there if is_same else "of the one before"}
    night.s3.put_object(
        Bucket=BUCKET,
        Key=f"catalog/{ACCOUNT}/{REGION}/orders/2026-11-14T00-00Z.json",
        Body=json.dumps({"version": 1, "definition": definition}).encode(),
    )
    found = night.night()["tables"]["orders"]["last_good"]
    assert found == ("2026-11-14T00:00:00Z" if is_same else None)


def test_an_empty_table_in_place_of_a_full_one_is_told(night: NightDriver) -> None:
    night.table("orders", items=30)
    night.night()
    night.world.clock.advance_to(START + timedelta(hours=23))
    recreate(night, "orders", 0)
    report = next_night(night)
    assert report["changes"]["empty"] == ["orders"]
    told = "orders is empty tonight: it was made anew, and the one of the night before was not"
    assert report["alerts"] == [told]
    assert told in night.messages[-1]["message"]


# a stale count


@pytest.mark.engine("datapipeline", "emr")
def test_an_emptied_table_with_a_stale_count_is_backed_up(night: NightDriver) -> None:
    night.table("queue", items=0, size_bytes=4_000_000, item_count=5000)
    night.table("orders")
    report = night.night()
    entry = report["tables"]["queue"]
    assert (entry["verdict"], entry["attempt"], entry["items"]) == ("backed_up", 1, 0)
    assert "a look into the table finds it empty" in str(entry["notes"])
    # as an empty table that reads 0
    assert night.attention == []
    assert [c for c in night.keys("catalog/") if "/queue/" in c]


def test_an_emptied_table_without_a_log_is_backed_up(night: NightDriver) -> None:
    night.table("queue", items=0, size_bytes=4_000_000, item_count=5000)
    night.world.faults.no_log["queue"] = ALWAYS
    entry = night.night()["tables"]["queue"]
    assert (entry["verdict"], entry["items"]) == ("backed_up", 0)


def test_nothing_read_of_a_table_that_holds_items_is_no_backup(night: NightDriver) -> None:
    night.table("queue", items=0, size_bytes=4_000_000, item_count=5000)

    def written(call: Call) -> None:
        night.world.put_items("queue", [{"pk": {"S": "late"}}])

    night.world.before("dynamodb:Scan", written)
    night.world.faults.fewer_items["queue"] = ALWAYS
    entry = night.night()["tables"]["queue"]
    assert entry["verdict"] == "failed"
    told = "is not what was written" if night.engine == "lambda" else "0 items read, the table's "
    assert told in entry["reason"]


def test_another_empty_table_in_its_place_explains_nothing(night: NightDriver) -> None:
    night.table("queue", items=1, size_bytes=4_000_000, item_count=5000)
    night.world.faults.fewer_items["queue"] = ALWAYS
    night.scheduler()
    night.until_exporting("queue")
    while night.exporting("queue"):
        night.world.clock.advance(5)
    recreate(night, "queue", 0)
    entry = night.until_closed()["tables"]["queue"]
    # of a scan, what its summary says
    assert (entry["verdict"], entry["items"]) == ("vanished", night.engine == "lambda")
    assert night.keys("catalog/") == []


@pytest.mark.engine("datapipeline", "emr")
def test_a_shortfall_on_which_two_reads_agree_is_believed_and_told(night: NightDriver) -> None:
    night.configure(window_seconds=3 * 3600)
    night.table("sessions", items=70, item_count=100)
    report = night.night()
    entry = report["tables"]["sessions"]
    assert (entry["verdict"], entry["attempt"], entry["items"]) == ("backed_up", 2, 70)
    told = (
        "sessions: 70 items read, the table's count is 100: more than 20 % are missing;"
        " believed, as the attempt before read 70"
    )
    assert report["alerts"] == [told]
    assert told in night.messages[-1]["message"]
    # told with the report, not in a message of its own
    assert len(night.messages) == 1
    assert [c for c in night.keys("catalog/") if "/sessions/" in c]


@pytest.mark.engine("datapipeline", "emr")
def test_a_shortfall_that_a_fresh_count_explains_needs_no_second_read(night: NightDriver) -> None:
    night.table("sessions", items=70, item_count=100)
    night.scheduler()
    night.world.set_table("sessions", item_count=72)
    report = night.until_closed()
    entry = report["tables"]["sessions"]
    assert (entry["verdict"], entry["attempt"], entry["items"]) == ("backed_up", 1, 70)
    (told,) = report["alerts"]
    assert told.endswith("believed, as its count is 72 by now")


@pytest.mark.engine("datapipeline", "emr")
def test_a_daily_purge_is_told_once(night: NightDriver) -> None:
    """Where last night's backup held as few, a shortfall is no news."""
    night.configure(window_seconds=3 * 3600)
    night.table("sessions", items=70, item_count=100)
    assert night.night()["alerts"] != []
    for day in (1, 2):
        report = next_night(night, day)
        assert verdicts(report) == {"sessions": "backed_up"}
        assert report["alerts"] == []
        assert "believed, as the attempt before read 70" in str(
            report["tables"]["sessions"]["notes"]
        )


def test_two_short_reads_that_do_not_agree_are_no_backup(night: NightDriver) -> None:
    night.configure(window_seconds=3 * 3600)
    night.table("orders", items=60)
    night.world.faults.fewer_items["orders"] = ALWAYS
    report = night.night()
    entry = report["tables"]["orders"]
    assert entry["verdict"] == "failed"
    told = [" 40 items read, the table's count is 60", " 20 items read, the table's count is 60"]
    if night.engine == "lambda":
        told = [" data/0000-000000.json.gz is not what was written"] * 2
    assert [e.split(":")[1] for e in entry["errors"]] == told
    assert night.keys("catalog/") == []


# loaded or restored today


@pytest.mark.engine("datapipeline", "emr")
def test_a_table_loaded_today_has_its_time(night: NightDriver) -> None:
    night.configure(**SEVEN_HOURS)
    night.table("restored", **LOADED)
    report = night.night()
    entry = report["tables"]["restored"]
    assert (entry["verdict"], entry["attempt"]) == ("backed_up", 1)
    assert 7200 < entry["duration_seconds"] < 9000
    assert report["duration_seconds"] < 10_000
    night.assert_clean()


@pytest.mark.both
def test_a_table_made_today_has_its_time_whatever_size_is_told(night: NightDriver) -> None:
    """Counted once while it was loaded: 1 MiB of 3 GiB."""
    night.configure(**SEVEN_HOURS)
    night.table("restored", created_at=START - timedelta(hours=5), read_bytes=3 * GIB)
    entry = night.night()["tables"]["restored"]
    assert (entry["verdict"], entry["attempt"]) == ("backed_up", 1)


@pytest.mark.engine("datapipeline", "emr")
@pytest.mark.parametrize("grown", [True, False])
def test_an_old_table_that_was_loaded_today_has_its_time(night: NightDriver, grown: bool) -> None:
    """Its size of before the load is no estimate: the service counts it anew under its export."""
    night.configure(**SEVEN_HOURS, planning={"attempts": 1})
    night.table(
        "loaded", created_at=START - timedelta(days=30), size_bytes=GIB // 1024, read_bytes=3 * GIB
    )
    night.scheduler()
    night.world.set_table("loaded", size_bytes=3 * GIB if grown else GIB // 1024)
    entry = night.until_closed()["tables"]["loaded"]
    assert (entry["verdict"], entry["attempt"]) == ("backed_up" if grown else "failed", 1)
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_what_waits_behind_a_table_loaded_today_goes_on_without_it(night: NightDriver) -> None:
    """The cluster is ended for the others once; then it is alone, with what is left."""
    night.configure(**SEVEN_HOURS, planning={"max_clusters": 1})
    # one more than a pipeline holds: with Data Pipeline a second batch waits, in EMR all the others
    others = [f"z-{number}" for number in range(32)]
    night.table("a-restored", **LOADED)
    for name in others:
        night.table(name, size_bytes=0)
    report = night.night()
    assert verdicts(report) == dict.fromkeys(report["tables"], "backed_up")
    assert report["tables"]["a-restored"]["attempt"] == 2
    assert "the export of a-restored is overdue" in report["batches"][0]["cancel_reason"]
    assert ["a-restored"] in [batch["tables"] for batch in report["batches"]]
    last = max(report["tables"][name]["finished_at"] for name in others)
    assert last < report["tables"]["a-restored"]["finished_at"]
    night.assert_clean()


def test_a_hung_export_of_a_table_loaded_today_ends_at_the_deadline(night: NightDriver) -> None:
    night.table("restored", **LOADED)
    night.world.faults.step_hangs["restored"] = ALWAYS
    report = night.night()
    assert verdicts(report) == {"restored": "timed_out"}
    night.assert_clean()


def test_a_table_emptied_since_the_night_before_is_told_as_before(night: NightDriver) -> None:
    night.table("orders", items=30)
    night.night()
    empty(night, "orders")
    report = next_night(night)
    assert report["alerts"] == ["orders is empty tonight and was not the night before"]
