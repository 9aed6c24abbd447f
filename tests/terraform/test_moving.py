"""docs/operations.md's ways to move and to uninstall, played through in the order they stand in.

A night's backups go along to another bucket, prefix, account and region, and stay when all else is
taken down. The tests are one story, in this order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hippolyte.records.runs import start_of
from hippolyte.report.kinds import Kind
from local.world import World
from tests.support.places import Place, let_go, record, until
from tools.tf import REPOSITORY, Terraform, TerraformError, environment, process_environment

pytestmark = pytest.mark.terraform

ACCOUNT, REGION = "123456789012", "us-east-1"
NEW_ACCOUNT, NEW_REGION = "210987654321", "eu-west-1"
OWN = f"hippolyte-backups-{ACCOUNT}-{REGION}"
FIRST, SECOND = "2026-11-24T00-00Z", "2026-11-25T00-00Z"
HAND_OVER = (
    "terraform state list | grep 'aws_s3_bucket' | grep 'module.hippolyte'"
    " | xargs -n1 terraform state rm"
)
ROOT = """
variable "bucket" {{
  type    = string
  default = null
}}

variable "enabled" {{
  type    = bool
  default = true
}}

provider "aws" {{
  region = "{region}"

  assume_role {{
    role_arn = "arn:aws:iam::{account}:role/deployer"
  }}

  default_tags {{
    tags = {{ owner = "platform" }}
  }}
}}

module "hippolyte" {{
  source = "{module}"

  backup_bucket = var.bucket == null ? null : {{ name = var.bucket, prefix = "team-a" }}
  enabled       = var.enabled
  backup_window = {{ start = "00:00", end = "02:00" }}
}}

module "operators" {{
  source = "{module}/modules/operator-role"

  trusted_arns     = ["arn:aws:iam::{account}:role/oncall"]
  backup_bucket    = {{ name = module.hippolyte.bucket_name }}
  deployment_names = ["hippolyte"]
}}

output "operate" {{ value = module.operators.operate_role_arn }}
"""
# whoever asks a deployment misses each: statement, action -> what is asked, its exit code
ASKING = {
    ("FindDeployments", "lambda:GetFunctionConfiguration"): (("doctor",), 2),
    ("ReadSettings", "ssm:GetParametersByPath"): (("report", "--all"), 2),
    ("AskFunctions", "lambda:InvokeFunction"): (("test-alert",), 2),
    ("ReadQuotas", "dynamodb:DescribeLimits"): (("doctor",), 1),
    ("SeeSchedules", "scheduler:GetSchedule"): (("doctor",), 1),
    ("SeeAlarms", "cloudwatch:DescribeAlarms"): (("doctor",), 1),
    ("SeeLostEvents", "sqs:GetQueueUrl"): (("doctor",), 1),
}

Hippolyte = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    made = Place(world, ACCOUNT, REGION)
    made.table("orders", 5)
    made.table("users", 3)
    return made


def deployed(world: World, root: Path, account: str, region: str) -> Terraform:
    text = ROOT.format(module=REPOSITORY, account=account, region=region)
    (root / "main.tf").write_text(text, "utf-8")
    made = Terraform(root, root, environment(world.endpoint_url))
    made.init()
    made.apply()
    return made


@pytest.fixture(scope="module")
def old(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    yield deployed(place.world, tmp_path_factory.mktemp("old"), ACCOUNT, REGION)
    let_go(place.client("s3"), OWN)


@pytest.fixture
def hippolyte(world: World, tmp_path: Path) -> Hippolyte:
    def run(role: str, *arguments: str, region: str = REGION) -> tuple[int, str]:
        keys = world.session_keys(role) | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        done = subprocess.run(
            [sys.executable, "-m", "hippolyte_cli", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **world.environment(), **keys, "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def deployer(account: str) -> str:
    return f"arn:aws:iam::{account}:role/deployer"


def mover(there: Place) -> str:
    """Return a role of the new account that may do everything there is to do, as far as it can."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": NEW_ACCOUNT}}
    every = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam = there.client("iam")
    role = iam.create_role(RoleName="mover", AssumeRolePolicyDocument=document(trust))["Role"]
    iam.put_role_policy(RoleName="mover", PolicyName="all", PolicyDocument=document(every))
    return str(role["Arn"])


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def in_runbook(terraform: Terraform, line: str) -> None:
    """Run a line of the runbook, to the letter, in the root's folder."""
    text = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    assert f"  {line}" in text
    env = process_environment(terraform.env) | {"TF_DATA_DIR": str(terraform.work / "data")}
    shell = ["bash", "-euo", "pipefail", "-c", line]
    done = subprocess.run(shell, cwd=terraform.root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def night(place: Place, bucket: str, prefix: str, run: str) -> dict[str, Any]:
    key = f"{prefix}runs/{place.account}/{place.region}/{run}/report.json"
    s3, world = place.client("s3"), place.world
    world.clock.advance_to(start_of(run) - timedelta(minutes=6))
    world.schedules.start()
    until(world, lambda: record(s3, bucket, key) is not None)
    # the catch-up delivery, and a pass that sees that nothing is open here any more
    world.clock.advance(5400)
    world.schedules.stop()
    return dict(record(s3, bucket, key) or {})


def verdicts(report: dict[str, Any]) -> set[str]:
    return {table["verdict"] for table in report["tables"].values()}


def test_a_second_apply_changes_nothing_and_all_is_tagged(old: Terraform, place: Place) -> None:
    assert not old.plan_detailed()
    tags = place.client("s3").get_bucket_tagging(Bucket=OWN)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags}["owner"] == "platform"


def _every(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_whoever_operates_looks_at_a_deployment_and_asks_it(
    old: Terraform, place: Place, hippolyte: Hippolyte
) -> None:
    assert verdicts(night(place, OWN, "", FIRST)) == {"backed_up"}
    role = old.output()["operate"]

    code, said = hippolyte(role, "doctor", "--json")
    assert code in (0, 1) and "{" in said, said
    points = {each["id"]: each for each in json.loads(said[: said.rindex("}") + 1])["points"]}
    # no address was given, so nobody is subscribed, and time is another there; all else is as the
    # module made it
    wrong = {name: point["said"] for name, point in points.items() if point["held"] != "held"}
    assert wrong.keys() - {"last night"} == {"monitor: subscribers"}, said
    assert "nobody is told" in wrong["monitor: subscribers"]
    for arguments in (("report", "--all"), ("report",), ("list", "orders")):
        code, said = hippolyte(role, *arguments)
        assert code in (0, 1) and "AccessDenied" not in said, said
    code, said = hippolyte(role, "test-alert")
    assert code == 1 and "nobody is told" in said and said.count("sent TEST") == len(Kind), said

    iam, name = place.client("iam"), role.rpartition("/")[2]
    asked: Any = {"RoleName": name, "PolicyName": "operate-deployments"}
    whole = iam.get_role_policy(**asked)["PolicyDocument"]
    own = [s for s in whole["Statement"] if s["Sid"] in {sid for sid, _ in ASKING}]
    actions = {(s["Sid"], each) for s in own for each in _every(s["Action"])}
    assert actions - {("SeeLostEvents", "sqs:GetQueueAttributes")} == ASKING.keys()
    for (sid, action), (arguments, expected) in ASKING.items():
        less = [s for s in whole["Statement"] if s["Sid"] != sid]
        iam.put_role_policy(**asked, PolicyDocument=json.dumps({**whole, "Statement": less}))
        code, said = hippolyte(role, *arguments)
        assert code == expected and action in " ".join(said.split()), (sid, code, said)
    iam.put_role_policy(**asked, PolicyDocument=json.dumps(whole))


def test_another_bucket_and_prefix_take_over_and_the_old_one_is_handed_over(
    old: Terraform, place: Place, hippolyte: Hippolyte
) -> None:
    place.client("s3").create_bucket(Bucket="other-bucket")
    with pytest.raises(TerraformError) as refused:
        old.apply({"bucket": "other-bucket"})
    assert "s3:DeleteBucketPolicy" in " ".join(str(refused.value).replace("│", " ").split())
    in_runbook(old, HAND_OVER)
    old.apply({"bucket": "other-bucket"})
    assert not old.plan_detailed({"bucket": "other-bucket"})

    assert verdicts(night(place, "other-bucket", "team-a/", SECOND)) == {"backed_up"}
    for bucket, prefix, run in ((OWN, "", FIRST), ("other-bucket", "team-a", SECOND)):
        code, said = hippolyte(
            deployer(ACCOUNT), "list", "orders", "--bucket", bucket, "--prefix", prefix, "--json"
        )
        assert code == 0, said
        assert [row["run"] for row in json.loads(said)] == [run]


def test_another_account_and_region_take_over(
    place: Place, hippolyte: Hippolyte, tmp_path: Path
) -> None:
    """The tables come by restore, read across; the backups by a copy that keeps their keys."""
    s3, there = place.client("s3"), Place(place.world, NEW_ACCOUNT, NEW_REGION)
    new = deployed(place.world, tmp_path, NEW_ACCOUNT, NEW_REGION)
    own, who = f"hippolyte-backups-{NEW_ACCOUNT}-{NEW_REGION}", mover(there)
    arguments = ("restore", "orders", "--to", "orders", "--bucket", OWN)
    arguments += ("--account", ACCOUNT, "--of-region", REGION)

    code, said = hippolyte(who, *arguments, region=NEW_REGION)
    assert code == 2 and "AccessDenied" in said, said
    policy = json.loads(s3.get_bucket_policy(Bucket=OWN)["Policy"])
    policy["Statement"].append(statement_of_the_runbook())
    s3.put_bucket_policy(Bucket=OWN, Policy=json.dumps(policy))
    code, said = hippolyte(who, *arguments, region=NEW_REGION)
    assert code == 0, said
    items = there.client("dynamodb").scan(TableName="orders")["Items"]
    assert {item["pk"]["S"] for item in items} == {
        item["pk"]["S"] for item in place.items("orders", 5)
    }

    copied = ("backups", "backups-monthly", "backups-weekly")
    for part in (*copied, *(part.replace("backups", "catalog") for part in copied)):
        for each in s3.list_objects_v2(Bucket=OWN, Prefix=f"{part}/").get("Contents", []):
            body = s3.get_object(Bucket=OWN, Key=each["Key"])["Body"].read()
            there.client("s3").put_object(Bucket=own, Key=each["Key"], Body=body)
    read = ("--bucket", own, "--account", ACCOUNT, "--of-region", REGION)
    code, said = hippolyte(who, "verify", "orders", *read, region=NEW_REGION)
    assert code == 0, said
    code, said = hippolyte(who, "restore", "users", "--to", "users", *read, region=NEW_REGION)
    assert code == 0, said

    report = night(there, own, "", "2026-11-26T00-00Z")
    assert verdicts(report) == {"backed_up"} and set(report["tables"]) == {"orders", "users"}
    let_go(there.client("s3"), own)
    new.destroy()


def statement_of_the_runbook() -> dict[str, Any]:
    text = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    (found,) = [
        b for b in text.split("```json\n") if '"TheNewAccountReads"' in b.partition("```")[0]
    ]
    filled = (
        found.partition("```")[0].replace("NEW-ACCOUNT", NEW_ACCOUNT).replace("OLD-BUCKET", OWN)
    )
    return dict(json.loads(filled))


def test_uninstalled_the_backups_stay(old: Terraform, place: Place, hippolyte: Hippolyte) -> None:
    """The last: of the deployment nothing is left, of the bucket all."""
    variables = {"bucket": "other-bucket", "enabled": False}
    old.apply(variables)
    code, said = hippolyte(deployer(ACCOUNT), "status", "--function", "hippolyte-monitor")
    assert code == 0 and "is open" in said and said.startswith("No run"), said
    code, said = hippolyte(
        deployer(ACCOUNT), "release", "--dry-run", "--function", "hippolyte-monitor"
    )
    assert code == 0, said

    old.destroy(variables)

    s3 = place.client("s3")
    assert place.client("lambda").list_functions()["Functions"] == []
    for bucket, prefix in ((OWN, ""), ("other-bucket", "team-a")):
        where = ("--bucket", bucket, "--prefix", prefix)
        for verb in (
            ("list", "orders"),
            ("verify", "orders"),
            ("get", "orders", "orders#3"),
            ("restore", "orders", "--to", f"orders-of-{bucket}"),
        ):
            code, said = hippolyte(deployer(ACCOUNT), *verb, *where)
            assert code == 0, said
    rules = s3.get_bucket_lifecycle_configuration(Bucket=OWN)["Rules"]
    assert {"expire-backups", "tidy-up"} <= {rule["ID"] for rule in rules}
    s3.delete_bucket_lifecycle(Bucket=OWN)
