"""examples/complete on the local AWS, with a night in it: every input at work, and no drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from subprocess import CalledProcessError, CompletedProcess
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pytest_terraform import terraform

from hippolyte.settings import RestoreDrill, Settings, parse
from local.world import World
from tests.support.kept import text_of
from tests.support.places import Place, command, record, until, warnings, wrong_contents

pytestmark = pytest.mark.terraform

ACCOUNT, REGION = "123456789012", "eu-central-1"
BUCKET = f"complete-dynamodb-{ACCOUNT}-{REGION}"
NIGHTS = f"arn:aws:sns:{REGION}:{ACCOUNT}:complete-nights"
RUN = "2026-11-23T22-30Z"  # 23:30 in Berlin


@pytest.fixture(scope="module", autouse=True)
def served(world: World) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_VAR_force_destroy", "true")
        patch.setenv("TF_VAR_alert_emails", '["oncall@example.com"]')
        yield world


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    return Place(world, ACCOUNT, REGION)


@pytest.fixture(scope="module")
def s3(complete: Any, place: Place) -> Any:
    """Return a client of the bucket's owner."""
    return place.client("s3")


@pytest.fixture(scope="module")
def settings(complete: Any, place: Place) -> Settings:
    function = place.client("lambda").get_function_configuration(FunctionName="complete-scheduler")
    return parse(text_of(function, place.client("ssm")))


@terraform("complete", scope="module", replay=False)
def test_applies(complete: Any, place: Place) -> None:
    outputs = {name: output["value"] for name, output in complete.outputs.items()}

    assert outputs["bucket_name"] == BUCKET
    assert outputs["backups_url"] == f"s3://{BUCKET}/dynamodb/backups/{ACCOUNT}/{REGION}/"
    assert outputs["nights_topic_arn"] == NIGHTS
    assert outputs["alarms_topic_arn"] == f"arn:aws:sns:{REGION}:{ACCOUNT}:complete"


def test_the_functions_are_told_what_was_given(complete: Any, settings: Settings) -> None:
    assert (settings.bucket, settings.prefix) == (BUCKET, "dynamodb")
    assert (settings.region, settings.bucket_region) == (REGION, REGION)
    assert settings.topic_arn == NIGHTS
    assert settings.window_seconds == 6 * 3600
    assert settings.timezone == "Europe/Berlin"
    assert (settings.consumed_percentage, settings.max_read_capacity) == (40, 20_000)
    assert (settings.max_night_usd, settings.retention_days) == (100, 90)
    assert (settings.verify_days, settings.reading_turn) == (30, 30)
    assert settings.restore_drill == RestoreDrill("orders", 5_000_000_000, 1, ("logs-*",))
    assert settings.tables.exclude_tags == (("backup", ("no", "never")),)
    assert settings.engine == "lambda"
    assert settings.consistent_reads is True
    assert settings.exporter is not None
    assert settings.exporter.machine_arn == complete.outputs["exporter"]["value"]["machine_arn"]
    assert (settings.exporter.memory_size, settings.exporter.max_workers) == (1769, 20)
    assert (settings.planning.attempts, settings.planning.discovery_concurrency) == (3, 16)


def test_the_functions_are_in_the_network(complete: Any, place: Place) -> None:
    network = complete.outputs["network"]["value"]
    for name in ("scheduler", "monitor", "exporter"):
        found = place.client("lambda").get_function_configuration(FunctionName=f"complete-{name}")
        assert found["VpcConfig"]["SubnetIds"] == [network["subnet_id"]]
        assert found["VpcConfig"]["SecurityGroupIds"] == [network["security_group_id"]]


def test_the_subnet_reaches_the_services(complete: Any, place: Place) -> None:
    ec2 = place.client("ec2")
    subnet = complete.outputs["network"]["value"]["subnet_id"]
    (table,) = ec2.describe_route_tables(
        Filters=[{"Name": "association.subnet-id", "Values": [subnet]}]
    )["RouteTables"]
    (found,) = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]

    assert found["MapPublicIpOnLaunch"] is False
    assert any(r.get("NatGatewayId") for r in table["Routes"])
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert {e["ServiceName"] for e in endpoints} == {
        f"com.amazonaws.{REGION}.{service}" for service in ("s3", "dynamodb")
    }
    assert all(table["RouteTableId"] in e["RouteTableIds"] for e in endpoints)


def test_nothing_is_deprecated(complete: Any) -> None:
    assert warnings(complete.terraform) == []


def test_nothing_drifts(complete: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-detailed-exitcode")
    try:
        complete.terraform.plan()
    except CalledProcessError as error:
        pytest.fail(f"a second plan would change something (exit {error.returncode})")


def test_a_night(s3: Any, world: World, place: Place) -> None:
    place.table("orders", backup="no")
    place.table("prod-users")
    place.table("prod-cache-tmp")
    place.table("prod-sessions", backup="never")
    place.table("ledger", backup="nightly")
    place.table("invoices", team="finance")
    place.table("playground")
    place.table("prod-new", count=0)
    world.clock.advance_to(datetime(2026, 11, 23, 22, 20, tzinfo=UTC))
    world.schedules.start()
    key = f"dynamodb/runs/{ACCOUNT}/{REGION}/{RUN}/report.json"

    until(world, lambda: record(s3, BUCKET, key) is not None)

    report = record(s3, BUCKET, key)
    assert report is not None
    assert [i.error for i in world.lambda_logs if i.error] == []
    assert {name: t["verdict"] for name, t in report["tables"].items()} == {
        "orders": "backed_up",
        "prod-users": "backed_up",
        "ledger": "backed_up",
        "invoices": "backed_up",
        "prod-new": "backed_up",
        "prod-cache-tmp": "skipped",
        "prod-sessions": "skipped",
        "playground": "skipped",
    }
    assert report["tables"]["prod-sessions"]["reason"] == "excluded by tag backup=never"
    assert wrong_contents(s3, BUCKET, place, report) == []
    (message,) = world.messages(NIGHTS)
    assert message["subject"].startswith("ATTENTION 1 to look at: ")
    assert report["alerts"] == [
        "oncall@example.com has not confirmed the subscription: no message arrives there"
    ]
    assert world.messages(f"arn:aws:sns:{REGION}:{ACCOUNT}:complete") == [], "alarms only"


def test_bucket_and_key_stay_unless_force_destroy_is_applied(
    complete: Any, place: Place, s3: Any
) -> None:
    """The submodule's part of what test_minimal shows of the module's own bucket."""

    def run(what: str, target: str, may: bool) -> CompletedProcess[str]:
        """Run a command on one resource of the bucket, and what goes with it."""
        arguments = ("-auto-approve", "-no-color", f"-var=force_destroy={json.dumps(may)}")
        target = f"-target=module.backup_bucket.{target}"
        state = f"-state={complete.terraform.state_path}"
        return command(complete.terraform, what, *arguments, target, state)

    encryption = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]
    key = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    kms = place.client("kms")
    try:
        done = run("apply", "aws_s3_bucket_policy.this", may=False)
        assert done.returncode == 0, done.stderr

        refused = run("destroy", "aws_s3_bucket_versioning.this", may=False)

        assert refused.returncode == 1
        assert "s3:DeleteBucketPolicy" in refused.stderr
        assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
        with pytest.raises(ClientError, match=r"kms:ScheduleKeyDeletion .* explicit deny"):
            kms.schedule_key_deletion(KeyId=key)
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    finally:
        done = run("apply", "aws_s3_bucket_policy.this", may=True)  # destroy follows
    assert done.returncode == 0, done.stderr
