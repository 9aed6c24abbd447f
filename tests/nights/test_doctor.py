"""`hippolyte doctor`: a trial on one cluster, and what it says of what goes wrong."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from hippolyte_cli import doctor, follow
from local.core.faults import ALWAYS
from tests.support.commands import command, reach
from tests.support.harness import JAR, NightDriver
from tests.support.native import exports, native


@pytest.fixture(autouse=True)
def _reached(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    reach(night, monkeypatch, follow, doctor)


def told(night: NightDriver, *more: str) -> tuple[int, dict[str, Any]]:
    result = command(
        "doctor", "--engine", night.engine, "--table", "orders", "--yes", "--json", *more
    )
    assert night.clusters() == []
    return result.exit_code, json.loads(result.stdout)


def tried(night: NightDriver, *more: str) -> tuple[int, dict[str, str]]:
    code, record = told(night, *more)
    return code, {point["id"]: point["held"] for point in record["points"]}


@pytest.mark.engine("emr", "datapipeline")
def test_all_points_hold(night: NightDriver) -> None:
    night.table("orders", items=7)
    code, points = tried(night)
    assert set(points.values()) == {"held"}, points
    assert code == 0
    assert night.all_clusters() == 1


@pytest.mark.engine("emr", "datapipeline")
def test_a_step_that_fails_breaks_the_jar_and_leaves_the_rest_unseen(night: NightDriver) -> None:
    night.table("orders", items=7)
    night.world.faults.step_fails["orders"] = 9
    code, points = tried(night)
    assert code == 1
    assert points["jar"] == "broken"
    assert points["format"] == points["items"] == "not seen"


def wrong_jar(night: NightDriver) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    bucket, _, key = JAR.removeprefix("s3://").partition("/")
    night.s3.put_object(Bucket=bucket, Key=key, Body=body.getvalue())


def no_jar(night: NightDriver) -> None:
    bucket, _, key = JAR.removeprefix("s3://").partition("/")
    night.s3.delete_object(Bucket=bucket, Key=key)


@pytest.mark.engine("emr")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (wrong_jar, "ClassNotFoundException: org.apache.hadoop.dynamodb.tools.DynamoDBExport"),
        (no_jar, "Error whilst fetching"),
    ],
)
def test_a_wrong_jar_is_told_with_the_clusters_own_words(
    night: NightDriver, spoil: Callable[[NightDriver], None], said: str
) -> None:
    night.table("orders", items=7)
    spoil(night)
    code, record = told(night)
    assert code == 1
    points = {point["id"]: point for point in record["points"]}
    assert (points["jar"]["held"], said in points["jar"]["said"]) == ("broken", True)
    assert points["cluster-up"]["held"] == points["end"]["held"] == "held"
    for name in ("roles", "counters", "format", "items"):
        assert points[name]["held"] != "held", name


@pytest.mark.engine("emr", "datapipeline")
def test_a_step_log_that_is_not_there_breaks_that_point_and_its_counters_are_not_seen(
    night: NightDriver,
) -> None:
    night.table("orders", items=7)
    night.world.faults.no_log["orders"] = ALWAYS
    code, points = tried(night)
    assert code == 1
    assert points.pop("log") == "broken"
    assert points.pop("counters") == "not seen"
    assert set(points.values()) == {"held"}, points


@pytest.mark.engine("emr", "datapipeline")
def test_the_rate_is_told_where_it_took_long_enough(night: NightDriver) -> None:
    night.table("orders", items=7, size_bytes=90 * 2**20)
    _, record = told(night)
    assert record["rate"]["target"] == 50
    # the local cluster's tasks need 45 s, not the 60 that are reckoned
    assert 50 <= record["rate"]["seen"] <= 60


@pytest.mark.engine("emr", "datapipeline")
def test_no_rate_is_told_of_what_was_read_at_once(night: NightDriver) -> None:
    night.table("orders", items=7)
    _, record = told(night)
    assert record["rate"] == {"target": 50, "seen": None}


@pytest.mark.engine("emr")
def test_a_cluster_that_dies_early_is_told(night: NightDriver) -> None:
    night.table("orders", items=7)
    night.world.faults.bootstrap_fails = ALWAYS
    code, points = tried(night)
    assert code == 1
    assert points["cluster-up"] == "broken"
    assert points["jar"] == "not seen"


@pytest.mark.engine("emr", "datapipeline")
def test_ctrl_c_ends_the_cluster(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    night.table("orders", items=7)

    def interrupted(_: float) -> None:
        night.world.clock.advance(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=interrupted))
    code, points = tried(night)
    assert code == 1
    assert points["end"] != "held"
    assert night.all_clusters() == 1


@pytest.mark.engine("emr", "datapipeline")
def test_ctrl_c_ends_the_cluster_though_the_monitor_is_dead(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.table("orders", items=7)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=interrupted))
    waits = SimpleNamespace(sleep=lambda _: night.world.clock.advance(60))
    monkeypatch.setattr(doctor, "time", waits)
    code, points = tried(night, "--function", "hippolyte-monitor")
    assert code == 1
    assert points["end"] != "held"


@pytest.mark.engine("emr", "datapipeline")
def test_what_cannot_be_tried_is_refused_before_anything_starts(night: NightDriver) -> None:
    night.table("orders", items=7)
    night.table("nothing", items=0)
    other = "emr" if night.engine == "datapipeline" else "datapipeline"
    for arguments, said in (
        (("--engine", night.engine, "--table", "oders"), "There is no table oders"),
        (("--engine", night.engine, "--table", "nothing"), "nothing is empty"),
        (("--engine", other, "--table", "orders"), f"has the engine {night.engine}"),
        (("--engine", night.engine, "--table", "orders"), "say --yes"),
    ):
        result = command("doctor", *arguments)
        assert result.exit_code == 2, result.output
        assert said in result.output
    assert night.all_clusters() == 0


@pytest.mark.engine("emr", "datapipeline")
def test_a_table_that_dynamodb_exports_tries_no_cluster(night: NightDriver) -> None:
    night.configure(native_export={"tables": ["orders"]})
    native(night, "orders")
    result = command("doctor", "--engine", night.engine, "--table", "orders", "--yes")
    assert result.exit_code == 2, result.output
    assert "orders is exported by DynamoDB itself" in result.output
    assert exports(night) == []


@pytest.mark.engine("emr", "datapipeline")
def test_the_cost_is_the_plans(night: NightDriver) -> None:
    night.table("orders", items=7)
    result = command("doctor", "--engine", night.engine, "--table", "orders")
    plan = json.loads(command("plan", "orders", "--json").stdout)
    assert f"{plan['cost_usd']:.2f} USD by the plan" in result.output
