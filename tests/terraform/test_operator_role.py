"""modules/operator-role: what its roles let people do, by the command itself and IAM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.world import World
from tests.support.exports import ITEMS, native_export
from tools.tf import REPOSITORY, Terraform, environment

pytestmark = pytest.mark.terraform

ACCOUNT, REGION, RUN = "123456789012", "us-east-1", "2026-11-22T00-00Z"
ROOT = """
variable "into" { type = list(string) }
variable "verify" { type = bool }

module "operators" {
  source                 = "%s"
  trusted_arns           = ["arn:aws:iam::123456789012:role/oncall"]
  backup_bucket          = { name = "backups", prefix = "nightly" }
  table_prefixes         = ["orders", "stock"]
  restore_table_prefixes = var.into
  verify_by_restoring    = var.verify
}

output "read" { value = module.operators.read_role_arn }
output "restore" { value = module.operators.restore_role_arn }
output "verify" { value = module.operators.verify_role_arn }
"""
# what a restore of this table does, by the setting it puts back
PUT_BACK = {
    "dynamodb:TagResource": "tags: owner",
    "dynamodb:UntagResource": "the mark of this restore is taken off",
    "dynamodb:UpdateContinuousBackups": "point-in-time recovery",
    "dynamodb:UpdateTimeToLive": "time to live by until",
    "dynamodb:PutResourcePolicy": "the resource policy",
    "dynamodb:UpdateTable": "deletion protection",
    "dynamodb:UpdateContributorInsights": "Contributor Insights of the table",
    "application-autoscaling:RegisterScalableTarget": "auto scaling: the range of the read",
    "application-autoscaling:PutScalingPolicy": "auto scaling: a policy for the read",
    "application-autoscaling:PutScheduledAction": "auto scaling: a scheduled action for the read",
}


def keep(world: World, table: str) -> None:
    """Put a backup of a table where a night does."""
    s3 = world.client("s3")
    at = f"nightly/backups/{ACCOUNT}/{REGION}/{table}/{RUN}-1"
    files = native_export([ITEMS], at="AWSDynamoDB/01-ab/")
    for name, content in files.items():
        s3.put_object(Bucket="backups", Key=f"{at}/{name}", Body=content)
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"
    target = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": f"table/{table}",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    tracking = {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "DynamoDBReadCapacityUtilization"
        },
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "dynamodb:GetItem",
                "Resource": arn,
            }
        ],
    }
    definition = {
        "TableName": table,
        "TableArn": arn,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "N"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 50},
        "DeletionProtectionEnabled": True,
    }
    recovery = {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}}
    scaling = {**target, "PolicyName": "reads", "PolicyType": "TargetTrackingScaling"}
    action = {"ScheduledActionName": "noon", "Schedule": "cron(0 12 * * ? *)"}
    answers = {
        "DescribeTable": [{"Table": definition}],
        "ListTagsOfResource": [{"Tags": [{"Key": "owner", "Value": "us"}]}],
        "DescribeTimeToLive": [
            {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}}
        ],
        "DescribeContinuousBackups": [{"ContinuousBackupsDescription": recovery}],
        "DescribeContributorInsights": [{"ContributorInsightsStatus": "ENABLED"}],
        "GetResourcePolicy": [{"Policy": json.dumps(policy)}],
        "DescribeScalableTargets": [
            {"ScalableTargets": [{**target, "MinCapacity": 5, "MaxCapacity": 50}]}
        ],
        "DescribeScalingPolicies": [
            {"ScalingPolicies": [{**scaling, "TargetTrackingScalingPolicyConfiguration": tracking}]}
        ],
        "DescribeScheduledActions": [
            {
                "ScheduledActions": [
                    {**target, **action, "ScalableTargetAction": {"MinCapacity": 10}}
                ]
            }
        ],
    }
    entry = {
        "version": 1,
        "table": table,
        "run_id": RUN,
        "location": f"s3://backups/{at}",
        "items": len(ITEMS),
        "bytes": sum(len(body) for name, body in files.items() if "/data/" in name),
        "files": 1,
        "finished_at": "2026-11-22T00:09:00Z",
        "definition": definition,
        "settings": {"form": 1, "raised": None, "answers": answers, "unread": {}},
    }
    key = f"nightly/catalog/{ACCOUNT}/{REGION}/{table}/{RUN}.json"
    s3.put_object(Bucket="backups", Key=key, Body=json.dumps(entry).encode())


@pytest.fixture(scope="module")
def roles(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("operators")
    (folder / "main.tf").write_text(ROOT % (REPOSITORY / "modules" / "operator-role"), "utf-8")
    terraform = Terraform(folder, folder / "work", environment(world.endpoint_url))
    terraform.init()
    terraform.apply({"into": [], "verify": False})
    assert not {"restore", "verify"} & set(terraform.output()), "nobody restores who was not let"
    both = {"into": ["restored-"], "verify": True}
    terraform.apply(both)
    assert not terraform.plan_detailed(both), "nothing drifts"
    world.client("s3").create_bucket(Bucket="backups")
    for table in ("orders", "stock", "secret"):
        keep(world, table)
    yield terraform.output()


@pytest.fixture
def hippolyte(world: World, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    def run(role: str, *arguments: str) -> tuple[int, str]:
        place = ("--bucket", "backups", "--prefix", "nightly")
        keys = world.session_keys(role)
        ended = subprocess.run(
            [sys.executable, "-m", "hippolyte_cli", *arguments, *place],
            cwd=REPOSITORY,
            env={**os.environ, **world.environment(), **keys, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr

    return run


def count(world: World, table: str) -> int:
    found: int = world.client("dynamodb").scan(TableName=table, Select="COUNT")["Count"]
    return found


def test_whoever_reads_sees_their_tables_only(
    roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    code, said = hippolyte(roles["read"], "list", "orders", "--json")
    assert code == 0, said
    assert json.loads(said)[0]["run"] == RUN
    code, said = hippolyte(roles["read"], "verify", "orders")
    assert code == 0, said
    for arguments in (("list", "secret"), ("verify", "secret")):
        code, said = hippolyte(roles["read"], *arguments)
        assert code == 2 and "AccessDenied" in said, said
    code, said = hippolyte(roles["read"], "restore", "orders", "--to", "restored-orders")
    assert code == 2 and "dynamodb:CreateTable" in said, said


def test_whoever_restores_makes_their_tables_only(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    code, said = hippolyte(roles["restore"], "restore", "orders", "--to", "restored-orders")
    assert code == 0, said
    assert count(world, "restored-orders") == len(ITEMS)
    assert all(step in said for step in PUT_BACK.values()), said
    code, said = hippolyte(roles["restore"], "restore", "orders", "--to", "orders")
    assert code == 2 and "dynamodb:CreateTable" in said, said
    code, said = hippolyte(roles["restore"], "restore", "secret", "--to", "restored-secret")
    assert code == 2 and "AccessDenied" in said, said
    arguments = ("--into", "restored-orders", "--only-changed", "--yes")
    code, said = hippolyte(roles["restore"], "restore", "orders", *arguments)
    assert code == 0 and "0 written" in said, said


def test_what_a_restore_needs_is_missed_when_it_is_taken_away(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    """Each action alone: what the role lacks is told as what was not put back."""
    iam, name = world.client("iam"), roles["restore"].rpartition("/")[2]
    found: Any = iam.get_role_policy(RoleName=name, PolicyName="restore-backups")
    document = found["PolicyDocument"]
    for number, (action, step) in enumerate(PUT_BACK.items()):
        less = json.loads(json.dumps(document))
        for statement in less["Statement"]:
            held = statement["Action"]
            held = [held] if isinstance(held, str) else held
            statement["Action"] = [each for each in held if each != action] or ["none:None"]
        iam.put_role_policy(
            RoleName=name, PolicyName="restore-backups", PolicyDocument=json.dumps(less)
        )
        code, said = hippolyte(roles["restore"], "restore", "stock", "--to", f"restored-{number}")
        if action == "dynamodb:TagResource":
            # the table is made with the mark of this restore, or not at all
            assert code == 2 and action in said, said
            continue
        assert code == 1 and action in said, (action, said)
        assert f"NOT PUT BACK: {step}" in said, said
        assert "The same command puts back what is left." in said
    iam.put_role_policy(
        RoleName=name, PolicyName="restore-backups", PolicyDocument=json.dumps(document)
    )
    for number in range(len(PUT_BACK)):
        code, said = hippolyte(roles["restore"], "restore", "stock", "--to", f"restored-{number}")
        assert code == 0, said


LEVEL_4 = ("verify", "orders", "--level", "4", "--yes")
# what it needs, and whether the table that it made stays without it
SCRATCH = {
    "dynamodb:BatchWriteItem": False,
    "dynamodb:CreateTable": False,
    "dynamodb:DeleteTable": False,
    "dynamodb:DescribeTable": False,
    "dynamodb:ListTables": False,
    "dynamodb:Scan": False,
    "dynamodb:TagResource": False,
    # whose table it is cannot be seen then
    "dynamodb:ListTagsOfResource": True,
}


def scratch_tables(world: World) -> list[str]:
    names = world.client("dynamodb").list_tables()["TableNames"]
    return [name for name in names if name.startswith("hippolyte-verify-")]


def test_whoever_verifies_restores_into_tables_of_its_own_only(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    code, said = hippolyte(roles["verify"], *LEVEL_4)
    assert code == 0, said
    assert "level 4" in said and "not noted" not in said, said
    assert scratch_tables(world) == []
    code, said = hippolyte(roles["read"], *LEVEL_4)
    assert code == 2 and "dynamodb:ListTables" in said, said
    code, said = hippolyte(roles["verify"], "restore", "orders", "--to", "restored-x")
    assert code == 2 and "dynamodb:CreateTable" in said, said
    code, said = hippolyte(roles["verify"], "verify", "secret", "--level", "4", "--yes")
    assert code == 2 and "AccessDenied" in said, said


@pytest.mark.parametrize("action", SCRATCH)
def test_what_a_verification_needs_is_missed_when_it_is_taken_away(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]], action: str
) -> None:
    iam, name = world.client("iam"), roles["verify"].rpartition("/")[2]
    which = {"RoleName": name, "PolicyName": "verify-backups"}
    document: Any = iam.get_role_policy(**which)["PolicyDocument"]
    with_it = json.dumps(document)
    for statement in document["Statement"]:
        held = statement["Action"]
        held = [held] if isinstance(held, str) else held
        statement["Action"] = [each for each in held if each != action] or ["none:None"]
    iam.put_role_policy(**which, PolicyDocument=json.dumps(document))
    try:
        code, said = hippolyte(roles["verify"], *LEVEL_4)
    finally:
        iam.put_role_policy(**which, PolicyDocument=with_it)
    assert code == 2 and action in said, said
    assert bool(scratch_tables(world)) == SCRATCH[action]
    if SCRATCH[action]:
        code, said = hippolyte(roles["verify"], *LEVEL_4)
        assert code == 0, said
        assert scratch_tables(world) == []
