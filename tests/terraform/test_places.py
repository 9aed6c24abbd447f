"""A deployment whose place and name change in mid-night, by Terraform, with IAM enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.world import World
from tests.support.places import Place, record, until
from tools.tf import REPOSITORY, Terraform, TerraformError, environment

pytestmark = pytest.mark.terraform

ACCOUNT, REGION = "123456789012", "us-east-1"
RUN = "2026-11-24T00-00Z"
GIB = 1 << 30
OPEN = "/hippolyte/open/before"
BEFORE = {"name": "before", "bucket": "first-bucket", "prefix": ""}
MOVED = {"name": "before", "bucket": "second-bucket", "prefix": "team-a"}
RENAMED = {**MOVED, "name": "after"}
ROOT = """
variable "name" {{ type = string }}
variable "bucket" {{ type = string }}
variable "prefix" {{ type = string }}

module "m" {{
  source        = "{module}"
  engine        = "datapipeline"
  # fast enough for the large table
  cluster = {{ core_instance_type = "m5.4xlarge", core_instance_count = 20 }}
  name          = var.name
  backup_window = {{ start = "00:00", end = "02:00" }}
  backup_bucket = {{ name = var.bucket, prefix = var.prefix }}
}}
"""


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    return Place(world, ACCOUNT, REGION)


@pytest.fixture(scope="module")
def terraform(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    for bucket in (BEFORE["bucket"], MOVED["bucket"]):
        place.client("s3").create_bucket(Bucket=bucket)
    root = tmp_path_factory.mktemp("root")
    (root / "main.tf").write_text(ROOT.format(module=REPOSITORY), "utf-8")
    made = Terraform(root, root / "work", environment(place.world.endpoint_url))
    made.init()
    made.apply(BEFORE)
    yield made
    made.destroy(RENAMED)


def refused(terraform: Terraform, variables: dict[str, str]) -> str:
    with pytest.raises(TerraformError) as error:
        terraform.plan_detailed(variables)
    return " ".join(str(error.value).replace("│", " ").split())


def kept(place: Place) -> dict[str, Any]:
    value = place.client("ssm").get_parameter(Name=OPEN)["Parameter"]["Value"]
    return dict(json.loads(value))


def reach(place: Place, name: str) -> set[str]:
    """Return what of S3 the deployment's roles are let at: role and bucket with prefix."""
    iam, found = place.client("iam"), set()
    for role in ("monitor", "scheduler", "cluster", "pipeline"):
        document = iam.get_role_policy(RoleName=f"{name}-{REGION}-{role}", PolicyName=role)[
            "PolicyDocument"
        ]
        for statement in document["Statement"]:
            resources = statement["Resource"]
            for arn in [resources] if isinstance(resources, str) else resources:
                if "-bucket/" in arn and f"/{ACCOUNT}/" in arn:
                    path = arn.removeprefix("arn:aws:s3:::").split(f"/{ACCOUNT}/")[0]
                    found.add(f"{role} {path.rpartition('/')[0]}")
    return found


def both(*places: str) -> set[str]:
    roles = ("monitor", "scheduler", "cluster", "pipeline")
    return {f"{role} {place}" for role in roles for place in places}


def capacity(place: Place) -> int:
    table = place.client("dynamodb").describe_table(TableName="big")["Table"]
    return int(table["ProvisionedThroughput"]["ReadCapacityUnits"])


def test_nothing_is_open_and_nothing_drifts(terraform: Terraform, place: Place) -> None:
    assert kept(place) == {"name": "before", "places": []}
    assert reach(place, "before") == both("first-bucket")
    assert not terraform.plan_detailed(BEFORE)


def test_a_changed_place_is_followed_until_nothing_is_open_there(
    terraform: Terraform, place: Place, world: World
) -> None:
    place.table("big", read=1000)
    place.table("users")
    world.set_table("big", size_bytes=20 * GIB, item_count=3)
    world.clock.advance_to(datetime(2026, 11, 23, 23, 50, tzinfo=UTC))
    world.schedules.start()
    until(world, lambda: capacity(place) > 1000, hours=1)
    assert kept(place) == {
        "name": "before",
        "places": [{"bucket": "first-bucket", "bucket_region": REGION}],
    }
    assert not terraform.plan_detailed(BEFORE), "what the functions keep is no drift"

    terraform.apply(MOVED)

    assert reach(place, "before") == both("first-bucket", "second-bucket/team-a")
    s3 = place.client("s3")
    key = f"runs/{ACCOUNT}/{REGION}/{RUN}/report.json"
    until(world, lambda: record(s3, "first-bucket", key) is not None)
    report = record(s3, "first-bucket", key) or {}
    assert {n: t["verdict"] for n, t in report["tables"].items()} == {
        "big": "backed_up",
        "users": "backed_up",
    }
    assert report["left_raised"] == []
    assert capacity(place) == 1000
    until(world, lambda: kept(place)["places"] == [])
    assert record(s3, "second-bucket", f"team-a/{key}") is None
    assert [i.error for i in world.lambda_logs if i.error] == []


def test_then_the_roles_let_go_of_the_old_place(
    terraform: Terraform, place: Place, world: World
) -> None:
    world.schedules.stop()
    terraform.apply(MOVED)
    assert reach(place, "before") == both("second-bucket/team-a")
    assert not terraform.plan_detailed(MOVED)


def test_the_old_place_is_refused_to_others_while_something_is_open_there(
    terraform: Terraform, place: Place, tmp_path: Path
) -> None:
    value = {"name": "before", "places": [{"bucket": "first-bucket"}]}
    ssm = place.client("ssm")
    ssm.put_parameter(Name=OPEN, Value=json.dumps(value), Overwrite=True)
    (tmp_path / "main.tf").write_text(ROOT.format(module=REPOSITORY), "utf-8")
    other = Terraform(tmp_path, tmp_path / "work", terraform.env)
    other.init()

    said = refused(other, {**BEFORE, "name": "other"})

    assert 'deployment "before" of account 123456789012, us-east-1, already writes' in said


def test_no_new_name_while_something_is_open(terraform: Terraform, place: Place) -> None:
    said = refused(terraform, RENAMED)

    assert 'this deployment is still "before"' in said
    assert (
        "is open in s3://first-bucket/, or its window is not over, so it cannot be renamed" in said
    )
    assert "`hippolyte release --function before-monitor`" in said


def test_renamed_when_nothing_is_open(terraform: Terraform, place: Place, world: World) -> None:
    value = json.dumps({"name": "before", "places": []})
    place.client("ssm").put_parameter(Name=OPEN, Value=value, Overwrite=True)

    terraform.apply(RENAMED)

    assert not terraform.plan_detailed(RENAMED)
    functions = place.client("lambda").list_functions()["Functions"]
    assert {f["FunctionName"] for f in functions} == {
        "after-exporter",
        "after-monitor",
        "after-scheduler",
    }
    claim = place.client("ssm").get_parameter(Name="/hippolyte/raise-capacity")["Parameter"]
    assert claim["Value"] == "after"
    # the record goes with it, and says so from its first pass on
    assert not world.invoke("after-monitor", {}).error
    assert kept(place) == {"name": "after", "places": []}
    assert reach(place, "after") == both("second-bucket/team-a")
    assert not terraform.plan_detailed(RENAMED)
