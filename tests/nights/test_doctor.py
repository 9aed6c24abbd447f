"""`hippolyte doctor`: a trial on one cluster, and what it says of what goes wrong."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from hippolyte_cli import doctor, follow
from local.core.faults import ALWAYS
from tests.support.commands import command, reach
from tests.support.harness import NightDriver


@pytest.fixture(autouse=True)
def _reached(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    reach(night, monkeypatch, follow, doctor)


def tried(night: NightDriver, *more: str) -> tuple[int, dict[str, str]]:
    result = command(
        "doctor", "--engine", night.engine, "--table", "orders", "--yes", "--json", *more
    )
    told = json.loads(result.stdout)
    assert night.clusters() == []
    return result.exit_code, {point["id"]: point["held"] for point in told["points"]}


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
