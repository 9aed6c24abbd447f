"""What the settings name and is not there is told by the monitor's first pass, with the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import copy

import pytest
from moto.ec2.models import ec2_backends
from moto.ec2.models.subnets import Subnet
from moto.iam.models import iam_backends

from tests.support.deployment import (
    ACCOUNT,
    BUCKET,
    REGION,
    TOPIC,
    WINDOW_START,
    Deployment,
    Planned,
    deployed,
    role_name,
)

pytestmark = pytest.mark.terraform

SUBNET = "subnet-0123456789abcdef0"
PASS = 310


@pytest.fixture(params=["datapipeline", "emr"])
def d(plan_of: Callable[[str], Planned], request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with deployed(plan_of(request.param), minutes_before=300) as made:
        yield made


@pytest.fixture
def on_emr(plan_of: Callable[[str], Planned]) -> Iterator[Deployment]:
    with deployed(plan_of("emr"), minutes_before=300) as made:
        yield made


def told(d: Deployment) -> list[str]:
    """The messages of missing things."""
    messages = [m["message"] for m in d.world.messages(TOPIC) if "PREFLIGHT" in m["subject"]]
    return [m for m in messages if "\nLooked at what the settings name:" in m]


def findings(message: str) -> list[str]:
    return [line.strip(" -") for line in message.splitlines() if line.startswith("  - ")]


def subnet(d: Deployment) -> Subnet:
    """The one the settings name."""
    for subnets in ec2_backends[ACCOUNT][REGION].subnets.values():
        if SUBNET in subnets:
            found: Subnet = subnets[SUBNET]
            return found
    raise LookupError(SUBNET)


def test_all_is_there_and_nothing_is_told_or_looked_at_twice(d: Deployment) -> None:
    d.world.clock.advance(PASS)

    assert d.subjects == []
    assert [i.error for i in d.world.lambda_logs if i.error] == []
    key = f"runs/{ACCOUNT}/{REGION}/existence.json"
    record = json.loads(d.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert (record["settled"], record["found"]) == (True, [])
    calls = dict(d.world.gate.calls)
    assert calls["ec2:DescribeSubnets"] == 2
    assert calls["iam:GetRole"] == 2
    d.world.clock.advance(4 * PASS)
    for name in ("ec2:DescribeSubnets", "iam:GetRole", "iam:GetPolicy", "sns:GetTopicAttributes"):
        assert d.world.gate.calls[name] == calls[name]


def test_all_that_is_missing_is_in_one_message_before_any_night(d: Deployment) -> None:
    backend = ec2_backends[ACCOUNT][REGION]
    for subnets in backend.subnets.values():
        subnets.pop(SUBNET, None)
    d.world.client("ec2").delete_key_pair(KeyName="night")
    groups = [f"sg-0123456789abcdef{n}" for n in range(3)]
    for held in backend.groups.values():
        for name in groups:
            held.pop(name, None)
    d.change("cluster", master_instance_type="m5.gigantic")
    on_emr = d.engine == "emr"
    if on_emr:
        d.s3.delete_object(Bucket="tools", Key=JAR)
        d.world.client("emr").delete_security_configuration(Name="at-rest")
        d.change("emr", instance_types=["m5.xlarge", "z0.none"])
    d.world.clock.advance(PASS)

    (message,) = told(d)
    place = "emr.subnet_ids" if on_emr else "cluster.subnet_id"
    wanted = [
        f"{place} ({SUBNET}): there is no such subnet in us-east-1. Name a subnet of this ",
        "cluster.key_pair (night): there is no such key pair in us-east-1. Create it, ",
        "cluster.master_instance_type (m5.gigantic): not offered in us-east-1. Take another type",
    ]
    if on_emr:
        wanted += [
            f"emr.jar (s3://tools/{JAR}): there is no such object. Fetch the export tool and ",
            "emr.security_configuration (at-rest): there is no such configuration. Create it in ",
            "emr.instance_types (z0.none): not offered in us-east-1. Take another type",
        ]
    else:
        wanted += [
            f"cluster.{part}_security_group_id ({name}): there is no such security group in "
            for part, name in zip(("master", "core", "service_access"), groups, strict=True)
        ]
    lines = findings(message)
    assert [w for w in wanted if not any(line.startswith(w) for line in lines)] == []
    assert len(lines) == len(wanted)
    assert f"named by the settings, missing or unfit: {len(wanted)}" in message
    assert d.subjects[0].startswith(f"PREFLIGHT: {len(wanted)} unfit: ")
    assert d.world.clock.now() < WINDOW_START


JAR = "emr-dynamodb-tools-5.7.0-jar-with-dependencies.jar"


def test_what_is_put_back_is_told_once(on_emr: Deployment) -> None:
    d = on_emr
    d.s3.delete_object(Bucket="tools", Key=JAR)
    d.world.clock.advance(4 * PASS)
    assert len(told(d)) == 1

    d.s3.put_object(Bucket="tools", Key=JAR, Body=b"PK")
    d.world.clock.advance(4 * PASS)
    assert len(told(d)) == 2
    assert findings(told(d)[1]) == ["nothing is missing any more"]


def test_a_changed_setting_is_looked_at_again(on_emr: Deployment) -> None:
    d = on_emr
    d.world.clock.advance(PASS)
    assert told(d) == []

    d.change("emr", jar="s3://nowhere/emr-dynamodb-tools-5.7.0-jar-with-dependencies.jar")
    d.world.clock.advance(PASS)
    (message,) = told(d)
    # a bucket of others that is not this deployment's to list cannot be told from a missing one
    assert "emr.jar (s3:ListObjectsV2): cannot be looked at. " in message
    assert "Nothing is known to be missing." in message


@pytest.mark.parametrize(
    ("role", "wrong"),
    [("cluster", "instance profile"), ("emr", "role")],
)
def test_a_role_or_profile_somebody_deleted(on_emr: Deployment, role: str, wrong: str) -> None:
    backend = iam_backends[ACCOUNT]["aws"]
    name = role_name(role)
    kept = backend.instance_profiles if role == "cluster" else backend.roles
    for key in [key for key, one in kept.items() if one.name == name]:
        del kept[key]
    on_emr.world.clock.advance(PASS)

    (message,) = told(on_emr)
    assert f"{wrong} ({name}): there is no such {wrong}. " in message
    assert "apply the module again" in message


def test_a_boundary_somebody_deleted(d: Deployment) -> None:
    backend = iam_backends[ACCOUNT]["aws"]
    backend.managed_policies.pop("arn:aws:iam::123456789012:policy/boundary")
    d.world.clock.advance(PASS)

    (message,) = told(d)
    assert (
        "permissions_boundary (arn:aws:iam::123456789012:policy/boundary): there is no such policy"
        in message
    )


def test_a_bucket_of_another_region(d: Deployment) -> None:
    d.redeploy(lambda settings: settings.update(bucket_region="eu-west-1"))
    d.world.clock.advance(PASS)

    (message,) = told(d)
    assert f"backup_bucket.region (eu-west-1): not the region of {BUCKET}. The bucket is in " in (
        message
    )
    assert 'Set backup_bucket.region = "us-east-1"' in message


def test_no_subnet_is_named_and_there_is_no_default_one(on_emr: Deployment) -> None:
    for subnets in ec2_backends[ACCOUNT][REGION].subnets.values():
        for each in subnets.values():
            each.default_for_az = "false"
    on_emr.change("emr", subnet_ids=[])
    on_emr.world.clock.advance(PASS)

    (message,) = told(on_emr)
    assert "emr.subnet_ids (none): us-east-1 has no default subnet. Set emr.subnet_ids to" in (
        message
    )


def test_a_subnet_that_is_short_of_addresses_is_told_once(d: Deployment) -> None:
    subnet(d)._available_ip_addresses = 1
    d.world.clock.advance(4 * PASS)

    (message,) = told(d)
    said = f"({SUBNET}): short of addresses. 1 are free, a cluster takes 21: name a larger"
    assert said in message
    subnet(d)._available_ip_addresses = 200
    d.world.clock.advance(4 * PASS)
    assert len(told(d)) == 1


@pytest.fixture
def on_lambda(plan_of: Callable[[str], Planned]) -> Iterator[Deployment]:
    with deployed(plan_of("lambda"), minutes_before=300) as made:
        yield made


def test_an_account_without_room_for_the_workers_is_told_once(on_lambda: Deployment) -> None:
    d = on_lambda
    d.world.clock.advance(PASS)
    assert told(d) == []
    # a change of quota is no change of settings: seen when these change
    d.world.limits.concurrent_executions = 35
    d.change("exporter", max_workers=9)
    d.world.clock.advance(4 * PASS)

    (message,) = told(d)
    assert (
        "  - exporter.max_workers (9): more than the account has room for. 35 concurrent "
        "invocations are reserved by no function, and a tenth is the backup's: 3 at once. "
    ) in message
    d.change("exporter", max_workers=3)
    d.world.clock.advance(4 * PASS)
    assert [findings(each) for each in told(d)[1:]] == [["nothing is missing any more"]]


def test_the_accounts_room_that_may_not_be_looked_at(on_lambda: Deployment) -> None:
    on_lambda.take_away("monitor", "lambda:GetAccountSettings")
    on_lambda.world.clock.advance(PASS)

    (message,) = told(on_lambda)
    assert "exporter.max_workers (lambda:GetAccountSettings): cannot be looked at. " in message


def test_clusters_that_a_new_account_has_no_vcpus_for(d: Deployment) -> None:
    """A new account has 5; one cluster of 1 + 1 m5.xlarge needs 8."""
    d.world.faults.vcpu_quota = d.world.faults.spot_vcpu_quota = 5
    d.change("planning", max_clusters=3)
    d.world.clock.advance(4 * PASS)

    (message,) = told(d)
    lines = [each for each in findings(message) if "vCPUs" in each]
    # with nodes from spot a second quota
    quotas = ["L-1216C47A", *(["L-34B43A08"] if len(lines) == 2 else [])]
    for line, quota in zip(lines, quotas, strict=True):
        assert line.startswith("planning.max_clusters (3): more than the account has room for. ")
        assert "and the account may have 5 in us-east-1 " in line
        assert f"(quota {quota}): " in line and " clusters. Ask for more" in line
    d.world.faults.vcpu_quota = d.world.faults.spot_vcpu_quota = None
    d.change("planning", max_clusters=2)
    d.world.clock.advance(4 * PASS)
    assert [findings(each) for each in told(d)[1:]] == [["nothing is missing any more"]]


def test_a_type_that_the_subnets_zone_lacks(d: Deployment) -> None:
    zone = copy(subnet(d)._availability_zone)
    zone.name = "us-east-1e"
    subnet(d)._availability_zone = zone
    d.change("cluster", master_instance_type="m7g.xlarge")
    d.world.clock.advance(PASS)

    (message,) = told(d)
    (line,) = [each for each in findings(message) if "m7g.xlarge" in each]
    assert line.startswith(
        "cluster.master_instance_type (m7g.xlarge): not offered in us-east-1e, the zone of "
        f"{SUBNET}. Take another type, or a subnet of another zone"
    )


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ("ec2:DescribeInstanceTypeOfferings", "instance types"),
        ("ec2:DescribeKeyPairs", "cluster.key_pair"),
        ("servicequotas:GetServiceQuota", "planning.max_clusters"),
        ("iam:GetInstanceProfile", "instance profile"),
        ("iam:GetPolicy", f"role {role_name('cluster')}"),
        ("iam:GetRole", f"role {role_name('cluster')}"),
        ("sns:GetTopicAttributes", "the module's topic"),
        ("ec2:DescribeSecurityGroups", "security groups"),
        ("ec2:DescribeSubnets", ""),
        ("elasticmapreduce:DescribeSecurityConfiguration", "emr.security_configuration"),
    ],
)
def test_what_may_not_be_looked_at_is_told_as_that(d: Deployment, action: str, place: str) -> None:
    if action not in d.actions("monitor"):
        pytest.skip("of the other engine")
    d.take_away("monitor", action)
    d.world.clock.advance(3 * PASS)

    (message,) = told(d)
    assert f"{place or 'subnet'}" in message
    assert f"({action}): cannot be looked at. " in message
    assert f"is not authorized to perform: {action} " in message
    assert "there is no such" not in message
    d.give_back_policies()
    d.world.clock.advance(PASS)
    assert findings(told(d)[1]) == ["nothing is missing any more"]


def test_a_call_that_fails_for_a_passing_reason_is_made_again(on_emr: Deployment) -> None:
    d = on_emr
    subnet(d)._available_ip_addresses = 0

    d.refuse("ec2:DescribeSubnets", "InternalError", "an internal error", times=8, status=500)
    d.world.clock.advance(PASS)
    assert told(d) == []
    d.world.clock.advance(4 * PASS)
    assert len(told(d)) == 1
    assert "short of addresses" in told(d)[0]


def test_a_call_that_never_answers_is_given_up_after_an_hour(on_emr: Deployment) -> None:
    on_emr.refuse("ec2:*", "InternalError", "an internal error", status=500)
    on_emr.world.clock.advance(3700)
    calls = on_emr.world.gate.calls["iam:GetRole"]
    on_emr.world.clock.advance(3 * PASS)

    assert calls >= 24
    assert on_emr.world.gate.calls["iam:GetRole"] == calls
    assert on_emr.subjects == []


def test_a_topic_that_is_gone_fails_the_monitor_and_is_in_its_log(on_emr: Deployment) -> None:
    on_emr.world.client("sns").delete_topic(TopicArn=TOPIC)
    on_emr.world.clock.advance(PASS)

    monitors = [i for i in on_emr.world.lambda_logs if "monitor" in i.function]
    assert f"({TOPIC}): there is no such topic" in monitors[0].log
    assert monitors[0].error
