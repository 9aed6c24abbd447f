"""Two deployments side by side on the same tables, one of which is disabled in mid-night."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.core.call import Call
from local.iam import authorize
from local.world import World
from tests.support.places import Place, record, until, wrong_contents
from tools.tf import REPOSITORY, Terraform, TerraformError, environment

pytestmark = pytest.mark.terraform

ACCOUNT, REGION, BUCKET = "123456789012", "us-east-1", "shared-backups"
RUN, NEXT = "2026-11-24T00-00Z", "2026-11-25T00-00Z"
GIB = 1 << 30
TABLES = ("big", "orders", "users")


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    return Place(world, ACCOUNT, REGION)


@pytest.fixture(scope="module")
def pair(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    place.client("s3").create_bucket(Bucket=BUCKET)
    root = REPOSITORY / "tests" / "terraform" / "roots" / "pair"
    env = environment(place.world.endpoint_url)
    terraform = Terraform(root, tmp_path_factory.mktemp("pair"), env)
    terraform.init()
    terraform.apply()
    yield terraform
    terraform.destroy()


def report(place: Place, name: str, run: str) -> dict[str, Any] | None:
    key = f"{name}/runs/{ACCOUNT}/{REGION}/{run}/report.json"
    return record(place.client("s3"), BUCKET, key)


def capacity(place: Place) -> int:
    table = place.client("dynamodb").describe_table(TableName="big")["Table"]
    return int(table["ProvisionedThroughput"]["ReadCapacityUnits"])


def test_both_are_there_and_nothing_drifts(pair: Terraform, place: Place) -> None:
    functions = place.client("lambda").list_functions()["Functions"]
    parameters = place.client("ssm").get_parameters_by_path(Path="/hippolyte", Recursive=True)
    claims = {p["Name"].split("/")[2]: p["Value"] for p in parameters["Parameters"]}

    assert sorted(f["FunctionName"] for f in functions) == [
        f"{name}-{function}"
        for name in ("first", "second")
        for function in ("exporter", "monitor", "scheduler")
    ]
    assert claims["raise-capacity"] == "first"
    kinds = [p["Name"].split("/")[2] for p in parameters["Parameters"]]
    assert sorted(kinds) == ["open", "open", "places", "places", "raise-capacity"]
    assert not pair.plan_detailed()


def test_a_third_in_the_place_of_another_is_refused(
    pair: Terraform, world: World, tmp_path: Path
) -> None:
    (tmp_path / "main.tf").write_text(
        f"""
module "third" {{
  source         = "{REPOSITORY}"
  engine         = "datapipeline"
  name           = "third"
  raise_capacity = false
  backup_bucket  = {{ name = "{BUCKET}", prefix = "second" }}
}}
""",
        "utf-8",
    )
    third = Terraform(tmp_path, tmp_path / "work", environment(world.endpoint_url))
    third.init()
    with pytest.raises(TerraformError) as refused:
        third.plan_detailed()

    message = " ".join(str(refused.value).replace("│", " ").split())
    assert f'deployment "second" of account {ACCOUNT}, {REGION}, already writes' in message
    assert f'"{BUCKET}" with prefix "second", so "third" must not' in message
    assert "Give one of them another backup_bucket.prefix." in message


def test_a_night_of_both_and_the_first_is_disabled_in_it(
    pair: Terraform, world: World, place: Place
) -> None:
    raisers: Counter[str] = Counter()

    def note(call: Call) -> None:
        if call.params["TableName"] not in TABLES:
            return  # the preflight tries the call on a table that is not there
        caller = authorize.caller(world, call)
        raisers[caller.role if caller else "deployer"] += 1

    for name in TABLES:
        place.table(name, read=1000)
    world.set_table("big", size_bytes=20 * GIB, item_count=3)
    world.before("dynamodb:UpdateTable", note)
    world.clock.advance_to(datetime(2026, 11, 23, 23, 50, tzinfo=UTC))
    world.schedules.start()
    until(world, lambda: capacity(place) > 1000, hours=1)

    pair.apply({"first_enabled": False})

    until(world, lambda: all(report(place, name, RUN) for name in ("first", "second")))
    world.schedules.stop()
    first, second = report(place, "first", RUN), report(place, "second", RUN)
    assert first is not None
    assert second is not None
    assert [i.error for i in world.lambda_logs if i.error] == []
    assert {t: v["verdict"] for t, v in first["tables"].items()} == dict.fromkeys(
        TABLES, "backed_up"
    )
    assert set(second["tables"]) == set(TABLES)
    assert {second["tables"][t]["verdict"] for t in ("orders", "users")} == {"backed_up"}
    for found in (first, second):
        assert wrong_contents(place.client("s3"), BUCKET, place, found) == []
    assert [row["table"] for row in first["raised"]] == ["big"]
    assert second["raised"] == []
    assert any("raise_capacity is false" in warning for warning in second["warnings"])
    assert capacity(place) == 1000
    assert {role.split("-")[0] for role in raisers} == {"first"}


def test_the_night_after_is_the_others_alone(pair: Terraform, world: World, place: Place) -> None:
    states = {
        (name, purpose): place.client("scheduler").get_schedule(
            GroupName=name, Name=f"{name}-{purpose}"
        )["State"]
        for name in ("first", "second")
        for purpose in ("night", "monitor")
    }
    assert states == {
        ("first", "night"): "DISABLED",
        ("first", "monitor"): "ENABLED",
        ("second", "night"): "ENABLED",
        ("second", "monitor"): "ENABLED",
    }
    world.clock.advance_to(datetime(2026, 11, 24, 23, 50, tzinfo=UTC))
    world.schedules.start()
    until(world, lambda: report(place, "second", NEXT) is not None)
    world.schedules.stop()

    runs = place.client("s3").list_objects_v2(
        Bucket=BUCKET, Prefix=f"first/runs/{ACCOUNT}/{REGION}/{NEXT}"
    )
    assert runs["KeyCount"] == 0
    monitors = [i for i in world.lambda_logs if i.function == "first-monitor"]
    assert max(i.at for i in monitors) > datetime(2026, 11, 25, tzinfo=UTC), "it goes on"
    assert [i.error for i in monitors if i.error] == []
