"""examples/minimal, applied unmodified to the local AWS: what is there, and that nothing drifts.

pytest-terraform's fixture takes no other fixture, so the world is an autouse one of the same scope,
which pytest sets up before it and tears down after it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest
from pytest_terraform import terraform

from hippolyte.planning.keeping import KEPT
from hippolyte.settings import Exporter, parse
from local.world import World
from tests.support.kept import text_of
from tests.support.places import command, let_go
from tools.tf import REPOSITORY, Terraform, TerraformError, environment, process_environment

pytestmark = pytest.mark.terraform

ACCOUNT, REGION = "123456789012", "us-east-1"
BUCKET = f"hippolyte-backups-{ACCOUNT}-{REGION}"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:hippolyte"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:hippolyte-lost"
FUNCTIONS = ("scheduler", "monitor")
EXPORTER = "exporter"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:hippolyte-exporter"


@pytest.fixture(scope="module", autouse=True)
def served(world: World, tidy: list[Callable[[], None]]) -> Iterator[World]:
    tidy.append(lambda: let_go(world.client("s3"), BUCKET))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_VAR_alert_emails", '["oncall@example.com"]')
        yield world


@pytest.fixture(scope="module")
def applied(minimal: Any) -> dict[str, Any]:
    """Return the example's outputs."""
    return {name: output["value"] for name, output in minimal.outputs.items()}


def role_policies(world: World, role: str) -> list[dict[str, Any]]:
    iam = world.client("iam")
    name = f"hippolyte-{REGION}-{role}"
    names = iam.list_role_policies(RoleName=name)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=name, PolicyName=n)["PolicyDocument"] for n in names]
    return [statement for document in documents for statement in document["Statement"]]


@terraform("minimal", scope="module", replay=False)
def test_applies(minimal: Any, world: World) -> None:
    names = [f["FunctionName"] for f in world.client("lambda").list_functions()["Functions"]]

    assert sorted(names) == ["hippolyte-exporter", "hippolyte-monitor", "hippolyte-scheduler"]


def test_outputs(applied: dict[str, Any]) -> None:
    prefix = f"hippolyte-{REGION}"
    role = f"arn:aws:iam::{ACCOUNT}:role/{prefix}"

    assert applied["bucket_name"] == BUCKET
    assert applied["backups_url"] == f"s3://{BUCKET}/backups/{ACCOUNT}/{REGION}/"
    assert applied["topic_arn"] == TOPIC
    assert applied["lost_events_queue"]["arn"] == QUEUE
    machine = {"machine_name": "hippolyte-exporter", "machine_arn": MACHINE}
    for name in (*FUNCTIONS, EXPORTER):
        assert applied[name] == (machine if name == EXPORTER else {}) | {
            "function_name": f"hippolyte-{name}",
            "function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hippolyte-{name}",
            "role_name": f"{prefix}-{name}",
            "role_arn": f"{role}-{name}",
            "log_group_name": f"/aws/lambda/hippolyte-{name}",
        }
    assert applied["schedules"] == {
        "group_name": "hippolyte",
        "names": {name: f"hippolyte-{name}" for name in ("night", "catch-up", "monitor")},
    }
    assert applied["engine"] == {
        "region": REGION,
        "role_name": f"{prefix}-{EXPORTER}",
        "role_arn": f"{role}-{EXPORTER}",
        "cluster_role_name": None,
        "cluster_role_arn": None,
        "cluster_instance_profile_arn": None,
    }
    assert len(applied["alarm_names"]) == 7


@pytest.mark.parametrize("name", [*FUNCTIONS, EXPORTER])
def test_function(applied: dict[str, Any], world: World, name: str) -> None:
    function = world.client("lambda").get_function(FunctionName=f"hippolyte-{name}")
    configuration = function["Configuration"]
    package = (REPOSITORY / "lambda" / "hippolyte.zip").read_bytes()

    assert configuration["Handler"] == f"hippolyte.{name}.handler"
    assert configuration["Runtime"] == "python3.13"
    assert configuration["Architectures"] == ["arm64"]
    assert configuration["Timeout"] == 900
    assert configuration["MemorySize"] == (1769 if name == EXPORTER else 512)
    assert (
        configuration["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    )
    assert configuration["LoggingConfig"]["LogFormat"] == "JSON"
    assert configuration["LoggingConfig"]["LogGroup"] == f"/aws/lambda/hippolyte-{name}"
    assert function.get("Concurrency", {}) == {}, "no reserved concurrency"
    assert list(configuration["Environment"]["Variables"]) == ["HIPPOLYTE_SETTINGS"]


def test_settings_are_what_the_function_reads(applied: dict[str, Any], world: World) -> None:
    configurations = [
        world.client("lambda").get_function_configuration(FunctionName=f"hippolyte-{name}")
        for name in (*FUNCTIONS, EXPORTER)
    ]
    first, *others = (text_of(c, world.client("ssm")) for c in configurations)
    settings = parse(first)

    assert others == [first, first]
    assert (settings.bucket, settings.prefix, settings.topic_arn) == (BUCKET, "", TOPIC)
    assert settings.window_seconds == 7 * 3600
    assert settings.tables.exclude == ("scratch-*",)
    assert settings.engine == "lambda"
    assert settings.pipeline_role == settings.cluster_role == ""
    assert settings.exporter == Exporter(MACHINE, 900, 1769, 10)


def test_the_machine_is_as_planned(applied: dict[str, Any], world: World) -> None:
    found = world.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)
    link = json.loads(found["definition"])["States"]["Link"]

    assert (found["name"], found["type"]) == ("hippolyte-exporter", "STANDARD")
    assert found["roleArn"] == f"arn:aws:iam::{ACCOUNT}:role/hippolyte-{REGION}-machine"
    assert link["Parameters"]["FunctionName"] == applied[EXPORTER]["function_arn"]


@pytest.mark.parametrize(("name", "retries", "age"), [("scheduler", 2, 900), ("monitor", 0, 300)])
def test_a_failed_event_is_kept(
    applied: dict[str, Any], world: World, name: str, retries: int, age: int
) -> None:
    client = world.client("lambda")
    config = client.get_function_event_invoke_config(FunctionName=f"hippolyte-{name}")

    assert config["MaximumRetryAttempts"] == retries
    assert config["MaximumEventAgeInSeconds"] == age
    assert config["DestinationConfig"]["OnFailure"] == {"Destination": QUEUE}


@pytest.mark.parametrize(
    ("name", "function", "expression", "input_text", "age"),
    [
        (
            "night",
            "scheduler",
            "cron(0 0 * * ? *)",
            '{"delay_seconds":0,"run":"<aws.scheduler.scheduled-time>"}',
            900,
        ),
        (
            "catch-up",
            "scheduler",
            "cron(5 1 * * ? *)",
            '{"delay_seconds":3900,"run":"<aws.scheduler.scheduled-time>"}',
            900,
        ),
        ("monitor", "monitor", "rate(5 minutes)", "{}", 300),
    ],
)
def test_schedule(
    applied: dict[str, Any],
    world: World,
    name: str,
    function: str,
    expression: str,
    input_text: str,
    age: int,
) -> None:
    client = world.client("scheduler")
    schedule = client.get_schedule(GroupName="hippolyte", Name=f"hippolyte-{name}")
    target = schedule["Target"]

    assert schedule["ScheduleExpression"] == expression
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["State"] == "ENABLED"
    assert target["Input"] == input_text, "Scheduler sees its placeholder only unescaped"
    assert target["Arn"] == applied[function]["function_arn"]
    assert target["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/hippolyte-{REGION}-schedules"
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == age
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert target["DeadLetterConfig"] == {"Arn": QUEUE}


def test_bucket(applied: dict[str, Any], world: World) -> None:
    s3 = world.client("s3")
    rules = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    ownership = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])

    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert len(block) == 4
    assert all(block.values())
    # people act on finished backups by it, see tests/nights/test_hooks.py
    told = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert "EventBridgeConfiguration" in told
    stays, own_key, tls = policy["Statement"]
    assert (own_key["Effect"], own_key["Action"]) == ("Deny", "s3:PutObject")
    assert (stays["Effect"], stays["Action"]) == ("Deny", "s3:DeleteBucketPolicy")
    assert (tls["Effect"], tls["Action"]) == ("Deny", "s3:*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_lifecycle(applied: dict[str, Any], world: World) -> None:
    answer = world.client("s3").get_bucket_lifecycle_configuration(Bucket=BUCKET)
    rules = {rule["ID"]: rule for rule in answer["Rules"]}
    days = {
        rule["Filter"]["Prefix"]: rule["Expiration"]["Days"]
        for name, rule in rules.items()
        if name.startswith("expire-")
    }

    longer = [f"{part}-{kept}/" for part in ("backups", "catalog") for kept in KEPT]
    kept = dict.fromkeys(("backups/", "catalog/", *longer, "undone/", "runs/"), 35)
    assert days == {**kept, "logs/": 30}, "leases never"
    tidy = rules["tidy-up"]
    assert tidy["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7
    assert tidy["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert "Days" not in tidy.get("Expiration", {})


def test_topic_is_encrypted_with_a_key_that_alarms_may_use(
    applied: dict[str, Any], world: World
) -> None:
    sns, kms = world.client("sns"), world.client("kms")
    attributes = sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]
    key = attributes["KmsMasterKeyId"]
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    alarms = next(s for s in policy["Statement"] if "Service" in s["Principal"])

    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyManager"] == "CUSTOMER"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert sorted(alarms["Action"]) == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}

    deny, allow = json.loads(attributes["Policy"])["Statement"]
    assert (deny["Effect"], deny["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_addresses_are_subscribed(applied: dict[str, Any], world: World) -> None:
    subscriptions = world.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]

    assert [(s["Protocol"], s["Endpoint"]) for s in subscriptions] == [
        ("email", "oncall@example.com")
    ]


def test_queue_is_encrypted(applied: dict[str, Any], world: World) -> None:
    sqs = world.client("sqs")
    url = sqs.get_queue_url(QueueName="hippolyte-lost")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    assert attributes["SqsManagedSseEnabled"] == "true"
    assert attributes["MessageRetentionPeriod"] == "1209600"
    assert "aws:SecureTransport" in attributes["Policy"]


def test_log_groups_have_retention(applied: dict[str, Any], world: World) -> None:
    groups = world.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/hippolyte")

    assert {g["logGroupName"]: g["retentionInDays"] for g in groups["logGroups"]} == {
        f"/aws/lambda/hippolyte-{name}": 30 for name in (*FUNCTIONS, EXPORTER)
    }


def test_alarms(applied: dict[str, Any], world: World) -> None:
    alarms = world.client("cloudwatch").describe_alarms()["MetricAlarms"]
    by_name = {alarm["AlarmName"].removeprefix("hippolyte-"): alarm for alarm in alarms}
    overdue = by_name["night-overdue"]

    assert sorted(by_name) == [
        "backups-old",
        "events-lost",
        "monitor-errors",
        "night-overdue",
        "scheduler-errors",
        "tables-failed",
        "tables-left-raised",
    ]
    assert all(alarm["AlarmActions"] == [TOPIC] for alarm in alarms)
    assert (overdue["Namespace"], overdue["MetricName"]) == ("Hippolyte", "NightOverdue")
    assert overdue["Dimensions"] == [{"Name": "Deployment", "Value": "hippolyte"}]
    periods = overdue["EvaluationPeriods"] + 2  # CloudWatch looks two further back
    assert overdue["Period"] * periods < 30 * 60
    assert overdue["TreatMissingData"] == "missing", "quiet before the first pass, told after it"
    assert overdue["InsufficientDataActions"] == [TOPIC], "a dead monitor sends nothing"
    others = [a for name, a in by_name.items() if name != "night-overdue"]
    assert not any(alarm["InsufficientDataActions"] for alarm in others)
    assert by_name["backups-old"]["Threshold"] == 35 / 2


def test_nothing_is_made_for_clusters(applied: dict[str, Any], world: World) -> None:
    iam = world.client("iam")
    roles = ["exporter", "machine", "monitor", "schedules", "scheduler"]

    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert sorted(role["RoleName"] for role in iam.list_roles()["Roles"]) == sorted(
        f"hippolyte-{REGION}-{role}" for role in roles
    )


def test_the_functions_may_use_the_topics_key(applied: dict[str, Any], world: World) -> None:
    key = world.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["KmsMasterKeyId"]

    for name in FUNCTIONS:
        statement = next(s for s in role_policies(world, name) if s["Sid"] == "EncryptMessages")
        assert statement["Resource"] == key
        assert statement["Condition"] == {
            "StringEquals": {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}
        }


def test_capacity_is_claimed(applied: dict[str, Any], world: World) -> None:
    parameter = world.client("ssm").get_parameter(Name="/hippolyte/raise-capacity")["Parameter"]

    assert parameter["Value"] == "hippolyte"


def test_a_second_deployment_that_raises_is_refused(
    applied: dict[str, Any], world: World, tmp_path: Path
) -> None:
    root = tmp_path / "second"
    root.mkdir()
    (root / "main.tf").write_text(
        f'module "second" {{\n  source = "{REPOSITORY}"\n  engine = "datapipeline"\n'
        '  name   = "second"\n}\n',
        "utf-8",
    )
    second = Terraform(root, tmp_path / "work", environment(world.endpoint_url))
    second.init()

    with pytest.raises(TerraformError) as refusal:
        second.plan_detailed()

    message = " ".join(str(refusal.value).replace("│", " ").split())
    assert 'deployment "hippolyte" already raises read capacity' in message
    assert 'so "second" must not' in message
    assert "Set raise_capacity = false here or there." in message


def test_nothing_drifts(
    applied: dict[str, Any], minimal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-detailed-exitcode")
    try:
        minimal.terraform.plan()
    except CalledProcessError as error:
        pytest.fail(f"a second plan would change something (exit {error.returncode})")


# what destroy does to backups: these come last, as there is less afterwards

HAND_OVER = (
    "terraform state list | grep 'aws_s3_bucket' | grep 'module.hippolyte'"
    " | xargs -n1 terraform state rm"
)
BACKUP = f"backups/{ACCOUNT}/{REGION}/orders/2026-11-24T00-00Z-1"


@pytest.fixture(scope="module")
def versions(applied: dict[str, Any], world: World) -> list[Any]:
    """Write a backup, one file of it twice, and return what is in the bucket."""
    s3 = world.client("s3")
    for name in ("part-0", "manifest", "manifest", "_SUCCESS"):
        s3.put_object(Bucket=BUCKET, Key=f"{BACKUP}/{name}", Body=name.encode())
    return object_versions(world)


def object_versions(world: World) -> list[Any]:
    answer = world.client("s3").list_object_versions(Bucket=BUCKET)
    assert "DeleteMarkers" not in answer
    return sorted((v["Key"], v["VersionId"], v["Size"]) for v in answer["Versions"])


def test_the_runbooks_order_leaves_the_bucket_and_all_its_settings(
    versions: list[Any], minimal: Any, tmp_path: Path
) -> None:
    """On a copy of the state, as `state rm` asks nobody."""
    state = f"-state={shutil.copy(minimal.terraform.state_path, tmp_path)}"
    listed = command(minimal.terraform, "state", "list", state).stdout.split()
    bucket = [a for a in listed if "aws_s3_bucket" in a and "module.hippolyte" in a]
    assert len(bucket) == 8

    removed = command(minimal.terraform, "state", "rm", state, *bucket)
    assert removed.returncode == 0, removed.stderr
    plan = command(minimal.terraform, "plan", "-destroy", "-no-color", state)

    assert plan.returncode == 0, plan.stderr
    assert "aws_lambda_function.this" in plan.stdout
    assert "aws_s3" not in plan.stdout


def settings_of_the_bucket(world: World) -> dict[str, Any]:
    """Return everything that protects what is in the bucket; an error if any of it is gone."""
    s3 = world.client("s3")
    answers = {
        "policy": s3.get_bucket_policy(Bucket=BUCKET)["Policy"],
        "access": s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"],
        "ownership": s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"],
        "encryption": s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"],
        "lifecycle": s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"],
        "versioning": s3.get_bucket_versioning(Bucket=BUCKET)["Status"],
    }
    assert answers["versioning"] == "Enabled"
    return answers


REFUSED = "s3:DeleteBucketPolicy on resource: arn:aws:s3:::" + BUCKET


def words(text: str) -> str:
    """Return Terraform's message without its frame and line breaks."""
    return " ".join(text.replace("│", " ").split())


def variant(root: Path, world: World, *lines: str) -> Terraform:
    """Write the example with more arguments of the module, and initialise it."""
    example = REPOSITORY / "examples" / "minimal"
    shutil.copytree(example, root, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    text = (root / "main.tf").read_text("utf-8")
    old = 'source = "../../"\n'
    assert old in text
    arguments = "".join(f"  {line}\n" for line in lines)
    (root / "main.tf").write_text(
        text.replace(old, f'source = "{REPOSITORY}"\n{arguments}'), "utf-8"
    )
    terraform = Terraform(root, root, environment(world.endpoint_url))
    terraform.init()
    return terraform


def in_runbook(terraform: Terraform, line: str) -> None:
    """Run a line of the runbook, to the letter, in the root's folder."""
    assert f"  {line}\n" in (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    env = process_environment(terraform.env) | {"TF_DATA_DIR": str(terraform.work / "data")}
    shell = ["bash", "-euo", "pipefail", "-c", line]
    done = subprocess.run(shell, cwd=terraform.root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_bucket_that_is_moved_away_from_keeps_its_settings(
    versions: list[Any], minimal: Any, world: World, tmp_path: Path
) -> None:
    """Told to write elsewhere; the state is a copy, as the next test begins with the bucket."""
    world.client("s3").create_bucket(Bucket="elsewhere")
    before = settings_of_the_bucket(world)
    moved = variant(tmp_path / "moved", world, 'backup_bucket = { name = "elsewhere" }')
    shutil.copy(minimal.terraform.state_path, moved.state)

    with pytest.raises(TerraformError) as refused:
        moved.apply()

    assert REFUSED in words(str(refused.value))
    assert settings_of_the_bucket(world) == before
    assert object_versions(world) == versions
    function = world.client("lambda").get_function_configuration(FunctionName="hippolyte-monitor")
    settings = parse(text_of(function, world.client("ssm")))
    assert settings.bucket == "elsewhere", "nights go on in the new bucket"

    in_runbook(moved, HAND_OVER)
    assert not moved.plan_detailed()
    assert settings_of_the_bucket(world) == before


def test_destroy_stops_at_backups_and_loses_none(
    versions: list[Any], minimal: Any, world: World
) -> None:
    before = settings_of_the_bucket(world)
    state = f"-state={minimal.terraform.state_path}"
    result = command(
        minimal.terraform, "destroy", "-auto-approve", "-no-color", "-input=false", state
    )

    assert result.returncode == 1
    assert REFUSED in words(result.stderr)
    assert len(versions) == 4
    assert object_versions(world) == versions
    assert settings_of_the_bucket(world) == before


def test_force_destroy_is_the_way_out(
    versions: list[Any], minimal: Any, world: World, tmp_path: Path
) -> None:
    """As docs/operations.md says: applied first, then the bucket goes with all that is in it."""
    forced = variant(tmp_path / "forced", world)
    shutil.copy(minimal.terraform.state_path, forced.state)
    may = {"force_destroy": True}
    forced.apply(may, targets=["module.hippolyte.aws_s3_bucket_policy.this"])  # the rest is gone
    statements = json.loads(settings_of_the_bucket(world)["policy"])["Statement"]
    assert [s["Sid"] for s in statements] == ["NoKeyOfTheCustomers", "DenyWithoutTls"]
    assert object_versions(world) == versions

    forced.destroy(may)

    assert BUCKET not in [b["Name"] for b in world.client("s3").list_buckets()["Buckets"]]
