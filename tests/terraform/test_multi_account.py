"""examples/multi-account on the local AWS: three accounts, a night across them, and who may not.

Everything is applied by Terraform in really different accounts. The second half asks the central
bucket's policy what a workload account can do there, whatever its own policies say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from subprocess import CalledProcessError
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pytest_terraform import terraform

from local.messaging import sns_sqs
from local.world import World
from tests.support.places import Place, record, until, warnings, wrong_contents

pytestmark = pytest.mark.terraform

BACKUP, SHOP, ANALYTICS = "111111111111", "222222222222", "333333333333"
HOME, IRELAND = "us-east-1", "eu-west-1"
BUCKET = "example-central-dynamodb-backups"
CENTRAL_TOPIC = f"arn:aws:sns:{HOME}:{BACKUP}:hippolyte-central"
RUN = "2026-11-24T00-00Z"
WHERE = {
    "shop": (SHOP, HOME),
    "shop_ireland": (SHOP, IRELAND),
    "analytics": (ANALYTICS, HOME),
}
TABLES = {
    "shop": ("orders", "customers", "empty"),
    "shop_ireland": ("orders", "shipments"),
    "analytics": ("events", "customers"),
}


def own_topic(account: str, region: str) -> str:
    """Return a deployment's own topic, that of its alarms."""
    return f"arn:aws:sns:{region}:{account}:hippolyte"


@pytest.fixture(scope="module", autouse=True)
def served(world: World) -> Iterator[World]:
    accounts = {"backup": BACKUP, "shop": SHOP, "analytics": ANALYTICS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_VAR_account_ids", json.dumps(accounts))
        patch.setenv("TF_VAR_force_destroy", "true")  # what it keeps else: test_complete
        patch.setenv("TF_VAR_alert_emails", '["oncall@example.com"]')
        yield world


@pytest.fixture(scope="module")
def places(world: World) -> dict[str, Place]:
    return {name: Place(world, *where) for name, where in WHERE.items()}


@pytest.fixture(scope="module")
def s3(multi_account: Any, world: World) -> Any:
    """Return a client of the bucket's owner."""
    return Place(world, BACKUP, HOME).client("s3")


@terraform("multi-account", scope="module", replay=False, name="multi_account")
def test_applies_in_three_accounts(multi_account: Any, world: World) -> None:
    deployments = multi_account.outputs["deployments"]["value"]

    for name, (account, region) in WHERE.items():
        found = deployments[name]
        assert found["backups_url"] == f"s3://{BUCKET}/backups/{account}/{region}/"
        assert found["scheduler_arn"].split(":")[3:5] == [region, account]
        functions = Place(world, account, region).client("lambda").list_functions()["Functions"]
        assert len(functions) == 3
    assert multi_account.outputs["topic_arn"]["value"] == CENTRAL_TOPIC
    buckets = {
        account: [
            b["Name"] for b in Place(world, account, HOME).client("s3").list_buckets()["Buckets"]
        ]
        for account in (BACKUP, SHOP, ANALYTICS)
    }
    assert buckets == {BACKUP: [BUCKET], SHOP: [], ANALYTICS: []}
    owner = Place(world, BACKUP, HOME).client("s3")
    told = owner.get_bucket_notification_configuration(Bucket=BUCKET)
    assert "EventBridgeConfiguration" in told


def test_what_an_undo_replaced_expires_as_backups_do(multi_account: Any, s3: Any) -> None:
    rules = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    days = {rule["ID"]: rule["Expiration"].get("Days") for rule in rules}
    assert days["expire-undone"] == days["expire-backups"] > 0
    (undone,) = (rule["Filter"] for rule in rules if rule["ID"] == "expire-undone")
    assert undone == {"Prefix": "undone/"}


def test_nothing_is_deprecated(multi_account: Any) -> None:
    assert warnings(multi_account.terraform) == []


def test_nothing_drifts(multi_account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-detailed-exitcode")
    try:
        multi_account.terraform.plan()
    except CalledProcessError as error:
        pytest.fail(f"a second plan would change something (exit {error.returncode})")


@pytest.fixture(scope="module")
def reports(world: World, places: dict[str, Place], s3: Any) -> dict[str, dict[str, Any]]:
    """Run one night in all accounts, as the schedules and roles that were created let it."""
    for name, place in places.items():
        for table in TABLES[name]:
            place.table(table, count=0 if table == "empty" else 4)
        place.table("scratch-data")
    for name in ("shop", "analytics"):
        sns_sqs.confirm(own_topic(*WHERE[name]), "oncall@example.com")
    world.clock.advance_to(datetime(2026, 11, 23, 23, 50, tzinfo=UTC))
    world.schedules.start()

    def found() -> dict[str, Any]:
        keys = {n: f"runs/{p.account}/{p.region}/{RUN}/report.json" for n, p in places.items()}
        return {name: record(s3, BUCKET, key) for name, key in keys.items()}

    until(world, lambda: all(found().values()))
    world.schedules.stop()
    return found()


def test_all_tables_of_all_accounts_are_in_the_central_bucket(
    reports: dict[str, Any], world: World, places: dict[str, Place], s3: Any
) -> None:
    assert [i.error for i in world.lambda_logs if i.error] == []
    for name, place in places.items():
        report = reports[name]
        verdicts = {table: entry["verdict"] for table, entry in report["tables"].items()}
        expected = dict.fromkeys(TABLES[name], "backed_up") | {"scratch-data": "skipped"}
        assert verdicts == expected, name
        for table in TABLES[name]:
            start = f"s3://{BUCKET}/backups/{place.account}/{place.region}/{table}/"
            assert report["tables"][table]["location"].startswith(start)
        assert wrong_contents(s3, BUCKET, place, report) == []


def test_nothing_else_is_in_the_central_bucket(reports: dict[str, Any], s3: Any) -> None:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    parts = {tuple(key.split("/")[:3]) for key in keys}

    assert parts == {
        (part, account, region)
        for part in ("backups", "catalog", "runs")
        for account, region in WHERE.values()
    }
    for key in keys:
        head = s3.head_object(Bucket=BUCKET, Key=key)
        assert head["ServerSideEncryption"] == "aws:kms"


def test_a_night_that_needs_a_person_is_told_on_the_central_topic_at_once(
    reports: dict[str, Any], world: World
) -> None:
    """Good ones wait for the one message of the morning."""
    (subject,) = (message["subject"] for message in world.messages(CENTRAL_TOPIC))

    assert f": hippolyte {SHOP} {IRELAND}" in subject
    for account, region in WHERE.values():
        assert world.messages(own_topic(account, region)) == [], "alarms only"


def test_who_will_not_hear_an_alarm_is_told(reports: dict[str, Any], world: World) -> None:
    alerts = {name: report["alerts"] for name, report in reports.items()}
    subjects = [message["subject"] for message in world.messages(CENTRAL_TOPIC)]

    waiting = "oncall@example.com has not confirmed the subscription: no message arrives there"
    assert alerts == {"shop": [], "shop_ireland": [waiting], "analytics": []}
    assert {subject.partition(": ")[0] for subject in subjects} == {
        "ATTENTION 1 to look at",
    }


# the message of the morning


@pytest.fixture(scope="module")
def morning(reports: dict[str, Any], world: World) -> dict[str, Any]:
    """Let it become seven, and return the morning's message."""
    told = len(world.messages(CENTRAL_TOPIC))
    world.clock.advance_to(datetime(2026, 11, 24, 6, 59, tzinfo=UTC))
    world.schedules.start()
    until(world, lambda: len(world.messages(CENTRAL_TOPIC)) > told)
    world.schedules.stop()
    assert [i.error for i in world.lambda_logs if i.error] == []
    (message,) = world.messages(CENTRAL_TOPIC)[told:]
    return dict(message)


def test_one_message_tells_of_all_deployments(morning: dict[str, Any], world: World) -> None:
    assert world.clock.now() < datetime(2026, 11, 24, 7, 15, tzinfo=UTC)
    assert morning["subject"] == "ATTENTION: 1 night to look at"
    lines = morning["message"].splitlines()
    assert lines[0] == morning["subject"]
    said = [f"  - {account} {region} (hippolyte)" for account, region in WHERE.values()]
    for start, tables in zip(said, (3, 2, 2), strict=True):
        assert f"{start}: {tables} tables backed up" in lines
    assert lines[-1] == f"As a page: s3://{BUCKET}/fleet/report.html"


def test_the_page_of_all_deployments_is_in_the_bucket(
    morning: dict[str, Any], multi_account: Any, s3: Any
) -> None:
    assert multi_account.outputs["fleet_page_url"]["value"] == f"s3://{BUCKET}/fleet/report.html"
    page = s3.get_object(Bucket=BUCKET, Key="fleet/report.html")
    assert page["ServerSideEncryption"] == "aws:kms"
    text = page["Body"].read().decode()
    assert morning["subject"] in text
    for account, region in WHERE.values():
        assert f">{account}<" in text
        assert region in text


def test_the_fleet_report_reads_no_backup_and_writes_its_page_alone(
    morning: dict[str, Any], multi_account: Any, world: World
) -> None:
    role_arn = f"arn:aws:iam::{BACKUP}:role/hippolyte-fleet-{HOME}"
    fleet = world.client("s3", HOME, role_arn)
    home = f"{SHOP}/{HOME}"
    run = f"runs/{home}/{RUN}"
    assert not refused(fleet.get_object, Key=f"{run}/report.json")
    for key in (f"{run}/plan.json", f"{run}/ledger.json", f"catalog/{home}/orders/{RUN}.json"):
        assert refused(fleet.get_object, Key=key), key
    for key in (f"{run}/report.json", f"leases/{home}/orders.json", "fleet/other.html", "x"):
        assert refused(fleet.put_object, Key=key, Body=b"x"), key
        assert refused(fleet.delete_object, Key=key), key
    assert not refused(fleet.put_object, Key="fleet/report.html", Body=b"<html>")


@pytest.mark.parametrize(
    "action",
    [
        *("s3:GetObject", "s3:ListBucket", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"),
        *("sns:Publish", "cloudwatch:PutMetricData"),
    ],
)
def test_each_right_of_the_fleet_report_is_needed(
    morning: dict[str, Any], world: World, multi_account: Any, action: str
) -> None:
    """Without it the function fails, or says that something cannot be read."""
    world.deny(action)
    try:
        answer = (
            Place(world, BACKUP, HOME)
            .client("lambda")
            .invoke(FunctionName=multi_account.outputs["fleet_report_arn"]["value"], Payload=b"{}")
        )
    finally:
        world.gate.denied.clear()
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" in answer or "unreadable" in said["said"], said


def test_an_account_that_did_not_report_is_told_and_the_alarm_goes(
    morning: dict[str, Any], world: World, places: dict[str, Place], multi_account: Any
) -> None:
    """A day on which no deployment's schedule is delivered."""
    told = len(world.messages(CENTRAL_TOPIC))
    world.clock.advance_to(datetime(2026, 11, 25, 7, tzinfo=UTC))
    Place(world, BACKUP, HOME).client("lambda").invoke(
        FunctionName=multi_account.outputs["fleet_report_arn"]["value"], Payload=b"{}"
    )
    (message,) = world.messages(CENTRAL_TOPIC)[told:]
    assert message["subject"] == "ATTENTION: 3 of 3 nights missing"
    for account, region in WHERE.values():
        assert f"  - {account} {region} (hippolyte): no night since {RUN}" in message["message"]
    alarms = Place(world, BACKUP, HOME).client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"]: alarm["AlarmActions"] for alarm in alarms} == {
        f"hippolyte-fleet-{name}": [CENTRAL_TOPIC] for name in ("errors", "nights-missing")
    }
    world.alarms.start()
    world.clock.advance(3 * 3600)
    subjects = [m["subject"] for m in world.messages(CENTRAL_TOPIC)[told + 1 :]]
    assert any("hippolyte-fleet-nights-missing" in subject for subject in subjects), subjects
    # a report that fails is told within minutes, not by its silence
    told = len(world.messages(CENTRAL_TOPIC))
    world.functions.down.add("hippolyte-fleet")
    Place(world, BACKUP, HOME).client("lambda").invoke(
        FunctionName=multi_account.outputs["fleet_report_arn"]["value"], Payload=b"{}"
    )
    world.clock.advance(600)
    world.functions.down.clear()
    subjects = [m["subject"] for m in world.messages(CENTRAL_TOPIC)[told:]]
    assert any("hippolyte-fleet-errors" in subject for subject in subjects), subjects


# what a workload account cannot do, even if its own policies let it do everything


def role(world: World, account: str, name: str) -> str:
    """Make a role that its own account lets do everything, and return its ARN."""
    iam = Place(world, account, HOME).client("iam")
    arn = f"arn:aws:iam::{account}:role/{name}"
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    except iam.exceptions.EntityAlreadyExistsException:
        return arn
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=document)
    return arn


@pytest.fixture(scope="module")
def rogue(reports: dict[str, Any], world: World) -> Iterator[Any]:
    """Return an S3 client of a role of `shop` that is called as a deployment's, and may all."""
    arn = role(world, SHOP, "hippolyte-us-east-1-rogue")
    yield world.client("s3", HOME, arn)
    iam = Place(world, SHOP, HOME).client("iam")
    iam.delete_role_policy(RoleName="hippolyte-us-east-1-rogue", PolicyName="everything")
    iam.delete_role(RoleName="hippolyte-us-east-1-rogue")


def refused(call: Callable[..., Any], **parameters: Any) -> bool:
    """Return whether S3 refuses a call (True), or makes it (False)."""
    try:
        call(Bucket=BUCKET, **parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "403"), error
        return True
    return False


@pytest.fixture(scope="module")
def summaries(reports: dict[str, Any], s3: Any) -> dict[tuple[str, str], str]:
    """Return the key of each backup's last file, by deployment and table."""
    found = {}
    for deployment, report in reports.items():
        for table, entry in report["tables"].items():
            if entry["verdict"] == "backed_up":
                directory = entry["location"].removeprefix(f"s3://{BUCKET}/").rstrip("/")
                files = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{directory}/")["Contents"]
                keys = [file["Key"] for file in files]
                (key,) = [key for key in keys if key.endswith("/manifest-summary.json")]
                found[deployment, table] = key
    return found


def test_another_accounts_backup_cannot_be_read(
    rogue: Any, summaries: dict[tuple[str, str], str]
) -> None:
    assert refused(rogue.get_object, Key=summaries["analytics", "events"])
    assert not refused(rogue.get_object, Key=summaries["shop", "orders"])
    assert not refused(rogue.get_object, Key=summaries["shop_ireland", "orders"])
    for part in ("catalog", "leases", "logs", "runs", "scripts"):
        assert refused(rogue.get_object, Key=f"{part}/{ANALYTICS}/{HOME}/anything")


@pytest.mark.parametrize("part", ["backups", "catalog", "leases", "logs", "runs", "scripts"])
def test_another_accounts_prefix_cannot_be_written(
    rogue: Any, reports: dict[str, Any], part: str
) -> None:
    rest = f"{HOME}/events/{RUN}-1/_temporary/x"
    assert refused(rogue.put_object, Key=f"{part}/{ANALYTICS}/{rest}", Body=b"x")
    assert refused(rogue.delete_object, Key=f"{part}/{ANALYTICS}/{rest}")
    assert refused(rogue.put_object, Key=f"{part}/{ANALYTICS}/{HOME}_$folder$", Body=b"")
    assert refused(rogue.put_object, Key=f"{part}/{SHOP}0/{rest}", Body=b"x")
    assert not refused(rogue.put_object, Key=f"{part}/{SHOP}/probe/x/y", Body=b"x")


def test_nothing_can_be_written_elsewhere(rogue: Any) -> None:
    for key in ("x", "backups/x", f"other/{SHOP}/x", f"{SHOP}/x", "other_$folder$"):
        assert refused(rogue.put_object, Key=key, Body=b"x"), key


def test_a_finished_backup_cannot_be_deleted(
    rogue: Any, summaries: dict[tuple[str, str], str], s3: Any
) -> None:
    summary = summaries["shop", "orders"]
    for key in (summary, summary.replace("/manifest-summary.json", "/manifest-files.json")):
        version = s3.head_object(Bucket=BUCKET, Key=key)["VersionId"]
        assert refused(rogue.delete_object, Key=key)
        assert refused(rogue.delete_object, Key=key, VersionId=version)
        assert refused(rogue.delete_objects, Delete={"Objects": [{"Key": key}]})
    for key in (f"catalog/{SHOP}/{HOME}/orders/{RUN}.json", f"runs/{SHOP}/{HOME}/{RUN}/plan.json"):
        assert refused(rogue.delete_object, Key=key)


def test_a_table_called_temporary_is_no_temporary_file(rogue: Any) -> None:
    finished = f"backups/{SHOP}/{HOME}/_temporary/{RUN}-1/manifest"
    temporary = f"backups/{SHOP}/{HOME}/_temporary/{RUN}-1/_temporary/0/part"

    assert refused(rogue.delete_object, Key=finished)
    assert not refused(rogue.delete_object, Key=temporary)
    assert not refused(rogue.delete_object, Key=f"backups/{SHOP}/{HOME}/t/{RUN}-1_$folder$")


def test_a_backup_that_is_written_over_can_be_had_back(
    rogue: Any, summaries: dict[tuple[str, str], str], s3: Any
) -> None:
    key = summaries["shop", "customers"]
    before = s3.get_object(Bucket=BUCKET, Key=key)

    assert not refused(rogue.put_object, Key=key, Body=b"ransom")
    version = before["VersionId"]
    kept = s3.get_object(Bucket=BUCKET, Key=key, VersionId=version)["Body"].read()
    assert json.loads(kept)["itemCount"] == 4
    assert refused(rogue.delete_object, Key=key, VersionId=version)
    s3.put_object(Bucket=BUCKET, Key=key, Body=kept)


def test_the_bucket_itself_is_out_of_reach(rogue: Any) -> None:
    assert refused(rogue.put_bucket_versioning, VersioningConfiguration={"Status": "Suspended"})
    assert refused(rogue.delete_bucket_policy)
    assert refused(rogue.delete_bucket_lifecycle)
    assert refused(rogue.delete_bucket)


def test_names_may_be_listed(rogue: Any) -> None:
    assert not refused(rogue.list_objects_v2, Prefix=f"backups/{ANALYTICS}/")


def test_a_key_of_somebody_else_is_refused(rogue: Any, world: World) -> None:
    other = f"arn:aws:kms:{HOME}:{SHOP}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert refused(
        rogue.put_object,
        Key=f"backups/{SHOP}/x/y/z",
        Body=b"x",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=other,
    )


@pytest.mark.parametrize(
    ("account", "name"),
    [(SHOP, "admin"), ("444444444444", "hippolyte-us-east-1-scheduler")],
    ids=["another role", "another account"],
)
def test_nobody_else_is_let_in(
    summaries: dict[tuple[str, str], str], world: World, account: str, name: str
) -> None:
    client = world.client("s3", HOME, role(world, account, name))

    assert refused(client.list_objects_v2)
    assert refused(client.put_object, Key=f"backups/{account}/{HOME}/x/y/z", Body=b"x")
    assert refused(client.get_object, Key=summaries["shop", "orders"])
    iam = Place(world, account, HOME).client("iam")
    iam.delete_role_policy(RoleName=name, PolicyName="everything")
    iam.delete_role(RoleName=name)


def test_only_the_functions_publish_to_the_central_topic(
    reports: dict[str, Any], multi_account: Any, world: World
) -> None:
    deployments = multi_account.outputs["deployments"]["value"]
    scheduler = world.client("sns", HOME, deployments["shop"]["scheduler_role_arn"])
    scheduler.publish(TopicArn=CENTRAL_TOPIC, Message="from a function")

    exporter = world.client("sns", HOME, deployments["shop"]["exporter_role_arn"])
    stranger = world.client("sns", HOME, role(world, SHOP, "stranger"))
    for client in (exporter, stranger):
        with pytest.raises(ClientError, match="not authorized to perform: sns:Publish"):
            client.publish(TopicArn=CENTRAL_TOPIC, Message="x")
