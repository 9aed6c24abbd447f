"""examples/datapipeline, away from Data Pipeline, with a network and a night: no drift, it goes.

What each role may do is in test_plans; the rest of the module in test_minimal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from subprocess import CalledProcessError
from typing import Any

import pytest
from pytest_terraform import terraform

from hippolyte.settings import Settings, parse
from local.world import World
from tests.support.kept import text_of
from tests.support.places import Place, record, until, warnings, wrong_contents

pytestmark = pytest.mark.terraform

ACCOUNT, REGION = "123456789012", "eu-central-1"
BUCKET = f"hippolyte-backups-{ACCOUNT}-{REGION}"
PREFIX = f"hippolyte-{REGION}"
RUN = "2026-11-24T00-00Z"


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    return Place(world, ACCOUNT, REGION)


@pytest.fixture(scope="module")
def network(place: Place) -> dict[str, Any]:
    """Make a private subnet and three security groups, as somebody's network has them."""
    ec2 = place.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/25")["Subnet"]["SubnetId"]
    groups = {
        name: ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("master", "core", "service")
    }
    return {"subnet_id": subnet, "security_group_ids": groups}


@pytest.fixture(scope="module", autouse=True)
def served(world: World, network: dict[str, Any]) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_VAR_region", REGION)
        patch.setenv("TF_VAR_pipeline_region", "eu-west-1")
        patch.setenv("TF_VAR_force_destroy", "true")
        patch.setenv("TF_VAR_subnet_id", network["subnet_id"])
        patch.setenv("TF_VAR_security_group_ids", json.dumps(network["security_group_ids"]))
        yield world


@terraform("datapipeline", scope="module", replay=False)
def test_applies(datapipeline: Any, place: Place) -> None:
    engine = datapipeline.outputs["engine"]["value"]
    role = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}"

    assert engine == {
        "region": "eu-west-1",
        "role_name": f"{PREFIX}-pipeline",
        "role_arn": f"{role}-pipeline",
        "cluster_role_name": f"{PREFIX}-cluster",
        "cluster_role_arn": f"{role}-cluster",
        "cluster_instance_profile_arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/{PREFIX}-cluster",
    }


def test_instance_profile_has_its_roles_name(datapipeline: Any, place: Place) -> None:
    name = f"{PREFIX}-cluster"
    profile = place.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]

    assert [role["RoleName"] for role in profile["Roles"]] == [name]


@pytest.fixture(scope="module")
def settings(datapipeline: Any, place: Place) -> Settings:
    function = place.client("lambda").get_function_configuration(FunctionName="hippolyte-monitor")
    return parse(text_of(function, place.client("ssm")))


def test_the_functions_are_told_what_was_given(
    datapipeline: Any, settings: Settings, network: dict[str, Any]
) -> None:
    groups = network["security_group_ids"]
    engine = datapipeline.outputs["engine"]["value"]

    assert settings.engine == "datapipeline"
    assert (settings.region, settings.pipeline_region) == (REGION, "eu-west-1")
    assert settings.pipeline_role == engine["role_name"]
    assert settings.cluster_role == engine["cluster_role_name"]
    assert settings.cluster.subnet_id == network["subnet_id"]
    assert settings.cluster.master_security_group_id == groups["master"]
    assert settings.cluster.core_security_group_id == groups["core"]
    assert settings.cluster.service_access_security_group_id == groups["service"]


def test_nothing_is_deprecated(datapipeline: Any) -> None:
    assert warnings(datapipeline.terraform) == []


def test_nothing_drifts(datapipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-detailed-exitcode")
    try:
        datapipeline.terraform.plan()
    except CalledProcessError as error:
        pytest.fail(f"a second plan would change something (exit {error.returncode})")


def test_a_night(datapipeline: Any, world: World, place: Place) -> None:
    s3 = place.client("s3")
    place.table("orders")
    place.table("users", count=0)
    place.table("scratch-1")
    world.clock.advance_to(datetime(2026, 11, 23, 23, 50, tzinfo=UTC))
    world.schedules.start()
    key = f"runs/{ACCOUNT}/{REGION}/{RUN}/report.json"

    until(world, lambda: record(s3, BUCKET, key) is not None)
    world.schedules.stop()

    report = record(s3, BUCKET, key)
    assert report is not None
    assert [i.error for i in world.lambda_logs if i.error] == []
    assert {name: t["verdict"] for name, t in report["tables"].items()} == {
        "orders": "backed_up",
        "users": "backed_up",
        "scratch-1": "skipped",
    }
    assert wrong_contents(s3, BUCKET, place, report) == []
