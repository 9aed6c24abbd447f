"""The module's plan, deployed in this process: its roles and policies to the letter, its functions,
schedules and alarms. IAM is enforced; the night runs by the clock alone.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
import pytest
from moto.ec2.models import ec2_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends

from hippolyte import clients, parameters
from hippolyte.settings import Settings
from local.core.call import Call, refusal
from local.core.clock import Clock
from local.core.principal import Principal
from local.iam import authorize
from local.world import World
from tests.support.kept import keep, planned_text, text_of

ACCOUNT, REGION = "123456789012", "us-east-1"
BUCKET = "backups"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:hippolyte"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:hippolyte-lost"
WINDOW_START = datetime(2026, 11, 24, tzinfo=UTC)
RUN = "2026-11-24T00-00Z"
FUNCTIONS = ("scheduler", "monitor")
ALL_FUNCTIONS = (*FUNCTIONS, "exporter")
GIB = 1 << 30
_KEYS = {n: f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3)}

# boto3's clients take a second to make, and know nothing of the world they talk to
_built: dict[tuple[str, str], clients.Clients] = {}
_hands: dict[tuple[str, str, str], Any] = {}
_readers: dict[str, Any] = {}
_exporters: dict[str, clients.ExporterClients] = {}

Planned = dict[str, dict[str, Any]]


class Deployment:
    """What `terraform apply` would have made of `planned`, in a world of its own."""

    def __init__(self, world: World, planned: Planned) -> None:
        self.world = world
        self.planned = planned
        self.s3 = world.client("s3")
        self.settings: dict[str, Any] = json.loads(planned_text(planned))
        self.engine: str = self.settings["engine"]
        self._make_keys()
        self._make_bucket()
        self._make_roles()
        self._make_network()
        self._make_topic()
        self._make_places()
        self._make_functions()
        self._make_machine()
        self._make_schedules()

    def _values(self, kind: str, name: str = "this") -> dict[str, dict[str, Any]]:
        """Return the planned resources of a type and name by their keys."""
        return {
            address.partition('["')[2].removesuffix('"]'): values
            for address, values in self.planned.items()
            if address.startswith(f"{kind}.{name}[")
        }

    # what Terraform makes

    def _make_keys(self) -> None:
        """1: the bucket's, 2: the topic's, 3: a table's; under the ids the plan knows."""
        backend = kms_backends[ACCOUNT][REGION]
        for number, name in _KEYS.items():
            key = backend.keys[self.world.client("kms").create_key()["KeyMetadata"]["KeyId"]]
            del backend.keys[key.id]
            key.id, key.arn = name, f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"
            if number == 2:
                key.policy = self.planned["aws_kms_key.this[0]"]["policy"]
            backend.keys[key.id] = key

    def _make_bucket(self) -> None:
        self.s3.create_bucket(Bucket=BUCKET)
        key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{_KEYS[1]}"
        rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        self.s3.put_bucket_encryption(
            Bucket=BUCKET,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": rule}]
            },
        )
        if self.engine == "emr":
            bucket, _, key = self.settings["emr"]["jar"].removeprefix("s3://").partition("/")
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_object(Bucket=bucket, Key=key, Body=b"PK")

    def _make_roles(self) -> None:
        iam = self.world.client("iam")
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_policy(PolicyName="boundary", PolicyDocument=document)
        for values in self._values("aws_iam_role").values():
            iam.create_role(
                RoleName=values["name"],
                AssumeRolePolicyDocument=values["assume_role_policy"],
                PermissionsBoundary=values["permissions_boundary"],
            )
        self.give_back_policies()
        for values in self._values("aws_iam_instance_profile", "cluster").values():
            profile = values["name"]
            iam.create_instance_profile(InstanceProfileName=profile)
            iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=profile)
        for name in ALL_FUNCTIONS:
            role = role_name(name)
            self.world.principals[_access_key(f"hippolyte-{name}")] = Principal(
                ACCOUNT, role, "session"
            )

    def _make_network(self) -> None:
        """What the plan names of EC2 and EMR, under its ids, in the default VPC."""
        if self.engine == "lambda":
            return
        cluster, emr = self.settings["cluster"], self.settings.get("emr") or {}
        backend = ec2_backends[ACCOUNT][REGION]
        self.world.client("ec2").create_key_pair(KeyName=cluster["key_pair"])
        (zone, subnets), *_ = sorted(backend.subnets.items())
        for name in emr.get("subnet_ids") or [cluster["subnet_id"]]:
            subnet = copy(next(iter(subnets.values())))
            subnet.id, subnet.default_for_az = name, "false"
            backend.subnets[zone][name] = subnet
            # EMR may make its own endpoint there
            backend.create_tags([name], {"for-use-with-amazon-emr-managed-policies": "true"})
        for part, name in cluster.items():
            if part.endswith("security_group_id") and name:
                group = backend.create_security_group(part, part, vpc_id=subnet.vpc_id)
                del backend.groups[subnet.vpc_id][group.id]
                group.id = group.group_id = name
                backend.groups[subnet.vpc_id][name] = group
        if name := emr.get("security_configuration"):
            self.world.client("emr").create_security_configuration(
                Name=name, SecurityConfiguration="{}"
            )

    def _make_topic(self) -> None:
        sns = self.world.client("sns")
        key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{_KEYS[2]}"
        sns.create_topic(Name="hippolyte", Attributes={"KmsMasterKeyId": key})
        policy = self.planned["aws_sns_topic_policy.this"]["policy"]
        sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)
        self.world.client("sqs").create_queue(QueueName="hippolyte-lost")

    def _make_places(self) -> None:
        values = self.planned["aws_ssm_parameter.open"]
        wanted = {"Name": values["name"], "Value": values["value"], "Type": values["type"]}
        self.world.client("ssm").put_parameter(**wanted)

    def _make_functions(self) -> None:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("unused.py", "# in process the handlers of this repository run")
        logs, functions = self.world.client("logs"), self.world.client("lambda")
        configs = self._values("aws_lambda_function_event_invoke_config")
        lost = {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}
        for name, values in self._values("aws_lambda_function").items():
            logs.create_log_group(logGroupName=f"/aws/lambda/hippolyte-{name}")
            settings = json.loads(planned_text(self.planned, name))
            # threads would take turns on two cores
            settings["planning"]["discovery_concurrency"] = 1
            path = keep(self.world.client("ssm"), settings)
            (logging_config,) = values["logging_config"]
            functions.create_function(
                FunctionName=values["function_name"],
                Runtime=values["runtime"],
                Role=f"arn:aws:iam::{ACCOUNT}:role/{role_name(name)}",
                Handler=values["handler"],
                Code={"ZipFile": code.getvalue()},
                Timeout=values["timeout"],
                Environment={"Variables": {"HIPPOLYTE_SETTINGS": path}},
                LoggingConfig={
                    "LogFormat": logging_config["log_format"],
                    "ApplicationLogLevel": logging_config["application_log_level"],
                    "LogGroup": f"/aws/lambda/hippolyte-{name}",
                },
            )
            functions.put_function_event_invoke_config(
                FunctionName=values["function_name"],
                MaximumRetryAttempts=configs[name]["maximum_retry_attempts"],
                MaximumEventAgeInSeconds=configs[name]["maximum_event_age_in_seconds"],
                **(lost if configs[name]["destination_config"] else {}),
            )

    def _make_machine(self) -> None:
        values = self.planned["aws_sfn_state_machine.exporter"]
        self.world.client("stepfunctions").create_state_machine(
            name=values["name"],
            definition=values["definition"],
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/{role_name('machine')}",
        )

    def _make_schedules(self) -> None:
        client = self.world.client("scheduler")
        client.create_schedule_group(Name="hippolyte")
        for values in self._values("aws_scheduler_schedule").values():
            (target,) = values["target"]
            function = "monitor" if values["name"].endswith("monitor") else "scheduler"
            client.create_schedule(
                Name=values["name"],
                GroupName="hippolyte",
                ScheduleExpression=values["schedule_expression"],
                ScheduleExpressionTimezone=values["schedule_expression_timezone"],
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={
                    "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hippolyte-{function}",
                    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{role_name('schedules')}",
                    "Input": target["input"],
                    "DeadLetterConfig": {"Arn": QUEUE},
                },
            )
        self.world.schedules.start()

    def make_alarms(self) -> None:
        """Create the alarms, and evaluate them from now on."""
        for values in self._values("aws_cloudwatch_metric_alarm").values():
            silent = values["treat_missing_data"] == "missing"
            self.world.client("cloudwatch").put_metric_alarm(
                AlarmName=values["alarm_name"],
                AlarmDescription=values["alarm_description"],
                Namespace=values["namespace"],
                MetricName=values["metric_name"],
                Dimensions=[{"Name": k, "Value": v} for k, v in values["dimensions"].items()],
                Statistic=values["statistic"],
                ComparisonOperator=values["comparison_operator"],
                Threshold=values["threshold"],
                Period=values["period"],
                EvaluationPeriods=values["evaluation_periods"],
                DatapointsToAlarm=values["datapoints_to_alarm"],
                TreatMissingData=values["treat_missing_data"],
                AlarmActions=[TOPIC],
                InsufficientDataActions=[TOPIC] if silent else [],
            )
        self.world.alarms.start()

    # permissions

    @cached_property
    def policies(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The planned policies: role (scheduler ...) -> name -> document."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for resource in ("this", "tell_people"):
            for key, values in self._values("aws_iam_role_policy", resource).items():
                found.setdefault(key, {})[values["name"]] = json.loads(values["policy"])
        return found

    def actions(self, role: str) -> set[str]:
        """Return the actions a role's policies name."""
        return {
            action
            for document in self.policies[role].values()
            for statement in document["Statement"]
            for action in _many(statement["Action"])
        }

    def give_back_policies(self) -> None:
        """Put every role's policies as they are planned."""
        for role in self.policies:
            self.take_away(role, None)

    def take_away(self, role: str, action: str | None) -> None:
        """Put a role's policies without an action."""
        for name, document in self.policies[role].items():
            statements = [
                {**s, "Action": left}
                for s in document["Statement"]
                if (left := [a for a in _many(s["Action"]) if a != action])
            ]
            if not statements:
                # IAM takes no policy without any
                self.world.client("iam").delete_role_policy(
                    RoleName=role_name(role), PolicyName=name
                )
                continue
            self.world.client("iam").put_role_policy(
                RoleName=role_name(role),
                PolicyName=name,
                PolicyDocument=json.dumps({**document, "Statement": statements}),
            )

    # the fleet

    def table(
        self, name: str, items: int = 3, read: int = 100, keyed: bool = True, **settings: Any
    ) -> None:
        """Create a table, under a customer's key or the service's own, tagged for the backup."""
        dynamodb = self.world.client("dynamodb")
        key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{_KEYS[3]}"
        encrypted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
        dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            ProvisionedThroughput={"ReadCapacityUnits": read, "WriteCapacityUnits": 50},
            **({"SSESpecification": encrypted} if keyed else {}),
            Tags=[{"Key": "backup", "Value": "yes"}],
        )
        self.world.put_items(name, [{"pk": {"S": f"{name}#{n}"}} for n in range(items)])
        created = self.world.clock.now() - timedelta(days=30)
        self.world.set_table(name, **{"created_at": created, **settings})

    def streamed(self, name: str) -> None:
        """Give a table a stream of new and old images."""
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        self.world.client("dynamodb").update_table(TableName=name, StreamSpecification=stream)

    def recoverable(self, name: str) -> None:
        """Switch a table's point-in-time recovery on."""
        self.world.client("dynamodb").update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )

    def autoscaled(self, name: str, low: int, high: int) -> None:
        """Let Application Auto Scaling keep a table's reads at 70 %."""
        scaling = self.world.client("application-autoscaling")
        target = {
            "ServiceNamespace": "dynamodb",
            "ResourceId": f"table/{name}",
            "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
        }
        scaling.register_scalable_target(**target, MinCapacity=low, MaxCapacity=high)
        scaling.put_scaling_policy(
            **target,
            PolicyName="reads",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 70.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "DynamoDBReadCapacityUtilization"
                },
            },
        )

    # what happens

    def refuse(
        self,
        operation: str,
        code: str,
        message: str,
        times: int | None = None,
        status: int | None = None,
    ) -> None:
        """Answer calls of an operation that IAM lets through with an error."""

        def answer(call: Call) -> None:
            authorize.authorize(self.world, call)
            error: Any = refusal(call, code, message)
            error.http_status = status
            raise error

        self.world.before(operation, answer, times)

    def reads(self, table: str, units_per_second: float, hours: float) -> None:
        """Let CloudWatch know what the application consumes of a table, minute by minute."""
        start = self.world.clock.now()
        data = [
            {
                "MetricName": "ConsumedReadCapacityUnits",
                "Dimensions": [{"Name": "TableName", "Value": table}],
                "Timestamp": start + timedelta(minutes=minute),
                "Value": units_per_second * 60,
            }
            for minute in range(int(hours * 60))
        ]
        self.world.client("cloudwatch").put_metric_data(Namespace="AWS/DynamoDB", MetricData=data)

    def change(self, part: str, **values: Any) -> None:
        """Deploy both functions again, with other settings of a part (`cluster`)."""
        self.redeploy(lambda settings: settings[part].update(values))

    def redeploy(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Deploy both functions again, with settings that `change` has changed."""
        functions, ssm = self.world.client("lambda"), self.world.client("ssm")
        for name in FUNCTIONS:
            function = f"hippolyte-{name}"
            found = functions.get_function_configuration(FunctionName=function)
            settings = json.loads(text_of(found, ssm))
            change(settings)
            functions.update_function_configuration(
                FunctionName=function,
                Environment={"Variables": {"HIPPOLYTE_SETTINGS": keep(ssm, settings)}},
            )

    def known(self) -> None:
        """Say that preflights have been: what is denied shows in the night alone."""
        for name in FUNCTIONS:
            self.put(f"preflight-{name}.json", {"version": 1, "denied": []})

    def put(self, name: str, record: dict[str, Any]) -> None:
        """Write a record beside the runs, as the deployer."""
        key = f"runs/{ACCOUNT}/{REGION}/{name}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(record).encode())

    def record(self, name: str, run: str = RUN) -> dict[str, Any] | None:
        """Return a record of a run; without a request, as scenarios look after every step."""
        found = (
            s3_backends[ACCOUNT]["aws"]
            .get_bucket(BUCKET)
            .keys.get(f"runs/{ACCOUNT}/{REGION}/{run}/{name}")
        )
        return None if found is None else dict(json.loads(found.value))

    def open_places(self) -> list[dict[str, Any]]:
        """Return the places on record; without a request, as `record`."""
        value = ssm_backends[ACCOUNT][REGION].get_parameter("/hippolyte/open/hippolyte").value
        return list(json.loads(value)["places"])

    def until(self, happens: Callable[[], Any], hours: float = 12, step: float = 150) -> Any:
        """Let time pass until something is so, and return what it is; None if it never is."""
        end = self.world.clock.now() + timedelta(hours=hours)
        while self.world.clock.now() < end:
            self.world.clock.advance(step)
            if found := happens():
                return found
        return None

    @property
    def subjects(self) -> list[str]:
        """The subjects of all messages so far."""
        return [message["subject"] for message in self.world.messages(TOPIC)]


def role_name(role: str) -> str:
    """Return the name of a role of the deployment."""
    return f"hippolyte-{REGION}-{role}"


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _access_key(function: str) -> str:
    # 20 characters, as moto looks for them
    return f"AKIA{function.removeprefix('hippolyte-').upper():X<16}"


@contextmanager
def deployed(planned: Planned, minutes_before: int = 20) -> Iterator[Deployment]:
    """A world with the module in it, some minutes before the window."""
    world = World(Clock(WINDOW_START - timedelta(minutes=minutes_before)), ACCOUNT, REGION)
    world.iam_enforced = True
    with pytest.MonkeyPatch.context() as patch, world.in_process():
        patch.setattr(clients, "build", _build)
        patch.setattr(clients, "for_exporter", _build_for_exporter)
        patch.setattr(clients, "parameters", _reader)
        # every invocation is a cold start
        patch.setattr(parameters, "text_at", parameters.text_at.__wrapped__)
        world._clients.update(_hands)
        yield Deployment(world, planned)
        _hands.update(world._clients)


def _build(settings: Settings) -> clients.Clients:
    """Build a function's clients once for all worlds, with the keys of its role."""
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    wanted = (function, settings.engine)
    if wanted not in _built:
        with _keys_of(function):
            _built[wanted] = _original_build.__wrapped__(settings)
    return _built[wanted]


def _build_for_exporter(settings: Settings, threads: int) -> clients.ExporterClients:
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    if function not in _exporters:
        with _keys_of(function):
            _exporters[function] = _original_for_exporter.__wrapped__(settings, threads)
    return _exporters[function]


def _reader(region: str | None) -> Any:
    """Build the client that a function reads its settings with, once likewise."""
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    if function not in _readers:
        with _keys_of(function):
            _readers[function] = _original_reader(region)
    return _readers[function]


@contextmanager
def _keys_of(function: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", _access_key(function))
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield


_original_build = clients.build
_original_for_exporter = clients.for_exporter
_original_reader = clients.parameters
