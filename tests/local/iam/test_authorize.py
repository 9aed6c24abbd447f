from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from local.iam import authorize
from local.iam.policy import Decision, conditions_hold, decide, glob
from local.s3 import as_role as role_s3
from local.world import World
from tests.support.aws_world import (
    ACCOUNT,
    allow,
    in_process,
    make_role,
    make_table,
    policy,
    refused,
)


@pytest.fixture
def world() -> Iterator[World]:
    with in_process(enforced=True) as made:
        yield made


def decision(statement: dict[str, Any], action: str, arn: str, **context: Any) -> Decision:
    return decide([{"Statement": statement}], action, arn, context)


# evaluation


def test_actions_match_in_any_case_and_by_glob() -> None:
    statement = allow(["dynamodb:Describe*", "S3:getobject"])
    assert decision(statement, "dynamodb:DescribeTable", "*") is Decision.ALLOW
    assert decision(statement, "s3:GetObject", "*") is Decision.ALLOW
    assert decision(statement, "s3:GetObjectVersion", "*") is Decision.NOTHING


def test_not_action_and_not_resource() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"}
    assert decision(statement, "s3:GetObject", "arn:aws:s3:::open/k") is Decision.ALLOW
    assert decision(statement, "s3:GetObject", "arn:aws:s3:::secret/k") is Decision.NOTHING
    assert decision(statement, "iam:PassRole", "arn:aws:s3:::open/k") is Decision.NOTHING


def test_deny_wins() -> None:
    policies = [
        {"Statement": [allow("s3:*")]},
        {"Statement": {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}},
    ]
    assert decide(policies, "s3:DeleteObject", "*", {}) is Decision.DENY
    assert decide(policies, "s3:GetObject", "*", {}) is Decision.ALLOW


def test_policy_variables() -> None:
    statement = allow("s3:PutObject", "arn:aws:s3:::b/${aws:PrincipalAccount}/*")
    context = {"aws:PrincipalAccount": "111111111111"}
    for account, expected in (("111111111111", Decision.ALLOW), ("2", Decision.NOTHING)):
        arn = f"arn:aws:s3:::b/{account}/k"
        assert decide([{"Statement": statement}], "s3:PutObject", arn, context) is expected


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}, False),
        ({"StringLike": {"K": "a*"}}, {"k": "abc"}, True),
        ({"ArnLike": {"k": "arn:aws:s3:::b*"}}, {"k": "arn:aws:s3:::bucket"}, True),
        ({"Bool": {"k": False}}, {"k": "true"}, False),
        ({"Bool": {"k": "true"}}, {"k": "true"}, True),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "false"}}, {}, False),
        ({"NumericLessThan": {"k": "10"}}, {"k": "9"}, True),
        ({"DateGreaterThan": {"k": "2026-01-01T00:00:00+00:00"}}, {"k": "2026-11-24"}, True),
        ({"ForAnyValue:StringEquals": {"k": "a"}}, {"k": ["a", "b"]}, True),
        ({"ForAllValues:StringEquals": {"k": "a"}}, {"k": ["a", "b"]}, False),
        ({"ForAllValues:StringEquals": {"k": "a"}}, {}, True),
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a"}, False),
    ],
)
def test_conditions(condition: Any, context: Any, holds: bool) -> None:
    assert conditions_hold(condition, context) is holds


def test_unknown_condition_operator_is_named() -> None:
    with pytest.raises(NotImplementedError, match="IpAddress"):
        conditions_hold({"IpAddress": {"k": "10.0.0.0/8"}}, {"k": "10.0.0.1"})


@given(st.text(max_size=20))
def test_glob_takes_every_text_literally_but_for_its_wildcards(text: str) -> None:
    literal = text.replace("*", "").replace("?", "")
    assert glob(literal, literal)
    assert glob(literal + "*", literal + "anything:/\n")
    assert not glob(literal, literal + "x")


# operations of a role

TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table"
PASS = {"StringEquals": {"iam:PassedToService": "datapipeline.amazonaws.com"}}


def definition(field: str) -> list[Any]:
    fields = [{"key": field, "stringValue": "cluster"}]
    return [{"id": "Default", "name": "Default", "fields": fields}]


def pipeline(client: Callable[[str], Any]) -> str:
    made = client("datapipeline").create_pipeline(name="n", uniqueId="u")
    return str(made["pipelineId"])


REFUSED: list[tuple[str, str, Callable[[Callable[[str], Any]], Any]]] = [
    (
        "AccessDeniedException",
        f"is not authorized to perform: dynamodb:DescribeTable on resource: {TABLE}/other",
        lambda c: c("dynamodb").describe_table(TableName="other"),
    ),
    (
        "AccessDeniedException",
        "dynamodb:Scan",
        lambda c: c("dynamodb").scan(TableName="mine"),
    ),
    (
        "AccessDeniedException",
        "the local AWS has no IAM row for it",
        lambda c: c("dynamodb").list_backups(),
    ),
    (
        "AccessDenied",
        "s3:PutObject on resource: arn:aws:s3:::bucket/elsewhere/k",
        lambda c: c("s3").put_object(Bucket="bucket", Key="elsewhere/k"),
    ),
    (
        "AccessDenied",
        "s3:ListBucket",
        lambda c: c("s3").list_objects_v2(Bucket="bucket", Prefix="elsewhere/"),
    ),
    (
        "AccessDenied",
        "s3:ListBucket",
        lambda c: c("s3").get_object(Bucket="bucket", Key="runs/missing"),
    ),
    (
        "AccessDenied",
        "s3:DeleteObject on resource: arn:aws:s3:::bucket/a&b",
        lambda c: c("s3").delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "a&b"}]}),
    ),
    (
        "AccessDenied",
        "cloudwatch:PutMetricData",
        lambda c: c("cloudwatch").put_metric_data(
            Namespace="Other", MetricData=[{"MetricName": "m", "Value": 1}]
        ),
    ),
    (
        "AuthorizationError",
        "sns:Publish",
        lambda c: c("sns").publish(TopicArn=f"arn:aws:sns:us-east-1:{ACCOUNT}:topic", Message="m"),
    ),
    (
        "AccessDeniedException",
        "application-autoscaling:RegisterScalableTarget on resource: arn:aws:application-autosc",
        lambda c: c("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId="service/c/s",
            ScalableDimension="ecs:service:DesiredCount",
        ),
    ),
    (
        "AccessDeniedException",
        f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/cluster",
        lambda c: c("datapipeline").put_pipeline_definition(
            pipelineId=pipeline(c), pipelineObjects=definition("resourceRole")
        ),
    ),
    (
        "AccessDeniedException",
        "elasticmapreduce:TerminateJobFlows on resource: "
        f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:cluster/j-1",
        lambda c: c("emr").terminate_job_flows(JobFlowIds=["j-1"]),
    ),
    (
        "AccessDeniedException",
        f"lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:{ACCOUNT}:function:f",
        lambda c: c("lambda").invoke(FunctionName="f"),
    ),
]


@pytest.fixture
def as_role(world: World) -> Callable[[str], Any]:
    role = make_role(
        world,
        "role",
        allow("dynamodb:DescribeTable", f"{TABLE}/mine"),
        allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::bucket/runs/*"),
        allow(
            "cloudwatch:PutMetricData",
            condition={"StringEquals": {"cloudwatch:namespace": "Hippolyte"}},
        ),
        allow(
            "application-autoscaling:RegisterScalableTarget",
            f"arn:aws:application-autoscaling:us-east-1:{ACCOUNT}:scalable-target/*",
            {"StringEquals": {"application-autoscaling:service-namespace": "dynamodb"}},
        ),
        allow("datapipeline:*"),
        allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/cluster", PASS),
    )
    for name in ("mine", "other"):
        make_table(world, name)
    world.client("s3").create_bucket(Bucket="bucket")
    world.client("sns").create_topic(Name="topic")
    return lambda service: world.client(service, role_arn=role)


@pytest.mark.parametrize(
    ("code", "text", "call"), REFUSED, ids=[text[:40] for _, text, _ in REFUSED]
)
def test_role_is_refused(
    as_role: Callable[[str], Any], code: str, text: str, call: Callable[..., Any]
) -> None:
    with refused(code, text):
        call(as_role)


def test_role_may_what_its_policies_allow(as_role: Callable[[str], Any], world: World) -> None:
    as_role("dynamodb").describe_table(TableName="mine")
    as_role("s3").put_object(Bucket="bucket", Key="runs/k", Body=b"x")
    as_role("s3").get_object(Bucket="bucket", Key="runs/k")
    as_role("cloudwatch").put_metric_data(
        Namespace="Hippolyte", MetricData=[{"MetricName": "m", "Value": 1}]
    )
    as_role("application-autoscaling").register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/mine",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        MinCapacity=1,
        MaxCapacity=9,
    )
    identity = as_role("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/role/local"


def test_a_role_is_passed_by_its_arn_with_its_path(world: World) -> None:
    iam = world.client("iam")
    trust = {"Version": "2012-10-17", "Statement": []}
    iam.create_role(Path="/teams/data/", RoleName="emr", AssumeRolePolicyDocument=json.dumps(trust))
    passed = "arn:aws:iam::123456789012:role"
    make_role(world, "passes", allow("iam:PassRole", f"{passed}/teams/data/emr"))
    make_role(world, "guesses", allow("iam:PassRole", f"{passed}/emr"))
    for role, may in (("passes", True), ("guesses", False)):
        assert authorize.allowed(world, ACCOUNT, role, "iam:PassRole", f"{passed}/emr") is may


def test_refusal_in_the_words_of_aws(as_role: Callable[[str], Any]) -> None:
    with refused(
        "AccessDeniedException",
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/role/local is not authorized to perform: "
        f"dynamodb:Scan on resource: {TABLE}/mine because no identity-based policy allows the "
        "dynamodb:Scan action",
    ):
        as_role("dynamodb").scan(TableName="mine")


def test_managed_policies_count(world: World) -> None:
    role = make_role(world, "role")
    client = world.client("iam")
    arn = client.create_policy(
        PolicyName="lists", PolicyDocument=policy(allow("dynamodb:ListTables"))
    )["Policy"]["Arn"]
    client.attach_role_policy(RoleName="role", PolicyArn=arn)
    world.client("dynamodb", role_arn=role).list_tables()
    assert list(authorize.actions_of(world, ACCOUNT, role)) == ["dynamodb:ListTables"]


def test_table_with_a_customers_key_needs_the_key(world: World) -> None:
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    make_table(
        world, "secret", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    )
    condition = {"StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}}
    without = make_role(world, "without", allow("dynamodb:Scan"))
    having = make_role(
        world, "with", allow("dynamodb:Scan"), allow("kms:Decrypt", condition=condition)
    )
    with refused("AccessDeniedException", f"kms:Decrypt on resource: {key}"):
        world.client("dynamodb", role_arn=without).scan(TableName="secret")
    world.client("dynamodb", role_arn=having).scan(TableName="secret")


def test_a_table_that_is_made_with_tags_needs_the_right_to_tag(world: World) -> None:
    """API CreateTable, "Tags"."""
    role = make_role(world, "maker", allow("dynamodb:CreateTable"))
    dynamodb = world.client("dynamodb", role_arn=role)
    asked: Any = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    dynamodb.create_table(TableName="plain", **asked)
    tags = [{"Key": "team", "Value": "x"}]
    with refused("AccessDeniedException", "dynamodb:TagResource"):
        dynamodb.create_table(TableName="tagged", Tags=tags, **asked)
    assert world.client("dynamodb").list_tables()["TableNames"] == ["plain"]


def test_bucket_with_a_key_and_topic_with_a_key(world: World) -> None:
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    world.client("s3").create_bucket(Bucket="bucket")
    world.client("s3").put_bucket_encryption(
        Bucket="bucket",
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": key,
                    }
                }
            ]
        },
    )
    topic = world.client("sns").create_topic(Name="t", Attributes={"KmsMasterKeyId": key})
    role = make_role(world, "role", allow("s3:*"), allow("sns:Publish"))
    with refused("AccessDenied", "kms:GenerateDataKey"):
        world.client("s3", role_arn=role).put_object(Bucket="bucket", Key="k")
    with refused("AuthorizationError", "kms:"):
        world.client("sns", role_arn=role).publish(TopicArn=topic["TopicArn"], Message="m")
    nodes = role_s3.RoleS3(world, ACCOUNT, "aws", "role")
    with pytest.raises(role_s3.Denied, match="may not kms:GenerateDataKey"):
        nodes.put("bucket", "k", b"")


def test_a_key_is_used_through_s3_in_the_buckets_region(world: World) -> None:
    ireland = world.client("s3", "eu-west-1")
    key = world.client("kms", "eu-west-1").create_key()["KeyMetadata"]["Arn"]
    place = {"LocationConstraint": "eu-west-1"}
    ireland.create_bucket(Bucket="bucket", CreateBucketConfiguration=place)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    ireland.put_bucket_encryption(
        Bucket="bucket",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )
    for region, expected in (("eu-west-1", True), ("us-east-1", False)):
        through = {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}}
        role = make_role(world, region, allow("s3:*"), allow("kms:*", condition=through))
        nodes = role_s3.RoleS3(world, ACCOUNT, "aws", region)
        if expected:
            # whatever region the caller is in
            world.client("s3", "us-east-1", role).put_object(Bucket="bucket", Key="k")
            nodes.put("bucket", "k", b"")
        else:
            with refused("AccessDenied", "kms:GenerateDataKey"):
                world.client("s3", "us-east-1", role).put_object(Bucket="bucket", Key="k")
            with pytest.raises(role_s3.Denied):
                nodes.put("bucket", "k", b"")


def test_bucket_policies_and_accounts(world: World) -> None:
    world.client("s3").create_bucket(Bucket="bucket")
    other = "arn:aws:iam::111111111111:role/writer"
    world.client("s3").put_bucket_policy(
        Bucket="bucket",
        Policy=policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::bucket/111111111111/*",
            },
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:DeleteObject",
                "Resource": "arn:aws:s3:::bucket/*",
            },
        ),
    )
    with world.as_role("arn:aws:iam::111111111111:role/deployer"):
        foreign = world._make_client("iam", world.region, "arn:aws:iam::111111111111:role/deployer")
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"})
        foreign.create_role(RoleName="writer", AssumeRolePolicyDocument=trust)
        foreign.put_role_policy(
            RoleName="writer",
            PolicyName="p",
            PolicyDocument=policy(allow(["s3:PutObject", "s3:GetObject"])),
        )
    writer = world.client("s3", role_arn=other)
    writer.put_object(Bucket="bucket", Key="111111111111/k", Body=b"x")
    with refused("AccessDenied", "no resource-based policy allows the s3:PutObject"):
        writer.put_object(Bucket="bucket", Key="222222222222/k")
    with refused("AccessDenied", "no resource-based policy allows the s3:GetObject"):
        writer.get_object(Bucket="bucket", Key="111111111111/k")
    with refused("AccessDenied", "no identity-based policy allows the s3:ListBucket"):
        writer.list_objects_v2(Bucket="bucket")
    own = make_role(world, "own", allow("s3:*"))
    with refused("AccessDenied", "explicit deny in a resource-based policy"):
        world.client("s3", role_arn=own).delete_object(Bucket="bucket", Key="k")
    assert authorize.allowed(
        world, "111111111111", "writer", "s3:PutObject", "arn:aws:s3:::bucket/k"
    ) is (False)


def test_a_buckets_policy_denies_the_deployer_too(world: World) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="kept")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteBucketPolicy",
        "Resource": "arn:aws:s3:::kept",
    }
    s3.put_bucket_policy(Bucket="kept", Policy=policy(deny))
    with refused(
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:user/deployer is not authorized to perform: "
        "s3:DeleteBucketPolicy on resource: arn:aws:s3:::kept with an explicit deny in a "
        "resource-based policy",
    ):
        s3.delete_bucket_policy(Bucket="kept")
    # it may be written over, so it locks nobody out
    s3.put_bucket_policy(Bucket="kept", Policy=policy({**deny, "Action": "s3:DeleteObject"}))
    s3.delete_bucket_policy(Bucket="kept")


def test_allowed_for_roles_of_services(world: World) -> None:
    make_role(world, "cluster", allow("dynamodb:Scan", f"{TABLE}/*"), service="ec2")
    assert authorize.allowed(world, ACCOUNT, "cluster", "dynamodb:Scan", f"{TABLE}/t")
    assert not authorize.allowed(world, ACCOUNT, "cluster", "dynamodb:PutItem", f"{TABLE}/t")
    assert not authorize.allowed(world, ACCOUNT, "missing", "dynamodb:Scan", f"{TABLE}/t")
    assert authorize.trusts(ACCOUNT, "cluster", "ec2.amazonaws.com")
    assert not authorize.trusts(ACCOUNT, "cluster", "lambda.amazonaws.com")


def test_test_denies_even_the_deployer(world: World) -> None:
    make_table(world, "tbl")
    world.deny("dynamodb:DescribeTable", "*:table/tbl")
    with refused("AccessDeniedException", "explicit deny"):
        world.client("dynamodb").describe_table(TableName="tbl")
    world.client("dynamodb").list_tables()


def test_not_enforced_in_process_by_default() -> None:
    with in_process(enforced=False) as world:
        role = make_role(world, "role")
        world.client("dynamodb", role_arn=role).list_tables()


def test_a_machines_role_may_ask_on_whose_behalf(world: World) -> None:
    """Step Functions says so when a machine is made, in its own region."""
    region = "eu-central-1"
    source = f"arn:aws:states:{region}:{ACCOUNT}:stateMachine:*"
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "states.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": source},
        },
    }
    iam = world.client("iam")
    iam.create_role(RoleName="machine", AssumeRolePolicyDocument=policy(trust))
    made = {
        "name": "one",
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/machine",
        "definition": json.dumps({"StartAt": "Over", "States": {"Over": {"Type": "Succeed"}}}),
    }

    world.client("stepfunctions", region).create_state_machine(**made)
    elsewhere = world.client("stepfunctions", "us-east-1")
    with pytest.raises(ClientError, match="is authorized to assume the provided role"):
        elsewhere.create_state_machine(**made)
