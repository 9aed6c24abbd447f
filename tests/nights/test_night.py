"""Whole nights: discovery to report, each verdict, raises given back."""

from __future__ import annotations

import pytest

from hippolyte.exports.dynamodbexport import parse_manifest
from tests.support.harness import ACCOUNT, BUCKET, GIB, REGION, RUN, NightDriver, verdicts


@pytest.mark.engine("datapipeline", "emr")
def test_a_night_of_small_tables(night: NightDriver) -> None:
    for name in ("orders", "orders-archive", "users"):
        night.table(name)
    night.table("events", read=None)
    night.table("nothing", items=0)
    report = night.night()
    assert set(verdicts(report).values()) == {"backed_up"}
    assert report["discovered"] == 5
    for name in ("orders", "orders-archive", "users", "events", "nothing"):
        prefix = f"backups/{ACCOUNT}/{REGION}/{name}/{RUN}-1/"
        files = {k.removeprefix(prefix) for k in night.keys(prefix)}
        assert {"manifest", "_SUCCESS"} <= files
        manifest = night.s3.get_object(Bucket=BUCKET, Key=prefix + "manifest")["Body"].read()
        assert all(url.rsplit("/", 1)[1] in files for url in parse_manifest(manifest))
        assert night.json(f"catalog/{ACCOUNT}/{REGION}/{name}/{RUN}.json")["definition"]
    assert report["tables"]["orders"]["items"] == 3
    assert report["tables"]["nothing"]["items"] == 0
    assert len(night.messages) == 1
    assert RUN in night.messages[0]["message"]
    assert "OK" in night.messages[0]["subject"]
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_a_table_too_large_is_raised_and_given_back(night: NightDriver) -> None:
    raised = {"datapipeline": 1569, "emr": 7906}[night.engine]
    night.configure(window_seconds=25_200)
    night.table("orders", read=1000, size_bytes=100 * GIB, item_count=3)
    night.scheduler()
    night.passes(10)
    assert night.capacity("orders") == (raised, 50)
    lease = night.lease("orders")
    assert lease is not None
    assert (lease["state"], lease["before"], lease["target"]) == ("raised", 1000, raised)
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.capacity("orders") == (1000, 50)
    assert report["raised"][0]["from"] == 1000
    assert report["raised"][0]["to"] == raised
    assert report["raised"][0]["given_back_at"]
    night.assert_clean()
