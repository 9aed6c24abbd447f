from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.core.clock import Clock
from local.world import World
from tests.support.aws_world import (
    ACCOUNT,
    START,
    in_process,
    make_function,
    make_role,
    make_table,
    refused,
)


def test_worlds_follow_each_other_and_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.delenv("AWS_REGION", raising=False)
    before, sleep = dict(os.environ), time.sleep
    for _ in range(2):
        with in_process() as world:
            make_table(world, "tbl")
            assert boto3.client("dynamodb").list_tables()["TableNames"] == ["tbl"]
            assert "AWS_PROFILE" not in os.environ
        assert dict(os.environ) == before
        assert time.sleep is sleep
    world = World(Clock(START))
    with world.served():
        assert world.client("dynamodb").list_tables()["TableNames"] == []
        make_table(world, "tbl")
    with in_process() as world:
        assert world.client("dynamodb").list_tables()["TableNames"] == []


def test_one_world_at_a_time() -> None:
    with in_process(), pytest.raises(RuntimeError, match="already running"), in_process():
        pass


def test_iam_is_enforced_when_served_and_not_in_process() -> None:
    world = World(Clock(START))
    with world.in_process():
        assert not world.iam_enforced
    with world.served():
        assert world.iam_enforced
        role = make_role(world, "role")
        with refused("AccessDeniedException"):
            world.client("dynamodb", role_arn=role).list_tables()


def test_environment_points_sdks_at_the_endpoint() -> None:
    world = World(Clock(START))
    with pytest.raises(RuntimeError, match="not served"):
        world.environment()
    with world.served() as endpoint:
        environment = world.environment()
        assert environment["AWS_ENDPOINT_URL"] == endpoint
        code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == ACCOUNT


def test_missing_operation_is_named_and_not_retried() -> None:
    for enter in ("in_process", "served"):
        world = World(Clock(START))
        with getattr(world, enter)():
            with refused("UnknownOperationException", "does not implement emr:GetManagedScaling"):
                world.client("emr").get_managed_scaling_policy(ClusterId="j-1234567890123")
            assert world.gate.calls["emr:GetManagedScalingPolicy"] == 1


def test_throttling_by_number_and_by_chance() -> None:
    with in_process() as world:
        client = world.client("dynamodb")
        world.throttle("dynamodb:ListTables", calls=2)
        client.list_tables()  # boto3 tries three times
        assert world.gate.calls["dynamodb:ListTables"] == 3
        assert world.clock.now() > START  # its back-off was virtual
        world.throttle("s3:*", calls=3)
        with refused("SlowDown"):
            world.client("s3").list_buckets()
        world.throttle("dynamodb:Describe*", probability=0.5)
        outcomes = set()
        for _ in range(40):
            try:
                client.describe_limits()
                outcomes.add("answered")
            except ClientError as error:
                outcomes.add(error.response["Error"]["Code"])
        assert outcomes == {"answered", "ThrottlingException"}


def test_hooks_run_before_calls() -> None:
    with in_process() as world:
        make_table(world, "tbl")
        seen = []
        world.before("dynamodb:ListTables", lambda call: seen.append(call.params), times=1)
        client = world.client("dynamodb")
        client.list_tables(Limit=7)
        client.list_tables()
        assert seen == [{"Limit": 7}]

        def drop(call: object) -> None:
            del world.gate.hooks[:]
            client.delete_table(TableName="tbl")

        world.before("DescribeTable", drop)
        with refused("ResourceNotFoundException"):
            client.describe_table(TableName="tbl")


def test_messages_keep_their_virtual_time() -> None:
    with in_process() as world:
        topic = world.client("sns").create_topic(Name="t")["TopicArn"]
        world.clock.advance(90)
        world.client("sns").publish(TopicArn=topic, Subject="night", Message="all well")
        at = START + timedelta(seconds=90)
        assert world.messages(topic) == [{"subject": "night", "message": "all well", "at": at}]
        assert world.messages(topic + "-none") == []


def test_sessions_of_other_accounts_land_there() -> None:
    with in_process() as world, world.as_role("arn:aws:iam::222222222222:role/deployer"):
        assert boto3.client("sts").get_caller_identity()["Account"] == "222222222222"


def test_ssm_parameter_is_not_overwritten_unasked() -> None:
    with in_process() as world:
        put = world.client("ssm").put_parameter
        put(Name="/hippolyte/raiser", Value="a", Type="String")
        with refused("ParameterAlreadyExists"):
            put(Name="/hippolyte/raiser", Value="b", Type="String")


def test_function_runs_in_process_too() -> None:
    world = World(Clock(START))
    with world.in_process():
        make_function(world, "", make_role(world, "role"), Environment={"Variables": {"A": "1"}})
        function = world.functions.find("f")
        function.handler = f"{__name__}.in_process_handler"
        invocation = world.invoke("f", {"seconds": 5})
        assert invocation.payload == {"a": "1", "name": "f"}
        assert invocation.slept_seconds == 5
        assert world.clock.now() == START


def in_process_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    time.sleep(event["seconds"])
    return {"a": os.environ["A"], "name": context.function_name}


def serve(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": "lambda:."},
    )


def test_serve_in_the_foreground() -> None:
    with serve("--port", "0", "--speed", "3600", "--start", "2026-11-24T00:00:00Z") as process:
        assert process.stdout is not None
        environment = {}
        for line in process.stdout:
            if match := re.fullmatch(r"export (\w+)=(.*)\n", line):
                environment[match[1]] = match[2]
            else:
                assert line.startswith("# the local AWS is up: virtual time 2026-11-24T00:00:00Z")
                break
        client = boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="local",
            aws_secret_access_key="local",
            region_name="us-east-1",
        )
        time.sleep(1.5)
        client.create_bucket(Bucket="bucket")
        made = client.list_buckets()["Buckets"][0]["CreationDate"]
        assert made is not None
        client.put_object(Bucket="bucket", Key="k")
        written = client.head_object(Bucket="bucket", Key="k")["LastModified"]
        assert written >= START + timedelta(hours=1)  # half a second is half an hour here
        process.send_signal(2)
        assert process.wait(10) == 0


def test_serve_says_what_is_wrong() -> None:
    with serve("--speed", "0") as process:
        assert process.stderr is not None
        assert "--speed must be above 0" in process.stderr.read()
        assert process.wait(10) == 2
