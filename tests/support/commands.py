"""The command line in virtual time, beside the functions of a night."""

from __future__ import annotations

import io
import json
import zipfile
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hippolyte_cli import functions
from hippolyte_cli.main import app
from hippolyte_cli.surroundings import ALARMS
from tests.support.harness import NightDriver

SCHEDULES = {
    "night": "cron(0 0 * * ? *)",
    "catch-up": "cron(5 1 * * ? *)",
    "monitor": "rate(5 minutes)",
}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
    ],
}


def deploy(night: NightDriver, name: str = "hippolyte-monitor", **variables: str) -> None:
    """Deploy a function with the night's settings, for its configuration to be read."""
    role = night.world.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST)
    )["Role"]["Arn"]
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("f.py", "")
    night.world.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="f.handler",
        Code={"ZipFile": body.getvalue()},
        Environment={"Variables": variables or {"HIPPOLYTE_SETTINGS": json.dumps(night.settings)}},
    )


def one_package(night: NightDriver, *left_out: str) -> None:
    """Have the functions the same code, but for some."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("g.py", f"# {left_out}")
    for name in {"scheduler", "monitor", "exporter"} - {*left_out}:
        night.world.client("lambda").update_function_code(
            FunctionName=f"hippolyte-{name}", ZipFile=body.getvalue()
        )


def reach(night: NightDriver, monkeypatch: pytest.MonkeyPatch, *waiting: ModuleType) -> None:
    """Have the command line invoke the night's functions; what it waits, monitor's passes fill."""
    deploy(night)
    by_name: dict[str, Any] = {
        "hippolyte-scheduler": night.scheduler,
        "hippolyte-monitor": night.monitor,
    }
    monkeypatch.setattr(functions, "invoke", lambda name, _, event: by_name[name](event))
    for module in waiting:
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _: night.passes(5)))


def command(*arguments: Any) -> Result:
    """Run `hippolyte ...`; what it prints is one line for each it prints, however long."""
    result = CliRunner().invoke(
        app, [str(a) for a in arguments], env={"COLUMNS": "400", "AWS_REGION": "us-east-1"}
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def surround(night: NightDriver) -> None:
    """Make what the module makes around the functions, as far as `doctor` looks at it."""
    world = night.world
    sns, sqs = world.client("sns"), world.client("sqs")
    topic = sns.create_topic(Name="hippolyte")["TopicArn"]
    queue = sqs.create_queue(QueueName="oncall")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    for arn in {topic, night.settings["topic_arn"]}:
        endpoint = asked["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint)
    sqs.create_queue(QueueName="hippolyte-lost")
    world.client("scheduler").create_schedule_group(Name="hippolyte")
    for key, expression in SCHEDULES.items():
        schedule(night, key, "create", expression)
    for key in ALARMS:
        alarm(night, key)


def schedule(
    night: NightDriver, key: str, how: str = "update", expression: str = "", **more: Any
) -> None:
    """Make or change a schedule."""
    scheduler = night.world.client("scheduler")
    function = "monitor" if key == "monitor" else "scheduler"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:hippolyte-" + function
    role = "arn:aws:iam::123456789012:role/hippolyte-schedules"
    asked = {
        "GroupName": "hippolyte",
        "Name": f"hippolyte-{key}",
        "ScheduleExpression": expression or SCHEDULES[key],
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": arn, "RoleArn": role, "Input": "{}"},
        "State": "ENABLED",
    }
    getattr(scheduler, f"{how}_schedule")(**asked | more)


def alarm(night: NightDriver, key: str, **more: Any) -> None:
    """Make or change an alarm."""
    asked: dict[str, Any] = {
        "AlarmName": f"hippolyte-{key}",
        "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:hippolyte"],
        "MetricName": "TablesFailed",
        "Namespace": "Hippolyte",
        "Statistic": "Maximum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    night.world.client("cloudwatch").put_metric_alarm(**asked | more)
