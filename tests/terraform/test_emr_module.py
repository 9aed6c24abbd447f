"""examples/emr, applied unmodified to the local AWS: it comes, does not drift, and goes.

What each role may do is in test_plans; what both engines have in common in test_minimal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from subprocess import CalledProcessError
from typing import Any

import pytest
from pytest_terraform import terraform

from local.world import World
from tests.support.kept import text_of

pytestmark = pytest.mark.terraform

ACCOUNT, REGION = "123456789012", "us-east-1"
PREFIX = f"hippolyte-{REGION}"
JAR = "s3://tools/emr-dynamodb-tools-6.0.0-jar-with-dependencies.jar"
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]


@pytest.fixture(scope="module", autouse=True)
def served(world: World) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_VAR_jar", JAR)
        patch.setenv("TF_VAR_force_destroy", "true")
        patch.setenv("TF_VAR_subnet_ids", json.dumps(SUBNETS))
        yield world


@terraform("emr", scope="module", replay=False)
def test_applies(emr: Any, world: World) -> None:
    names = [f["FunctionName"] for f in world.client("lambda").list_functions()["Functions"]]

    assert sorted(names) == ["hippolyte-exporter", "hippolyte-monitor", "hippolyte-scheduler"]


def test_outputs(emr: Any) -> None:
    engine = emr.outputs["engine"]["value"]

    assert engine["region"] == REGION
    assert engine["role_name"] == f"{PREFIX}-emr"
    assert engine["role_arn"] == f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-emr"
    assert engine["cluster_role_name"] == f"{PREFIX}-cluster"


def test_both_functions_have_the_settings(emr: Any, world: World) -> None:
    functions, ssm = world.client("lambda"), world.client("ssm")
    first, second = (
        text_of(functions.get_function_configuration(FunctionName=f"hippolyte-{name}"), ssm)
        for name in ("scheduler", "monitor")
    )
    settings = json.loads(first)

    assert first == second
    assert settings["engine"] == "emr"
    assert settings["emr"]["jar"] == JAR
    assert settings["emr"]["subnet_ids"] == SUBNETS
    assert settings["emr"]["service_role"] == emr.outputs["engine"]["value"]["role_name"]


def test_roles(emr: Any, world: World) -> None:
    iam = world.client("iam")
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    profile = iam.get_instance_profile(InstanceProfileName=f"{PREFIX}-cluster")["InstanceProfile"]

    assert {f"{PREFIX}-emr", f"{PREFIX}-cluster"} <= set(roles)
    assert f"{PREFIX}-pipeline" not in roles
    assert [role["RoleName"] for role in profile["Roles"]] == [f"{PREFIX}-cluster"]
    assert iam.list_attached_role_policies(RoleName=f"{PREFIX}-emr")["AttachedPolicies"] == []


def test_nothing_drifts(emr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-detailed-exitcode")
    try:
        emr.terraform.plan()
    except CalledProcessError as error:
        pytest.fail(f"a second plan would change something (exit {error.returncode})")
