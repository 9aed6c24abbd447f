"""The module in several shapes, in one plan: what each role may do, schedules, switches.

The plan holds the policies as the provider renders them; only the statements that name the topic's
key wait for it to exist (test_minimal looks at those).
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from hippolyte.settings import Exporter, Prices, parse
from local.iam.policy import Decision, decide
from local.iam.policy import parse as parsed_policy
from local.world import World
from tests.support.kept import planned_text
from tools.tf import REPOSITORY, Terraform, TerraformError, environment

pytestmark = pytest.mark.terraform

ACCOUNT = "123456789012"
LAMBDA_ROLES = ("scheduler", "monitor", "schedules", "exporter", "machine")
ROLES = (*LAMBDA_ROLES, "pipeline", "cluster")
EMR_ROLES = (*LAMBDA_ROLES, "emr", "cluster", "guard")
MODULES = {
    **dict.fromkeys(("plain", "strict", "quiet", "frankfurt"), ROLES),
    **dict.fromkeys(("emr", "private", "guarded"), EMR_ROLES),
    **dict.fromkeys(("scan", "crowded"), LAMBDA_ROLES),
}
EVERY_ROLE = [(module, role) for module, roles in MODULES.items() for role in roles]

# Actions whose service knows no ARN for them, by the Service Authorization Reference
WITHOUT_ARN = (
    "application-autoscaling:Describe*",
    "cloudwatch:GetMetricStatistics",
    "cloudwatch:PutMetricData",
    "datapipeline:CreatePipeline",
    "datapipeline:PollForTask",
    "datapipeline:ReportTaskProgress",
    "datapipeline:ReportTaskRunnerHeartbeat",
    "datapipeline:SetTaskStatus",
    "dynamodb:DescribeLimits",
    "dynamodb:ListGlobalTables",
    "dynamodb:ListImports",
    "dynamodb:ListTables",
    "ec2:Describe*",
    # Lambda asks for these before there is an interface (AWSLambdaVPCAccessExecutionRole)
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
    "elasticmapreduce:DescribeJobFlows",
    "elasticmapreduce:DescribeSecurityConfiguration",
    "elasticmapreduce:ListClusters",
    "elasticmapreduce:RunJobFlow",
    "lambda:GetAccountSettings",
    # "*" in the Developer Guide's policy for imports, though it knows log groups
    "logs:DescribeLogGroups",
    "tag:GetResources",
)
# whether what the inputs name is there, which the monitor alone looks at
LOOKED_FOR = {
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeSubnets",
    "iam:GetInstanceProfile",
    "iam:GetRole",
    "servicequotas:GetServiceQuota",
    "sns:GetTopicAttributes",
}


# the modules whose inputs exclude tables by name
HAVE_EXCLUDED = {("scan", "exporter"), ("crowded", "exporter")}


@pytest.fixture(scope="module")
def planned(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the plan of all shapes."""
    root = REPOSITORY / "tests" / "terraform" / "roots" / "variants"
    terraform = Terraform(
        root, tmp_path_factory.mktemp("variants"), environment(world.endpoint_url)
    )
    terraform.init()
    return terraform.plan_json()


@pytest.fixture(scope="module")
def resources(planned: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the planned values by module and address."""
    return {
        module["address"].removeprefix("module."): {
            resource["address"].removeprefix(f"{module['address']}."): resource["values"]
            for resource in module["resources"]
        }
        for module in planned["planned_values"]["root_module"]["child_modules"]
    }


def statements(resources: dict[str, Any], module: str, role: str) -> dict[str, dict[str, Any]]:
    text = resources[module][f'aws_iam_role_policy.this["{role}"]']["policy"]
    return {statement["Sid"]: statement for statement in json.loads(text)["Statement"]}


def trusts(resources: dict[str, Any], module: str, role: str) -> dict[str, dict[str, Any]]:
    text = resources[module][f'aws_iam_role.this["{role}"]']["assume_role_policy"]
    found = json.loads(text)["Statement"]
    return {s["Principal"]["Service"]: s.get("Condition", {}) for s in found}


def many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


# what the roles may do


@pytest.mark.parametrize(("module", "role"), EVERY_ROLE)
def test_no_action_is_a_wildcard_and_every_statement_allows(
    resources: dict[str, Any], module: str, role: str
) -> None:
    for sid, statement in statements(resources, module, role).items():
        assert statement["Effect"] == ("Deny" if sid == "ExcludedStayUnread" else "Allow")
        assert not any("*" in action for action in many(statement["Action"]))


@pytest.mark.parametrize(
    ("module", "role"),
    [pair for pair in EVERY_ROLE if pair[0] in ("strict", "emr", "private", "scan", "crowded")],
)
def test_no_resource_is_a_wildcard_where_the_service_knows_an_arn(
    resources: dict[str, Any], module: str, role: str
) -> None:
    for sid, statement in statements(resources, module, role).items():
        if "*" in many(statement["Resource"]):
            for action in many(statement["Action"]):
                assert any(fnmatchcase(action, glob) for glob in WITHOUT_ARN), f"{sid}: {action}"


@pytest.mark.parametrize("role", ["scheduler", "monitor", "pipeline", "cluster"])
def test_unless_strict_only_data_pipeline_is_given_wildcards(
    resources: dict[str, Any], role: str
) -> None:
    for sid, statement in statements(resources, "plain", role).items():
        if "*" in many(statement["Resource"]):
            for action in many(statement["Action"]):
                known = any(fnmatchcase(action, glob) for glob in WITHOUT_ARN)
                assert known or action.startswith("datapipeline:"), f"{sid}: {action}"


@pytest.mark.parametrize(("module", "role"), EVERY_ROLE)
def test_policy_is_within_the_service_limit(
    resources: dict[str, Any], module: str, role: str
) -> None:
    """A role's inline policies have 10,240 characters together; the topic's takes under 700."""
    text = resources[module][f'aws_iam_role_policy.this["{role}"]']["policy"]
    alone = f'aws_iam_role_policy.tell_people["{role}"]' not in resources[module]
    assert len("".join(text.split())) < (10_240 if alone else 9_500)


@pytest.mark.parametrize("role", ["scheduler", "monitor", "pipeline"])
def test_roles_are_passed_to_the_clusters_services_only(
    resources: dict[str, Any], role: str
) -> None:
    (statement,) = [
        s for s in statements(resources, "plain", role).values() if s["Action"] == "iam:PassRole"
    ]
    services = statement["Condition"]["StringEquals"]["iam:PassedToService"]

    assert sorted(statement["Resource"]) == [
        f"arn:aws:iam::{ACCOUNT}:role/hippolyte-us-east-1-{name}"
        for name in ("cluster", "pipeline")
    ]
    assert set(services) <= {
        "datapipeline.amazonaws.com",
        "elasticmapreduce.amazonaws.com",
        "ec2.amazonaws.com",
    }


def test_actions_of_the_functions(resources: dict[str, Any]) -> None:
    """Exactly what the code calls; the topic's two statements are in a policy of their own."""
    scheduler, monitor = (
        {a for s in statements(resources, "plain", role).values() for a in many(s["Action"])}
        for role in ("scheduler", "monitor")
    )

    assert scheduler - monitor == {
        "dynamodb:DescribeLimits",
        "dynamodb:ListGlobalTables",
        "dynamodb:ListTables",
    }
    assert monitor - scheduler == LOOKED_FOR
    assert monitor == {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "application-autoscaling:RegisterScalableTarget",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:PutMetricData",
        "datapipeline:ActivatePipeline",
        "datapipeline:AddTags",
        "datapipeline:CreatePipeline",
        "datapipeline:DeactivatePipeline",
        "datapipeline:DeletePipeline",
        "datapipeline:DescribeObjects",
        "datapipeline:DescribePipelines",
        "datapipeline:PutPipelineDefinition",
        "datapipeline:QueryObjects",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeContributorInsights",
        "dynamodb:DescribeKinesisStreamingDestination",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:GetResourcePolicy",
        "dynamodb:ListTagsOfResource",
        "dynamodb:Scan",
        "dynamodb:UpdateTable",
        *LOOKED_FOR,
        "elasticmapreduce:DescribeCluster",
        "elasticmapreduce:ListSteps",
        "elasticmapreduce:TerminateJobFlows",
        "iam:PassRole",
        "kms:Decrypt",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sns:ListSubscriptionsByTopic",
        "sqs:SendMessage",
        "ssm:GetParameter",
        "ssm:GetParametersByPath",
        "ssm:PutParameter",
        "states:DescribeExecution",
        "states:StartExecution",
        "states:StopExecution",
    }


def test_tags_are_read_by_the_scheduler_and_only_for_rules_over_tags(
    resources: dict[str, Any],
) -> None:
    assert statements(resources, "strict", "scheduler")["ReadTablesTags"] == {
        "Sid": "ReadTablesTags",
        "Effect": "Allow",
        "Action": "tag:GetResources",
        "Resource": "*",
    }
    for module, role in (("strict", "monitor"), ("plain", "scheduler")):
        assert "ReadTablesTags" not in statements(resources, module, role)


def test_conditions_of_the_functions(resources: dict[str, Any]) -> None:
    for role in ("scheduler", "monitor"):
        found = statements(resources, "plain", role)
        assert found["SuspendScaleIn"]["Condition"]["StringEquals"] == {
            "application-autoscaling:service-namespace": "dynamodb"
        }
        assert found["WriteMetrics"]["Condition"]["StringEquals"] == {
            "cloudwatch:namespace": "Hippolyte"
        }
        assert found["ReadEncryptedTables"]["Condition"]["StringEquals"] == {
            "kms:ViaService": "dynamodb.us-east-1.amazonaws.com"
        }
        assert found["WriteOwnLog"]["Resource"] == (
            f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/hippolyte-{role}:*"
        )


def test_nights_are_told_on_the_central_topic_alone(resources: dict[str, Any]) -> None:
    found = {
        statement["Sid"]: statement
        for function in ("scheduler", "monitor")
        for statement in json.loads(
            resources["quiet"][f'aws_iam_role_policy.tell_people["{function}"]']["policy"]
        )["Statement"]
    }
    key = "arn:aws:kms:eu-west-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab"

    assert found["TellPeople"]["Resource"] == "arn:aws:sns:eu-west-1:210987654321:nights"
    assert found["EncryptMessages"]["Resource"] == key
    assert found["EncryptMessages"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}
    }
    assert settings(resources, "quiet")["topic_arn"] == found["TellPeople"]["Resource"]


# with those of what is kept longer, also while nothing is: a night planned before goes on
BACKUPS = ("backups-monthly", "backups-weekly", "backups")


def test_instances_write_backups_and_logs_of_their_account_and_region_only(
    resources: dict[str, Any],
) -> None:
    found = statements(resources, "quiet", "cluster")
    place = f"arn:aws:s3:::central-backups/dynamodb/prod/{{}}/{ACCOUNT}/us-east-1/*"
    writes = [s for s in found.values() if "s3:PutObject" in many(s["Action"])]
    deletes = [s for s in found.values() if "s3:DeleteObject" in many(s["Action"])]

    assert sorted(arn for s in writes for arn in many(s["Resource"])) == [
        "arn:aws:s3:::central-backups/*_$folder$",
        *(place.format(part) for part in BACKUPS),
        place.format("logs"),
    ]
    assert sorted(arn for s in deletes for arn in many(s["Resource"])) == sorted(
        f"{place.format(part)}{what}" for part in BACKUPS for what in ("/_temporary/*", "_$folder$")
    )
    assert found["EncryptBackups"]["Resource"].endswith("key/1234abcd-12ab-34cd-56ef-1234567890ab")
    assert "EncryptBackups" not in statements(resources, "plain", "cluster")
    reads = {a for s in found.values() for a in many(s["Action"]) if a.startswith("dynamodb:")}
    assert reads == {"dynamodb:DescribeTable", "dynamodb:Scan"}


# with EMR


def test_each_engine_has_its_own_role(resources: dict[str, Any]) -> None:
    for module, roles in MODULES.items():
        made = {name for name in resources[module] if name.startswith("aws_iam_role.this")}
        assert made == {f'aws_iam_role.this["{role}"]' for role in roles}
        attached = [name for name in resources[module] if "policy_attachment" in name]
        assert not attached, "no managed policy"


def test_actions_of_the_functions_with_emr(resources: dict[str, Any]) -> None:
    """The same as with Data Pipeline, but for the engine's calls."""
    for role in ("scheduler", "monitor"):
        ours, theirs = (
            {a for s in statements(resources, module, role).values() for a in many(s["Action"])}
            for module in ("emr", "plain")
        )
        assert theirs - ours == {action for action in theirs if action.startswith("datapipeline:")}
        assert ours - theirs == {
            "elasticmapreduce:AddJobFlowSteps",
            "elasticmapreduce:AddTags",
            "elasticmapreduce:ListClusters",
            "elasticmapreduce:PutAutoTerminationPolicy",
            "elasticmapreduce:RunJobFlow",
            "iam:CreateServiceLinkedRole",
            "scheduler:CreateSchedule",
        }


def test_the_monitor_looks_at_what_is_named_and_nothing_else(resources: dict[str, Any]) -> None:
    found = statements(resources, "private", "monitor")
    role = f"arn:aws:iam::{ACCOUNT}:role/private-us-east-1"
    jar = "hadoop/emr-dynamodb-tools-5.6.0-jar-with-dependencies.jar"

    assert sorted(found["LookForRoles"]["Resource"]) == [f"{role}-cluster", f"{role}-emr"]
    assert found["LookForTheProfile"]["Resource"] == (
        f"arn:aws:iam::{ACCOUNT}:instance-profile/private-us-east-1-cluster"
    )
    assert found["LookForTopics"]["Resource"] == f"arn:aws:sns:us-east-1:{ACCOUNT}:private"
    assert found["LookForTheExportTool"]["Resource"] == f"arn:aws:s3:::tools/{jar}"
    assert found["FindTheExportTool"]["Resource"] == "arn:aws:s3:::tools"
    assert found["FindTheExportTool"]["Condition"] == {"StringEquals": {"s3:prefix": jar}}
    assert sorted(found["LookForWhatClustersNeed"]["Action"]) == [
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "elasticmapreduce:DescribeSecurityConfiguration",
    ]
    assert "LookForTheBoundary" not in found
    assert statements(resources, "strict", "monitor")["LookForTheBoundary"]["Resource"] == (
        f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    )


def test_clusters_of_either_engine_can_be_ended(resources: dict[str, Any]) -> None:
    for module in MODULES:
        found = statements(resources, module, "monitor")["SeeClustersEnd"]
        assert "elasticmapreduce:TerminateJobFlows" in found["Action"]
        assert found["Resource"].endswith(f":{ACCOUNT}:cluster/*")


def test_the_functions_pass_emr_its_two_roles_only(resources: dict[str, Any]) -> None:
    found = statements(resources, "private", "monitor")["PassTheClustersRoles"]

    assert sorted(found["Resource"]) == [
        f"arn:aws:iam::{ACCOUNT}:role/private-us-east-1-{name}" for name in ("cluster", "emr")
    ]
    assert sorted(found["Condition"]["StringEquals"]["iam:PassedToService"]) == [
        "ec2.amazonaws.com",
        "elasticmapreduce.amazonaws.com",
    ]


def test_the_guard_ends_clusters_of_its_deployment_and_does_nothing_else(
    resources: dict[str, Any],
) -> None:
    group = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/private"
    assert trusts(resources, "private", "guard") == {
        "scheduler.amazonaws.com": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": group},
        }
    }
    found = statements(resources, "private", "guard")
    queue = resources["private"]["aws_sqs_queue.lost"]["name"]
    assert found.pop("KeepWhatCannotBeEnded") == {
        "Sid": "KeepWhatCannotBeEnded",
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}",
    }
    (statement,) = found.values()
    assert statement == {
        "Sid": "EndOwnClusters",
        "Effect": "Allow",
        "Action": "elasticmapreduce:TerminateJobFlows",
        "Resource": f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:cluster/*",
        "Condition": {
            "StringEquals": {"elasticmapreduce:ResourceTag/hippolyte:deployment": "private"}
        },
    }


def test_the_functions_make_guards_of_clusters_and_pass_them_their_role(
    resources: dict[str, Any],
) -> None:
    for role in ("scheduler", "monitor"):
        found = statements(resources, "private", role)
        assert found["GuardClusters"]["Action"] == "scheduler:CreateSchedule"
        assert found["GuardClusters"]["Resource"] == (
            f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/private/cluster-*"
        )
        passed = found["PassTheGuardsRole"]
        assert passed["Action"] == "iam:PassRole"
        assert passed["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/private-us-east-1-guard"
        assert passed["Condition"] == {
            "StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}
        }
    for module in ("plain", "scan"):
        assert "GuardClusters" not in statements(resources, module, "monitor")


def test_emr_makes_its_endpoint_in_a_tagged_network_only(resources: dict[str, Any]) -> None:
    found, key = statements(resources, "private", "emr"), TAGS["AWSs"]
    here = f"arn:aws:ec2:us-east-1:{ACCOUNT}"
    network = found["UseEndpointInTaggedNetwork"]

    assert network["Condition"] == {"StringEquals": {f"aws:ResourceTag/{key}": "true"}}
    assert f"{here}:vpc/*" in network["Resource"]
    assert "arn:aws:ec2:us-east-1:*:subnet/subnet-0123456789abcdef0" in network["Resource"]
    assert found["CreateEndpoint"]["Resource"] == f"{here}:vpc-endpoint/*"
    assert found["CreateEndpoint"]["Condition"] == {
        "StringEquals": {
            f"aws:RequestTag/{key}": "true",
            "aws:RequestTag/Name": "emr-service-vpce",
        }
    }
    assert found["TagEndpoint"]["Condition"]["StringEquals"]["ec2:CreateAction"] == (
        "CreateVpcEndpoint"
    )
    endpoint = {"UseEndpointInTaggedNetwork", "CreateEndpoint"}
    assert endpoint == {sid for sid, s in found.items() if "VpcEndpoint" in str(s["Action"])} - {
        "LookAtNetwork"
    }


def test_the_script_is_written_by_the_functions_and_read_by_the_nodes(
    resources: dict[str, Any],
) -> None:
    scripts = f"arn:aws:s3:::central-backups/dynamodb/emr/scripts/{ACCOUNT}/us-east-1/*"

    for role in ("scheduler", "monitor"):
        found = statements(resources, "private", role)["WriteTheClustersScript"]
        assert found["Resource"] == scripts
        assert sorted(found["Action"]) == ["s3:GetObject", "s3:PutObject"]
    assert statements(resources, "private", "cluster")["FetchScript"] == {
        "Sid": "FetchScript",
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": scripts,
    }


def test_nodes_of_emr_read_the_jar_and_know_no_data_pipeline(resources: dict[str, Any]) -> None:
    found = statements(resources, "private", "cluster")
    actions = {a for s in found.values() for a in many(s["Action"])}

    assert not any(a.startswith(("datapipeline:", "elasticmapreduce:")) for a in actions)
    assert sorted(found["FetchTools"]["Resource"]) == [
        "arn:aws:s3:::tools/hadoop/emr-dynamodb-tools-5.6.0-jar-with-dependencies.jar",
        "arn:aws:s3:::us-east-1.elasticmapreduce/*",
    ]
    assert found["DecryptExportTool"]["Resource"].endswith("1234abcd-12ab-34cd-56ef-1234567890ac")
    assert "DecryptExportTool" not in statements(resources, "emr", "cluster")
    assert {a for a in actions if a.startswith("dynamodb:")} == {
        "dynamodb:DescribeTable",
        "dynamodb:Scan",
    }


TAGS = {"Ours": "hippolyte:deployment", "AWSs": "for-use-with-amazon-emr-managed-policies"}


@pytest.mark.parametrize("whose", TAGS)
def test_emr_makes_and_ends_what_is_tagged(resources: dict[str, Any], whose: str) -> None:
    for module in ("emr", "private"):
        found = statements(resources, module, "emr")
        value = module if whose == "Ours" else "true"
        for sid, kind in {"CreateTaggedAs": "Request", "ManageTaggedAs": "Resource"}.items():
            assert found[f"{sid}{whose}"]["Condition"] == {
                "StringEquals": {f"aws:{kind}Tag/{TAGS[whose]}": value}
            }
        for sid, statement in found.items():
            if "ec2:TerminateInstances" in many(statement["Action"]):
                assert sid in {f"ManageTaggedAs{name}" for name in TAGS}
                assert all(f":{ACCOUNT}:" in arn for arn in statement["Resource"])


def test_emr_uses_the_network_that_is_given(resources: dict[str, Any]) -> None:
    found = statements(resources, "private", "emr")
    ec2 = "arn:aws:ec2:us-east-1"
    groups = [f"{ec2}:*:security-group/sg-0123456789abcdef{n}" for n in range(3)]
    subnets = [f"{ec2}:*:subnet/subnet-0123456789abcdef{n}" for n in range(2)]

    assert sorted(found["CreateInNetwork"]["Resource"]) == groups + subnets
    assert sorted(found["OpenGivenGroups"]["Resource"]) == groups
    assert not any("CreateSecurityGroup" in str(s["Action"]) for s in found.values())
    assert "FirstSpotInstanceOfTheAccount" in found


def test_else_emr_makes_its_own_groups(resources: dict[str, Any]) -> None:
    found = statements(resources, "emr", "emr")

    assert "FirstSpotInstanceOfTheAccount" not in found
    assert "OpenGivenGroups" not in found
    for whose, tag in TAGS.items():
        value = "emr" if whose == "Ours" else "true"
        opens, creates = found[f"OpenGroupsTaggedAs{whose}"], found[f"CreateGroupsTaggedAs{whose}"]
        assert opens["Condition"] == {"StringEquals": {f"aws:ResourceTag/{tag}": value}}
        assert creates["Condition"] == {"StringEquals": {f"aws:RequestTag/{tag}": value}}


def test_trust_of_emr(resources: dict[str, Any]) -> None:
    assert trusts(resources, "private", "emr") == {
        "elasticmapreduce.amazonaws.com": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:*"},
        }
    }
    assert trusts(resources, "private", "cluster") == {"ec2.amazonaws.com": {}}


def test_settings_of_emr(resources: dict[str, Any]) -> None:
    private, plain = settings(resources, "private"), settings(resources, "emr")

    assert private["engine"] == "emr"
    assert private["emr"] == {
        "jar": "s3://tools/hadoop/emr-dynamodb-tools-5.6.0-jar-with-dependencies.jar",
        "service_role": "private-us-east-1-emr",
        "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "spot": True,
        "security_configuration": "at-rest",
        "instance_types": ["m5.xlarge", "m5a.xlarge"],
        "guard_role": f"arn:aws:iam::{ACCOUNT}:role/private-us-east-1-guard",
    }
    assert (private["pipeline_region"], private["pipeline_role"]) == ("us-east-1", "")
    assert private["cluster_role"] == "private-us-east-1-cluster"
    assert private["cluster"]["release_label"] == "emr-7.5.0"
    assert private["cluster"]["master_security_group_id"] == "sg-0123456789abcdef0"
    assert plain["region"] == plain["pipeline_region"] == "eu-central-1"
    assert plain["cluster"]["release_label"] == "emr-7.13.0"
    assert plain["emr"] == {
        "jar": "s3://tools/emr-dynamodb-tools-6.0.0-jar-with-dependencies.jar",
        "service_role": "emr-eu-central-1-emr",
        "subnet_ids": [],
        "spot": False,
        "security_configuration": None,
        "instance_types": [],
        "guard_role": f"arn:aws:iam::{ACCOUNT}:role/emr-eu-central-1-guard",
    }


def test_settings_of_data_pipeline(resources: dict[str, Any]) -> None:
    plain = settings(resources, "plain")

    assert plain["engine"] == "datapipeline"
    assert "emr" not in plain
    assert plain["pipeline_role"] == "hippolyte-us-east-1-pipeline"
    assert plain["cluster"]["release_label"] == "emr-5.27.1"


# with the exporter

FRANKFURT = f"eu-central-1:{ACCOUNT}"


def denied(resources: dict[str, Any], module: str) -> list[str]:
    """Return the tables' names and globs that the exporter's role is denied."""
    found = statements(resources, module, "exporter")["ExcludedStayUnread"]
    assert (found["Effect"], found["Action"]) == ("Deny", "dynamodb:Scan")
    assert "Condition" not in found
    start = "arn:aws:dynamodb:*:*:table/"
    assert all(arn.startswith(start) for arn in many(found["Resource"]))
    return [arn.removeprefix(start) for arn in many(found["Resource"])]


def test_actions_of_native_exports(resources: dict[str, Any]) -> None:
    """DynamoDB writes with the rights of who asks; without such tables nobody has them."""
    below = f"{ACCOUNT}/us-east-1/*"
    places = [f"arn:aws:s3:::central-backups/dynamodb/prod/{part}/{below}" for part in BACKUPS]
    tables = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/*"
    for role in ("scheduler", "monitor"):
        found = statements(resources, "crowded", role)
        asked, seen, written = (
            found[name] for name in ("ExportTables", "SeeExportsEnd", "WriteExports")
        )
        assert asked["Action"] == "dynamodb:ExportTableToPointInTime"
        assert asked["Resource"] == tables
        assert (seen["Action"], seen["Resource"]) == (
            "dynamodb:DescribeExport",
            f"{tables}/export/*",
        )
        assert set(written["Action"]) == {"s3:AbortMultipartUpload", "s3:PutObjectAcl"}
        assert sorted(many(written["Resource"])) == places
        assert not {"ExportTables", "SeeExportsEnd", "WriteExports"} & set(
            statements(resources, "plain", role)
        )
    told = settings(resources, "crowded")
    assert told["native_export"] == {"tables": ["orders*"], "exclude": ["orders-scratch"]}
    assert told["bucket_owner"] == "210987654321"


def test_actions_of_restore_drills(resources: dict[str, Any]) -> None:
    """Tables of one name are made and deleted, by the monitor alone; else nobody deletes any."""
    for module in MODULES:
        for role in ("scheduler", "monitor", "exporter"):
            found = statements(resources, module, role)
            drills = (module, role) == ("crowded", "monitor")
            deletes = [s for s in found.values() if "dynamodb:DeleteTable" in many(s["Action"])]
            assert deletes == ([found["DrillRestores"]] if drills else []), (module, role)
            assert ("ListDrills" in found) == ("LogDrills" in found) == drills
    found = statements(resources, "crowded", "monitor")
    named = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/hippolyte-drill-*"
    drill, listed, logged = (found[s] for s in ("DrillRestores", "ListDrills", "LogDrills"))
    assert set(many(drill["Resource"])) == {named, f"{named}/import/*"}
    assert listed["Condition"] == {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws-dynamodb/*"
    assert set(many(logged["Resource"])) == {group, f"{group}:log-stream:*"}
    assert settings(resources, "crowded")["restore_drill"] == {
        "canary": "orders",
        "exclude": [],
        "max_bytes": 10_000_000_000,
        "max_usd": 2,
    }


def test_actions_of_the_functions_with_the_exporter(resources: dict[str, Any]) -> None:
    """The same as with EMR, but for the engine's calls; of clusters only how one is ended."""
    for role in ("scheduler", "monitor"):
        ours, theirs = (
            {a for s in statements(resources, module, role).values() for a in many(s["Action"])}
            for module in ("scan", "emr")
        )
        assert ours - theirs == {"lambda:GetAccountSettings"}
        assert {a for a in ours if a.startswith(("elasticmapreduce:", "ec2:", "iam:"))} == {
            "elasticmapreduce:DescribeCluster",
            "elasticmapreduce:ListSteps",
            "elasticmapreduce:TerminateJobFlows",
        }
        found = statements(resources, "scan", role)
        condition = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
        assert found["SeeTheAccountsConcurrency"]["Condition"] == condition


def test_workers_of_any_engine_can_be_started_and_ended(resources: dict[str, Any]) -> None:
    """They read backups back, whatever engine made them."""
    arn = rf"arn:aws:states:[a-z0-9-]+:{ACCOUNT}"
    for module in MODULES:
        for role in ("scheduler", "monitor"):
            found = statements(resources, module, role)
            started, seen = found["StartWorkers"], found["SeeWorkersEnd"]
            assert started["Action"] == "states:StartExecution"
            assert re.fullmatch(rf"{arn}:stateMachine:[a-z]+-exporter", started["Resource"])
            assert seen["Action"] == ["states:StopExecution", "states:DescribeExecution"]
            assert re.fullmatch(rf"{arn}:execution:[a-z]+-exporter:\*", seen["Resource"])


def test_actions_of_the_exporter(resources: dict[str, Any]) -> None:
    assert {
        action
        for statement in statements(resources, "plain", "exporter").values()
        for action in many(statement["Action"])
    } == {
        "dynamodb:DescribeTable",
        "dynamodb:Scan",
        "kms:Decrypt",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "ssm:GetParametersByPath",
    }


def test_the_exporter_never_writes_over_a_file(resources: dict[str, Any]) -> None:
    place = f"central-backups/dynamodb/prod/{{}}/{ACCOUNT}/us-east-1/*"
    backups = ["arn:aws:s3:::" + place.format(part) for part in BACKUPS]
    exports = tuple(f"{at}/{what}/*" for at in backups for what in ("AWSDynamoDB", "_filters"))
    workers = "arn:aws:s3:::" + place.format("runs") + "/workers/*"
    found = statements(resources, "crowded", "exporter")
    writes = {
        tuple(sorted(many(s["Resource"]))): s
        for s in found.values()
        if "s3:PutObject" in many(s["Action"])
    }

    assert set(writes) == {exports, (workers,)}
    assert writes[exports]["Condition"] == {"Null": {"s3:if-none-match": "false"}}
    assert "Condition" not in writes[(workers,)]
    assert sorted(found["ReadBackupsAndRecords"]["Resource"]) == [*backups, workers]
    assert found["ListOwnFiles"]["Resource"] == "arn:aws:s3:::central-backups"
    assert found["ListOwnFiles"]["Condition"] == {
        "StringLikeIfExists": {
            "s3:prefix": [
                place.format(part).removeprefix("central-backups/")
                for part in ("backups", "backups-weekly", "backups-monthly", "runs")
            ]
        }
    }
    assert found["EncryptBackups"]["Resource"].endswith("key/1234abcd-12ab-34cd-56ef-1234567890ab")
    assert "EncryptBackups" not in statements(resources, "scan", "exporter")


def test_conditions_of_the_exporter(resources: dict[str, Any]) -> None:
    found = statements(resources, "scan", "exporter")

    assert found["ReadTables"]["Resource"] == f"arn:aws:dynamodb:{FRANKFURT}:table/*"
    assert found["ReadEncryptedTables"]["Condition"]["StringEquals"] == {
        "kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"
    }
    assert found["WriteOwnLog"]["Resource"] == (
        f"arn:aws:logs:{FRANKFURT}:log-group:/aws/lambda/scan-exporter:*"
    )
    assert found["ReadOwnSettings"]["Resource"] == (
        f"arn:aws:ssm:{FRANKFURT}:parameter/hippolyte-settings/scan/*"
    )


def test_what_is_excluded_by_name_cannot_be_read(resources: dict[str, Any]) -> None:
    """Left out is what may concern a table of `always`: orders, users-*-eu, dots.in.it."""
    assert sorted(denied(resources, "scan")) == [
        "*-tmp",
        "dots-in-it",
        "orders2",
        "scratch-*",
        "users-*-us",
    ]
    assert "ExcludedStayUnread" not in statements(resources, "plain", "exporter")
    others = [(module, role) for module, role in EVERY_ROLE if (module, role) not in HAVE_EXCLUDED]
    for module, role in others:
        assert "ExcludedStayUnread" not in statements(resources, module, role)


def test_more_than_the_policy_holds_is_left_out(resources: dict[str, Any]) -> None:
    """The first of them, up to the brim."""
    found = set(denied(resources, "crowded"))
    text = resources["crowded"]['aws_iam_role_policy.this["exporter"]']["policy"]

    assert 100 < len(found) < 250
    assert found == {f"excluded-{number}" for number in range(len(found))}
    assert 9_800 < len("".join(text.split())) <= 10_240


def test_what_can_still_be_read_is_said(planned: dict[str, Any]) -> None:
    outputs = {name: o["value"] for name, o in planned["planned_values"]["outputs"].items()}

    assert outputs["scan"] == ["ord*", "?rders", "users-1-eu", "users-*", "dots?in?it"]
    assert outputs["crowded"][-1] == "excluded-399"
    assert 150 < len(outputs["crowded"]) < 300
    checks = {c["address"]["to_display"]: c["status"] for c in planned["checks"]}
    name = "check.excluded_tables_are_unreadable"
    assert checks[f"module.scan.{name}"] == "pass", "meant so: no warning"
    assert checks[f"module.crowded.{name}"] == "fail"
    (said,) = [
        problem["message"]
        for check in planned["checks"]
        if check["address"]["to_display"] == f"module.crowded.{name}"
        for instance in check["instances"]
        for problem in instance["problems"]
    ]
    assert re.match(r"tables.exclude: \d+ of 400 have no room .* first of them \"excluded-1", said)
    assert "Take one glob for several names" in said


def test_the_machine_invokes_the_exporter_and_nothing_else(resources: dict[str, Any]) -> None:
    (found,) = statements(resources, "scan", "machine").values()

    assert found["Action"] == "lambda:InvokeFunction"
    assert found["Resource"] == f"arn:aws:lambda:{FRANKFURT}:function:scan-exporter"
    assert trusts(resources, "scan", "machine") == {
        "states.amazonaws.com": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:states:{FRANKFURT}:stateMachine:*"},
        }
    }
    assert trusts(resources, "scan", "exporter") == {"lambda.amazonaws.com": {}}
    (schedules,) = [
        s
        for s in statements(resources, "scan", "schedules").values()
        if s["Action"] == "lambda:InvokeFunction"
    ]
    assert sorted(arn.split(":")[-1] for arn in schedules["Resource"]) == [
        "scan-monitor",
        "scan-scheduler",
    ]


@pytest.mark.parametrize("module", MODULES)
def test_exporter_and_machine_are_made_with_every_engine(
    resources: dict[str, Any], module: str
) -> None:
    function = resources[module]['aws_lambda_function.this["exporter"]']
    machine = resources[module]["aws_sfn_state_machine.exporter"]
    settings_ = settings(resources, module)
    definition = json.loads(machine["definition"])
    link = definition["States"]["Link"]

    assert function["handler"] == "hippolyte.exporter.handler"
    assert settings_["exporter"] == {
        "machine_arn": (
            f"arn:aws:states:{settings_['region']}:{ACCOUNT}:stateMachine:{function['function_name']}"
        ),
        "timeout_seconds": function["timeout"],
        "memory_size": function["memory_size"],
        "max_workers": 4 if module == "scan" else 10,
    }
    assert function["memory_size"] == (3538 if module == "scan" else 1769)
    assert (machine["name"], machine["type"]) == (function["function_name"], "STANDARD")
    assert link["Parameters"]["FunctionName"] == (
        f"arn:aws:lambda:{settings_['region']}:{ACCOUNT}:function:{function['function_name']}"
    )
    assert link["TimeoutSeconds"] == function["timeout"] + 60


def test_definition_of_the_machine(resources: dict[str, Any]) -> None:
    """What it does in which case the local AWS plays; here is what a reader must rely on."""
    definition = json.loads(resources["scan"]["aws_sfn_state_machine.exporter"]["definition"])
    states = definition["States"]
    throttled, other = states["Link"]["Retry"]

    assert definition["StartAt"] == "InTime"
    assert "TimeoutSeconds" not in definition, "the deadline is the input's"
    assert states["InTime"]["Choices"] == [
        {
            "Variable": "$$.State.EnteredTime",
            "TimestampLessThanPath": "$.deadline",
            "Next": "Link",
        }
    ]
    assert states["Link"]["Parameters"]["Payload"] == {
        f"{name}.$": f"$.{name}" for name in ("run", "worker", "deadline", "place")
    }
    assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    assert throttled["MaxAttempts"] > 1e6
    assert throttled["MaxDelaySeconds"] == 60
    assert other["ErrorEquals"] == ["States.ALL"]
    assert other["MaxAttempts"] <= 12, "no endless loop, each round of which is billed"
    assert [(c["BooleanEquals"], c["Next"]) for c in states["More"]["Choices"]] == [
        (True, "InTime"),
        (False, "Over"),
    ]
    assert states[states["More"]["Default"]]["Type"] == "Fail", "never silently done"
    StepFunctionsParserBackend._validate_definition(json.dumps(definition))


def test_settings_of_the_exporters_engine(resources: dict[str, Any]) -> None:
    found = settings(resources, "scan")

    assert found["engine"] == "lambda"
    assert "emr" not in found
    assert found["cluster_role"] == found["pipeline_role"] == ""
    assert found["region"] == found["pipeline_region"] == "eu-central-1"
    assert found["planning"]["bytes_per_read_unit"] is None
    assert (found["consistent_reads"], settings(resources, "crowded")["consistent_reads"]) == (
        False,
        True,
    )
    assert parse(json.dumps(found)).exporter == Exporter(
        f"arn:aws:states:{FRANKFURT}:stateMachine:scan-exporter", 900, 3538, 4
    )


def test_without_clusters_nothing_is_made_for_them(resources: dict[str, Any]) -> None:
    for module in ("scan", "crowded"):
        assert not [a for a in resources[module] if a.startswith("aws_iam_instance_profile")]
        looked = [sid for sid in statements(resources, module, "monitor") if "LookFor" in sid]
        assert looked == ["LookForTopics"]


def test_the_exporter_tells_nobody_and_loses_nothing(resources: dict[str, Any]) -> None:
    """Its machine waits for the answer; what is invoked by hand is not kept and tried again."""
    scan = resources["scan"]
    config = scan['aws_lambda_function_event_invoke_config.this["exporter"]']

    assert 'aws_iam_role_policy.tell_people["exporter"]' not in scan
    assert config["maximum_retry_attempts"] == 0
    assert config["destination_config"] == []
    assert not [a for a in scan if "cloudwatch_metric_alarm" in a and "exporter" in a]
    assert scan['aws_cloudwatch_log_group.this["exporter"]']["retention_in_days"] == 30


def test_the_dashboard_shows_links_and_workers(resources: dict[str, Any]) -> None:
    titles = {
        module: [
            widget["properties"]["title"]
            for widget in json.loads(
                resources[module]["aws_cloudwatch_dashboard.this[0]"]["dashboard_body"]
            )["widgets"]
        ]
        for module in ("scan", "strict")
    }

    assert titles["scan"] == [
        *titles["strict"],
        "Links of the exporter",
        "Workers of the exporter",
    ]


def test_the_exporter_is_in_the_network_too(resources: dict[str, Any]) -> None:
    crowded = resources["crowded"]
    (network,) = crowded['aws_lambda_function.this["exporter"]']["vpc_config"]

    assert network["security_group_ids"] == ["sg-0123456789abcdef0"]
    assert "BeInTheNetwork" in statements(resources, "crowded", "exporter")
    for role in LAMBDA_ROLES:
        made = crowded[f'aws_iam_role.this["{role}"]']
        assert made["path"] == "/teams/data/"
        assert made["permissions_boundary"] == f"arn:aws:iam::{ACCOUNT}:policy/boundary"


# who may assume them


def test_trust(resources: dict[str, Any]) -> None:
    account = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}

    # not known to send a source for these two; a role cannot be passed across accounts anyway
    assert trusts(resources, "plain", "scheduler") == {"lambda.amazonaws.com": {}}
    assert trusts(resources, "plain", "monitor") == {"lambda.amazonaws.com": {}}
    assert trusts(resources, "plain", "schedules") == {
        "scheduler.amazonaws.com": account
        | {
            "ArnLike": {
                "aws:SourceArn": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/hippolyte"
            }
        }
    }
    assert trusts(resources, "plain", "cluster") == {"ec2.amazonaws.com": {}}
    pipeline = trusts(resources, "plain", "pipeline")
    assert pipeline["datapipeline.amazonaws.com"] == {}, "support of a source is not confirmed"
    assert pipeline["elasticmapreduce.amazonaws.com"] == account | {
        "ArnLike": {"aws:SourceArn": f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:*"}
    }


def test_strict_form(resources: dict[str, Any]) -> None:
    pipeline_arn = f"arn:aws:datapipeline:us-east-1:{ACCOUNT}:pipeline/*"

    assert trusts(resources, "strict", "pipeline")["datapipeline.amazonaws.com"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT}
    }
    assert statements(resources, "strict", "monitor")["RunPipelines"]["Resource"] == pipeline_arn
    assert statements(resources, "plain", "monitor")["RunPipelines"]["Resource"] == "*"
    assert statements(resources, "strict", "pipeline")["EndInstances"]["Condition"] == {
        "StringEquals": {"aws:ResourceTag/hippolyte:deployment": "strict"}
    }


# switches and shapes


def test_schedules_over_midnight_in_a_zone(resources: dict[str, Any]) -> None:
    quiet = resources["quiet"]
    night = quiet['aws_scheduler_schedule.this["night"]']
    catch_up = quiet['aws_scheduler_schedule.this["catch-up"]']
    monitor = quiet['aws_scheduler_schedule.this["monitor"]']

    assert night["schedule_expression"] == "cron(30 23 * * ? *)"
    assert catch_up["schedule_expression"] == "cron(35 0 * * ? *)"
    assert night["schedule_expression_timezone"] == "Europe/Berlin"
    assert catch_up["schedule_expression_timezone"] == "Europe/Berlin"
    assert '"run":"<aws.scheduler.scheduled-time>"' in night["target"][0]["input"]
    assert (night["state"], catch_up["state"]) == ("DISABLED", "DISABLED")
    assert monitor["state"] == "ENABLED", "a night under way must come to its end"


def test_no_catch_up_after_the_windows_end(resources: dict[str, Any]) -> None:
    assert [name for name in resources["frankfurt"] if "aws_scheduler_schedule.this" in name] == [
        'aws_scheduler_schedule.this["monitor"]',
        'aws_scheduler_schedule.this["night"]',
    ]


def settings(resources: dict[str, Any], module: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(planned_text(resources[module]))
    return found


def test_settings_are_known_at_plan(resources: dict[str, Any]) -> None:
    quiet, frankfurt = settings(resources, "quiet"), settings(resources, "frankfurt")

    assert quiet["window_seconds"] == (4 * 60 + 45) * 60
    assert (quiet["timezone"], frankfurt["timezone"]) == ("Europe/Berlin", "UTC")
    assert (quiet["enabled"], quiet["raise_capacity"]) == (False, False)
    assert (quiet["bucket"], quiet["prefix"]) == ("central-backups", "dynamodb/prod")
    assert (frankfurt["region"], frankfurt["pipeline_region"]) == ("eu-central-1", "eu-west-1")
    assert frankfurt["pipeline_role"] == "frankfurt-eu-central-1-pipeline"
    assert frankfurt["bucket"] == f"frankfurt-backups-{ACCOUNT}-eu-central-1"


def test_raises_that_are_only_looked_at_claim_nothing(resources: dict[str, Any]) -> None:
    private, frankfurt = settings(resources, "private"), settings(resources, "frankfurt")
    assert (private["raise_capacity"], frankfurt["raise_capacity"]) == ("plan", True)
    assert [name for name in resources["private"] if "aws_ssm_parameter.claim" in name] == []
    assert [name for name in resources["frankfurt"] if "aws_ssm_parameter.claim" in name]
    assert private["raise_above_warm_throughput"] is False
    assert private["planning"]["estimates"] == "measured"
    # what is not given is the package's own default
    own = Prices(region="eu-west-1", read_unit_hour=0.000147)
    assert private["prices"] == asdict(own)
    assert frankfurt["prices"] == asdict(Prices())


def test_what_is_off_is_not_there(resources: dict[str, Any]) -> None:
    quiet = " ".join(resources["quiet"])

    assert "aws_s3_bucket" not in quiet, "a given bucket is left as it is"
    assert "aws_cloudwatch_metric_alarm" not in quiet
    assert "aws_cloudwatch_dashboard.this[0]" not in resources["plain"]
    assert "aws_cloudwatch_dashboard.this[0]" in resources["strict"]
    assert "aws_ssm_parameter.claim" not in quiet
    assert "aws_ssm_parameter.claim[0]" in resources["plain"]


def test_backups_outlive_a_mistake(resources: dict[str, Any]) -> None:
    assert resources["plain"]["aws_s3_bucket.this[0]"]["force_destroy"] is False


def test_tags_and_boundary(resources: dict[str, Any]) -> None:
    strict = resources["strict"]
    tagged = {name: values["tags"] for name, values in strict.items() if "tags" in values}

    assert len(tagged) > 15
    for name, tags in tagged.items():
        assert tags == {"team": "data", "hippolyte:deployment": "mine"}, f"{name}: user tags win"
    for role in ROLES:
        boundary = strict[f'aws_iam_role.this["{role}"]']["permissions_boundary"]
        assert boundary == f"arn:aws:iam::{ACCOUNT}:policy/boundary"
        assert len(strict[f'aws_iam_role.this["{role}"]']["name"]) <= 64


# what depends on region and size is refused at plan


def refusal(world: World, folder: Path, region: str, arguments: str) -> str:
    (folder / "main.tf").write_text(
        f'provider "aws" {{\n  region = "{region}"\n}}\n\n'
        f'module "m" {{\n  source = "{REPOSITORY}"\n  engine = "datapipeline"\n{arguments}\n}}\n',
        encoding="utf-8",
    )
    terraform = Terraform(folder, folder / "work", environment(world.endpoint_url))
    terraform.init()
    with pytest.raises(TerraformError) as refused:
        terraform.plan_detailed()
    return " ".join(str(refused.value).replace("│", " ").split())


def test_region_without_data_pipeline(world: World, tmp_path: Path) -> None:
    message = refusal(world, tmp_path, "eu-north-1", "")

    assert "pipeline_region must be set: the module's own region, eu-north-1" in message
    assert "Take the nearest of us-east-1, us-west-2" in message
    assert 'or engine = "lambda", which is in every region' in message


def test_settings_that_no_room_is_kept_for_are_refused(world: World, tmp_path: Path) -> None:
    names = "[for n in range(1000) : sha512(n)]"
    message = refusal(world, tmp_path, "us-east-1", f"  tables = {{ exclude = {names} }}")

    assert re.search(
        r"too much room: (\d{5}) of 40000 characters .*, [89]\d{4} of them for tables, \d\d for",
        message,
    )
    assert "Take one glob for several names in tables, or shorten the tags' values" in message
    assert "H4sI" not in message, "no page of Base64"


def test_a_misspelt_attribute_is_refused_before_anything_else(world: World, tmp_path: Path) -> None:
    message = refusal(world, tmp_path, "eu-north-1", '  tables = { excludes = ["scratch"] }')

    assert message.count("Error: ") == 1
    assert 'tables has no attribute "excludes": did you mean "exclude"? It takes always,' in message


def test_a_deployment_that_is_not_let_in_is_refused(world: World, tmp_path: Path) -> None:
    grant = '{ account_ids = ["111111111111"], names = ["hippolyte"] }'
    message = refusal(
        world,
        tmp_path,
        "us-east-1",
        f"""
  backup_bucket = {{ name = "central-backups", grant = {grant} }}
  central_topic = {{ arn = "arn:aws:sns:us-east-1:111111111111:nights", grant = {grant} }}
  """,
    )

    who = f'deployment "hippolyte" of account {ACCOUNT}'
    assert f'backup_bucket "central-backups" does not let in {who}' in message
    assert f'central_topic "arn:aws:sns:us-east-1:111111111111:nights" does not let in {who}' in (
        message
    )
    assert 'its policy names accounts ["111111111111"] and deployments ["hippolyte"]' in message
    assert "Add this one to account_ids and names of the module backup-bucket" in message


def key(last: str) -> str:
    return f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890{last}"


def test_roles_have_the_path_and_are_passed_by_it(
    resources: dict[str, dict[str, dict[str, Any]]],
) -> None:
    for role in EMR_ROLES:
        assert resources["guarded"][f'aws_iam_role.this["{role}"]']["path"] == "/teams/data/"
    assert resources["guarded"]["aws_iam_instance_profile.cluster[0]"]["path"] == "/teams/data/"
    found = statements(resources, "guarded", "monitor")["PassTheClustersRoles"]
    assert sorted(found["Resource"]) == [
        f"arn:aws:iam::{ACCOUNT}:role/teams/data/guarded-us-east-1-{name}"
        for name in ("cluster", "emr")
    ]
    # EMR takes roles by their names
    assert settings(resources, "guarded")["cluster_role"] == "guarded-us-east-1-cluster"
    assert resources["plain"]['aws_iam_role.this["monitor"]']["path"] == "/"


def test_functions_are_in_the_network_they_are_given(
    resources: dict[str, dict[str, dict[str, Any]]],
) -> None:
    for name in ("scheduler", "monitor"):
        (network,) = resources["guarded"][f'aws_lambda_function.this["{name}"]']["vpc_config"]
        assert sorted(network["subnet_ids"]) == [
            "subnet-0123456789abcdef0",
            "subnet-0123456789abcdef1",
        ]
        assert network["security_group_ids"] == ["sg-0123456789abcdef0"]
        allowed = statements(resources, "guarded", name)["BeInTheNetwork"]["Action"]
        assert "ec2:CreateNetworkInterface" in allowed
        assert resources["plain"][f'aws_lambda_function.this["{name}"]']["vpc_config"] == []
        assert "BeInTheNetwork" not in statements(resources, "plain", name)


def test_topic_and_logs_are_encrypted_with_a_given_key(
    resources: dict[str, dict[str, dict[str, Any]]],
) -> None:
    guarded = resources["guarded"]
    assert not [address for address in guarded if address.startswith("aws_kms_")]
    assert guarded["aws_sns_topic.this"]["kms_master_key_id"] == key("ad")
    logs = [v for a, v in guarded.items() if a.startswith("aws_cloudwatch_log_group.this")]
    assert {group["kms_key_id"] for group in logs} == {key("ad")}
    assert "aws_kms_key.this[0]" in resources["plain"]


@pytest.mark.parametrize("engine", ["emr", "pipeline"])
def test_only_with_a_key_for_volumes_may_the_engine_use_one(
    resources: dict[str, dict[str, dict[str, Any]]], engine: str
) -> None:
    if engine == "emr":
        found = statements(resources, "guarded", "emr")
        assert found["EncryptVolumes"]["Resource"] == key("ae")
        assert found["EncryptVolumes"]["Condition"] == {
            "StringEquals": {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}
        }
        assert found["AttachEncryptedVolumes"]["Action"] == "kms:CreateGrant"
        assert found["AttachEncryptedVolumes"]["Condition"] == {
            "Bool": {"kms:GrantIsForAWSResource": "true"}
        }
    without = statements(resources, "emr" if engine == "emr" else "plain", engine)
    assert not {"EncryptVolumes", "AttachEncryptedVolumes"} & set(without)


def test_how_objects_are_encrypted_is_said_to_the_functions(
    resources: dict[str, dict[str, dict[str, Any]]],
) -> None:
    guarded = settings(resources, "guarded")
    assert (guarded["sse_header"], guarded["sse_key_arn"]) == ("aws:kms", key("af"))
    assert "volume_kms_key_arn" not in guarded["cluster"]
    plain = settings(resources, "plain")
    assert (plain["sse_header"], plain["sse_key_arn"]) == (None, None)


# how backups are kept


def _moves(rules: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    return {
        rule["filter"][0]["prefix"]: {t["storage_class"]: t["days"] for t in rule["transition"]}
        for rule in rules
        if rule["transition"]
    }


def test_backups_move_to_other_storage_classes_and_are_locked(resources: dict[str, Any]) -> None:
    locked = resources["locked"]
    rules = locked["aws_s3_bucket_lifecycle_configuration.this[0]"]["rule"]
    lock = locked["aws_s3_bucket_object_lock_configuration.this[0]"]["rule"]

    assert _moves(rules) == {
        "backups/": {"STANDARD_IA": 30},
        "backups-weekly/": {"GLACIER_IR": 120, "STANDARD_IA": 30},
        "backups-monthly/": {"GLACIER_IR": 120, "STANDARD_IA": 30},
    }, "not the catalogue, and only what lies there as long"
    assert lock == [{"default_retention": [{"mode": "COMPLIANCE", "days": 30, "years": None}]}]
    plain = resources["plain"]
    assert "aws_s3_bucket_object_lock_configuration.this[0]" not in plain
    assert not any(
        rule["transition"]
        for rule in plain["aws_s3_bucket_lifecycle_configuration.this[0]"]["rule"]
    )


def test_what_is_kept_by_week_and_month_may_move_when_the_daily_ones_are_gone(
    resources: dict[str, Any],
) -> None:
    """S3 refuses a rule that moves what another rule of its part has expired by then."""
    rules = resources["bucket_of_all"]["aws_s3_bucket_lifecycle_configuration.this"]["rule"]
    days = {
        rule["filter"][0]["prefix"]: rule["expiration"][0]["days"]
        for rule in rules
        if rule["expiration"] and rule["expiration"][0]["days"]
    }

    assert _moves(rules) == {
        "dynamodb/backups-weekly/": {"INTELLIGENT_TIERING": 35},
        "dynamodb/backups-monthly/": {"INTELLIGENT_TIERING": 35, "GLACIER_IR": 84},
    }
    assert days["dynamodb/backups/"] == 35
    assert days["dynamodb/backups-weekly/"] == 84
    assert days["dynamodb/backups-monthly/"] == 13 * 31


def test_the_first_of_a_month_is_kept_at_least_as_long_as_that_of_a_week(
    resources: dict[str, Any],
) -> None:
    """There is no other backup of its week."""
    rules = resources["locked"]["aws_s3_bucket_lifecycle_configuration.this[0]"]["rule"]
    days = {r["id"]: r["expiration"][0]["days"] for r in rules if r["expiration"]}

    assert days["expire-backups"] == 90
    assert days["expire-backups-weekly"] == days["expire-catalog-weekly"] == 26 * 7
    assert days["expire-backups-monthly"] == days["expire-catalog-monthly"] == 26 * 7


def test_nobody_writes_under_a_key_that_only_they_have(resources: dict[str, Any]) -> None:
    policy = parsed_policy(resources["plain"]["aws_s3_bucket_policy.this[0]"]["policy"])
    key = "arn:aws:s3:::hippolyte-backups-123456789012-us-east-1/backups/1"

    with_key = {"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"}
    plain = {"aws:securetransport": "true"}
    assert decide([policy], "s3:PutObject", key, plain | with_key) is Decision.DENY
    assert decide([policy], "s3:PutObject", key, plain) is Decision.NOTHING


@pytest.mark.parametrize(
    ("whose", "organization", "allowed"),
    [
        ("222222222222", "o-exampleorgid", Decision.ALLOW),
        ("222222222222", "o-anotherone", Decision.NOTHING),
        ("222222222222", None, Decision.NOTHING),
        ("333333333333", "o-exampleorgid", Decision.NOTHING),
    ],
    ids=["a member", "another's member", "of no organization", "a member, at another's prefix"],
)
def test_a_bucket_and_a_topic_of_a_whole_organization(
    resources: dict[str, Any], whose: str, organization: str | None, allowed: Decision
) -> None:
    bucket, topic = resources["bucket_of_all"], resources["topic_of_all"]
    policy = parsed_policy(bucket["aws_s3_bucket_policy.this"]["policy"])
    context = {
        "aws:securetransport": "true",
        "aws:principalaccount": whose,
        "aws:principalarn": f"arn:aws:iam::{whose}:role/hippolyte-us-east-1-monitor",
        **({"aws:principalorgid": organization} if organization else {}),
    }
    key = "arn:aws:s3:::backups-of-all/dynamodb/backups/222222222222/us-east-1/orders/1"

    assert decide([policy], "s3:PutObject", key, context) is allowed
    theirs = key.replace("222222222222", whose)
    told = parsed_policy(topic["aws_sns_topic_policy.this"]["policy"])
    member = Decision.ALLOW if organization == "o-exampleorgid" else Decision.NOTHING
    assert decide([policy], "s3:PutObject", theirs, context) is member
    arn = "arn:aws:sns:us-east-1:123456789012:hippolyte-central"
    assert decide([told], "sns:Publish", arn, context) is member
