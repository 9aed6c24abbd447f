"""modules/operator-role: what its roles let people do, by the command itself and IAM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.world import World
from tests.support.exports import ITEMS, native_export, tool_export
from tools.tf import REPOSITORY, Terraform, environment

pytestmark = pytest.mark.terraform

ACCOUNT, REGION, RUN = "123456789012", "us-east-1", "2026-11-22T00-00Z"
NEXT = "2026-11-23T00-00Z"
ROOT = """
variable "into" { type = list(string) }
variable "key" { type = string }
variable "verify" { type = bool }

module "operators" {
  source                 = "%s"
  trusted_arns           = ["arn:aws:iam::123456789012:role/oncall"]
  backup_bucket          = { name = "backups", prefix = "nightly", kms_key_arn = var.key }
  table_prefixes         = ["orders", "stock"]
  restore_table_prefixes = var.into
  table_kms_key_arns     = [var.key]
  undo_table_prefixes    = ["stock"]
  verify_by_restoring    = var.verify
}

output "read" { value = module.operators.read_role_arn }
output "undo" { value = module.operators.undo_role_arn }
output "restore" { value = module.operators.restore_role_arn }
output "verify" { value = module.operators.verify_role_arn }
"""
# what a restore of this table does, by the setting it puts back
PUT_BACK = {
    "dynamodb:UntagResource": "the tag hippolyte:restoring, this",
    "dynamodb:UpdateContinuousBackups": "point-in-time recovery",
    "dynamodb:UpdateTimeToLive": "time to live by until",
    "dynamodb:PutResourcePolicy": "the resource policy",
    "dynamodb:UpdateTable": "deletion protection",
    "dynamodb:UpdateContributorInsights": "Contributor Insights of the table",
    "application-autoscaling:RegisterScalableTarget": "auto scaling: the range of the read",
    "application-autoscaling:PutScalingPolicy": "auto scaling: a policy for the read",
    "application-autoscaling:PutScheduledAction": "auto scaling: a scheduled action for the read",
}
NEW = ("restore", "stock", "--to", "restored-{n}")
KEYED = ("restore", "stock-keyed", "--to", "restored-keyed")
INTO = ("restore", "stock", "--into", "restored-there", "--only-changed", "--yes")
IMPORT = ("restore", "stock", "--to", "restored-{n}", "--via", "import")
CONVERTED = ("restore", "stock-tool", "--to", "restored-{n}", "--via", "import")
# by one import that is whole
WHOLE = ("restore", "stock", "--to", "restored-whole", "--via", "import")
NOT_KEPT, NOT_SEEN = "how far it is is not kept beside the backup", "not to be seen: "
NOT_KNOWN = "what another machine may have written of it is not known"
# statement, action: the verb that misses it, its exit code, and what is told beside the action
READING = {
    ("ReadBackups", "s3:GetObject"): (("list", "orders"), 2, "Error: "),
    ("ReadReports", "s3:GetObject"): (("list",), 2, "Error: "),
    ("ListBackups", "s3:ListBucket"): (("list", "orders"), 2, "Error: "),
    ("DecryptBackups", "kms:Decrypt"): (("verify", "orders"), 2, "Error: "),
}
_SEEN = (
    "DescribeContinuousBackups",
    "DescribeContributorInsights",
    "DescribeTimeToLive",
    "GetResourcePolicy",
    "ListTagsOfResource",
)
_LOGS = "CreateLogGroup CreateLogStream DescribeLogStreams PutLogEvents PutRetentionPolicy"
_KEY = "CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey ReEncryptFrom ReEncryptTo"
_SCALING = ("DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions")
RESTORING = {
    ("MakeTables", "dynamodb:CreateTable"): (NEW, 2, "cannot be made"),
    ("MakeTables", "dynamodb:DescribeTable"): (NEW, 1, "NOT COMPLETE"),
    ("LoadTables", "dynamodb:BatchWriteItem"): (NEW, 1, "NOT COMPLETE"),
    ("LoadTables", "dynamodb:BatchGetItem"): (INTO, 2, "Error: "),
    ("PutBackSettings", "dynamodb:TagResource"): (NEW, 2, "cannot be made"),
    ("ListImports", "dynamodb:ListImports"): (IMPORT, 2, "an import is made with your own rights"),
    ("ImportTables", "dynamodb:ImportTable"): (IMPORT, 2, "an import is made with your own rights"),
    ("ImportTables", "dynamodb:DescribeImport"): (IMPORT, 1, "NOT COMPLETE"),
    ("ListImports", "logs:DescribeLogGroups"): (IMPORT, 2, "is refused"),
    **{("LogImports", f"logs:{name}"): (IMPORT, 2, "is refused") for name in _LOGS.split()},
    **{("PutBackSettings", f"dynamodb:{name}"): (WHOLE, 0, NOT_SEEN) for name in _SEEN},
    **{
        ("SeeScaling", f"application-autoscaling:{name}"): (WHOLE, 0, NOT_SEEN) for name in _SCALING
    },
    ("KeepProgress", "s3:GetObject"): (CONVERTED, 2, "is refused"),
    ("KeepProgress", "s3:PutObject"): (NEW, 0, NOT_KEPT),
    ("KeepProgress", "s3:DeleteObject"): (NEW, 0, "how far it was is left beside the backup"),
    ("ListProgress", "s3:ListBucket"): (CONVERTED, 2, "Use credentials that may"),
    ("EncryptObjects", "kms:GenerateDataKey"): (NEW, 0, NOT_KEPT),
    **{("EncryptTables", f"kms:{name}"): (KEYED, 2, "its key was") for name in _KEY.split()},
}


def keep(
    world: World, table: str, files: dict[str, bytes] | None = None, **definition_too: Any
) -> None:
    """Put a backup of a table where a night does."""
    s3 = world.client("s3")
    at = f"nightly/backups/{ACCOUNT}/{REGION}/{table}/{RUN}-1"
    files = files or native_export([ITEMS], at="AWSDynamoDB/01-ab/")
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
        **definition_too,
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
        "bytes": sum(len(body) for name, body in files.items() if name.endswith(".json.gz")),
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
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    terraform.apply({"into": [], "key": key, "verify": False})
    assert not {"restore", "verify"} & set(terraform.output()), "nobody restores who was not let"
    both = {"into": ["restored-"], "key": key, "verify": True}
    terraform.apply(both)
    assert not terraform.plan_detailed(both), "nothing drifts"
    s3 = world.client("s3")
    s3.create_bucket(Bucket="backups")
    by_default: Any = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket="backups",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]
        },
    )
    for table in ("orders", "stock", "secret"):
        keep(world, table)
    keep(world, "stock-tool", tool_export(ITEMS))
    told = {"verdict": "backed_up", "last_good": RUN, "items": len(ITEMS), "bytes": 1}
    totals = {"backed_up": 1}
    report = {"version": 1, "run_id": RUN, "totals": totals, "tables": {"orders": told}}
    key_of_it = f"nightly/runs/{ACCOUNT}/{REGION}/{RUN}/report.json"
    s3.put_object(Bucket="backups", Key=key_of_it, Body=json.dumps(report).encode())
    under_way = key_of_it.replace(f"{RUN}/report", f"{NEXT}/plan")
    s3.put_object(Bucket="backups", Key=under_way, Body=b'{"version": 1}')
    lease = f"nightly/leases/{ACCOUNT}/{REGION}/orders.json"
    s3.put_object(Bucket="backups", Key=lease, Body=b'{"version": 1, "state": "raised"}')
    encryption = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
    keep(world, "stock-keyed", SSEDescription=encryption)
    yield terraform.output()


@pytest.fixture
def hippolyte(world: World, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    def run(role: str, *arguments: str) -> tuple[int, str]:
        place = ("--bucket", "backups", "--prefix", "nightly")
        keys = world.session_keys(role)
        with (
            tempfile.TemporaryFile("w+") as said,
            subprocess.Popen(
                [sys.executable, "-m", "hippolyte_cli", *arguments, *place],
                cwd=REPOSITORY,
                env={**os.environ, **world.environment(), **keys, "HOME": str(tmp_path)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            ) as process,
        ):
            deadline = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < deadline:
                # an import takes minutes
                world.clock.advance(20)
                time.sleep(0.1)
            process.kill()
            said.seek(0)
            text = said.read()
        return process.returncode, text

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
    # others' tables do not keep them from theirs
    code, said = hippolyte(roles["read"], "list", "--json")
    assert code == 0, said
    rows = {row["table"]: row for row in json.loads(said)}
    assert (rows["orders"]["items"], rows["stock"]["items"]) == (len(ITEMS), len(ITEMS))
    assert "s3:ListBucket" in rows["secret"]["unread"] and rows["secret"]["items"] is None
    for arguments in (("list", "secret"), ("verify", "secret")):
        code, said = hippolyte(roles["read"], *arguments)
        assert code == 2 and "AccessDenied" in said, said
    code, said = hippolyte(roles["read"], "restore", "orders", "--to", "restored-orders")
    assert code == 2 and "dynamodb:CreateTable" in said, said


def test_whoever_reads_sees_how_the_nights_went(
    roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    code, said = hippolyte(roles["read"], "report", "--all", "--nights", "400", "--json")
    assert code == 1, said
    (found,) = json.loads(said)["deployments"]
    # by the clock of this machine: on which date the night is, nobody knows
    assert '"state": "unreadable"' not in said and found["unreadable"] == []
    assert (found["raised"], found["not_seen"]) == (["orders"], [])


def test_whoever_reads_looks_up_an_item_and_keeps_the_filters_at_home(
    roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, said = hippolyte(roles["read"], "get", "stock", "3", "--history")
    assert code == 0, said
    assert "kept on this machine" in said and "s3:PutObject" in said, said
    assert len(list(tmp_path.rglob("*.keys"))) == 1
    code, said = hippolyte(roles["read"], "get", "stock", "11", "--json")
    assert code == 1, said
    assert json.loads(said[: said.rindex("}") + 1])["read"]["files"] == 0
    code, said = hippolyte(roles["read"], "get", "secret", "3")
    assert code == 2 and "AccessDenied" in said, said


def test_whoever_restores_makes_their_tables_only(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    code, said = hippolyte(roles["restore"], "restore", "orders", "--to", "restored-orders")
    assert code == 0, said
    assert count(world, "restored-orders") == len(ITEMS)
    assert all(step in said for step in (*PUT_BACK.values(), "tags: owner")), said
    code, said = hippolyte(roles["restore"], "restore", "orders", "--to", "orders")
    assert code == 2 and "dynamodb:CreateTable" in said, said
    code, said = hippolyte(roles["restore"], "restore", "secret", "--to", "restored-secret")
    assert code == 2 and "AccessDenied" in said, said
    arguments = ("--into", "restored-orders", "--only-changed", "--yes")
    code, said = hippolyte(roles["restore"], "restore", "orders", *arguments)
    assert code == 0 and "0 written" in said, said


@contextmanager
def without(world: World, role: str, *taken: tuple[str, str]) -> Iterator[None]:
    """Take actions away from a role's statements for a while."""
    iam, name = world.client("iam"), role.rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    asked: Any = {"RoleName": name, "PolicyName": policy}
    document: Any = iam.get_role_policy(**asked)["PolicyDocument"]
    less = json.loads(json.dumps(document))
    for statement in less["Statement"]:
        gone = {action for sid, action in taken if sid == statement["Sid"]}
        statement["Action"] = [a for a in actions(statement) if a not in gone] or ["none:None"]
    assert less != document
    iam.put_role_policy(**asked, PolicyDocument=json.dumps(less))
    try:
        yield
    finally:
        iam.put_role_policy(**asked, PolicyDocument=json.dumps(document))


def actions(statement: dict[str, Any]) -> list[str]:
    found = statement["Action"]
    return [found] if isinstance(found, str) else found


def granted(world: World, role: str) -> set[tuple[str, str]]:
    iam, name = world.client("iam"), role.rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    found: Any = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    return {(each["Sid"], action) for each in found["Statement"] for action in actions(each)}


def not_missed(
    world: World,
    hippolyte: Callable[..., tuple[int, str]],
    role: str,
    rights: dict[tuple[str, str], tuple[tuple[str, ...], int, str]],
) -> list[Any]:
    """Run the verbs, each without a right; return those that do not say which it is."""
    wrong = []
    for number, (right, (arguments, expected, words)) in enumerate(rights.items()):
        with without(world, role, right):
            code, said = hippolyte(role, *(one.format(n=number) for one in arguments))
        text = " ".join(said.split())
        if code != expected or right[1] not in text or words not in text:
            wrong.append((right, code, text))
    return wrong


def test_every_right_to_read_is_missed_when_it_is_taken_away(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    role = roles["read"]
    assert granted(world, role) == READING.keys()
    assert not_missed(world, hippolyte, role, READING) == []
    # whoever only reads cannot note what a check came to, and is told
    code, said = hippolyte(role, "verify", "orders")
    assert (code, "not noted in the catalogue" in said, "s3:PutObject" in said) == (0, True, True)


def test_every_right_to_restore_is_missed_when_it_is_taken_away(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    role = roles["restore"]
    put_back = {right for right in granted(world, role) if right[1] in PUT_BACK}
    assert len(put_back) == len(PUT_BACK)
    assert granted(world, role) == READING.keys() | RESTORING.keys() | put_back
    for arguments in (("restore", "stock", "--to", "restored-there"), WHOLE, KEYED):
        code, said = hippolyte(role, *arguments)
        assert code == 0 and NOT_KEPT not in said and NOT_KNOWN not in said, said
    world.client("dynamodb").update_table(
        TableName="restored-keyed", DeletionProtectionEnabled=False
    )
    world.client("dynamodb").delete_table(TableName="restored-keyed")
    assert not_missed(world, hippolyte, role, RESTORING) == []
    code, said = hippolyte(role, *(one.format(n="tool") for one in CONVERTED))
    assert code == 0, said
    left = world.client("s3").list_objects_v2(Bucket="backups", Prefix="nightly/restores/")
    assert not [each for each in left.get("Contents", []) if "/stock-tool/" in each["Key"]]


def test_a_setting_that_may_not_be_put_back_is_told_and_put_back_later(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    role = roles["restore"]
    held = {action: (sid, action) for sid, action in granted(world, role)}
    for action, step in PUT_BACK.items():
        name = f"restored-without-{action.partition(':')[2]}"
        with without(world, role, held[action]):
            code, said = hippolyte(role, "restore", "stock", "--to", name)
        assert code == 1 and action in said, (action, said)
        assert f"NOT PUT BACK: {step}" in said, said
        assert "The same command puts back what is left." in said
        code, said = hippolyte(role, "restore", "stock", "--to", name)
        assert code == 0, said


# what an undo that puts back, changes and deletes cannot do without, in the order of its doing
UNDO = (
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:Scan",
    "s3:PutObject",
    "dynamodb:BatchGetItem",
    "dynamodb:UpdateItem",
    "dynamodb:PutItem",
    "dynamodb:DeleteItem",
)


def test_whoever_undoes_puts_their_tables_back_and_each_right_that_is_missing_is_named(
    world: World, roles: dict[str, str], hippolyte: Callable[..., tuple[int, str]]
) -> None:
    client = world.client("dynamodb")
    client.create_table(
        TableName="stock",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
    )
    # one that changed, one that was added; the others vanished
    client.put_item(TableName="stock", Item={**ITEMS[1], "text": {"S": "other"}})
    client.put_item(TableName="stock", Item={"pk": {"N": "77"}})
    iam, name = world.client("iam"), roles["undo"].rpartition("/")[2]
    found: Any = iam.get_role_policy(RoleName=name, PolicyName="undo-changes")
    whole = found["PolicyDocument"]
    undo = ("undo", "stock", "--at", RUN, "--delete-added", "--yes")
    for action in UNDO:
        less = json.loads(json.dumps(whole))
        for statement in less["Statement"]:
            held = statement["Action"]
            held = [held] if isinstance(held, str) else held
            statement["Action"] = [each for each in held if each != action] or ["none:None"]
        iam.put_role_policy(
            RoleName=name, PolicyName="undo-changes", PolicyDocument=json.dumps(less)
        )
        code, said = hippolyte(roles["undo"], *undo)
        assert code in (1, 2) and action in said, (action, said)
    iam.put_role_policy(RoleName=name, PolicyName="undo-changes", PolicyDocument=json.dumps(whole))
    code, said = hippolyte(roles["undo"], *undo)
    assert code == 0, said
    assert count(world, "stock") == len(ITEMS)
    place = said.partition("hippolyte restore ")[2].split()[0]
    code, said = hippolyte(roles["undo"], "restore", place, "--into", "stock", "--yes")
    assert code == 0 and count(world, "stock") == len(ITEMS) + 1, said
    code, said = hippolyte(roles["read"], *undo)
    assert code == 2 and "dynamodb:DescribeTable" in said, said


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
