"""Worlds and small things in them for the tests of the local AWS."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.core.clock import Clock
from local.world import World
from tests.support.model_check import Checked

ACCOUNT = "123456789012"
REGION = "us-east-1"
START = datetime(2026, 11, 24, tzinfo=UTC)


@contextmanager
def in_process(enforced: bool = False) -> Iterator[World]:
    """Give a world in this process whose answers are checked against botocore's models."""
    world = World(Clock(START), ACCOUNT, REGION)
    world.iam_enforced = enforced
    with world.in_process():
        yield world


@contextmanager
def checked(client: Any) -> Iterator[Any]:
    """Fail if an answer of the client is not what its service's model says."""
    checks = Checked(client)
    yield client
    assert checks.operations
    assert not checks.found, checks.found


@contextmanager
def refused(code: str, text: str = "") -> Iterator[None]:
    """Expect an error of AWS by code and words."""
    with pytest.raises(ClientError) as error:
        yield
    assert error.value.response["Error"]["Code"] == code, error.value
    assert text in error.value.response["Error"]["Message"]


def make_table(world: World, name: str, read: int | None = 5, **more: Any) -> None:
    """Create a table with `read` and 5 write units, on-demand for None."""
    billing: dict[str, Any] = (
        {"BillingMode": "PAY_PER_REQUEST"}
        if read is None
        else {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": 5}}
    )
    world.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        **billing,
        **more,
    )


def describe(world: World, name: str) -> dict[str, Any]:
    """Return DescribeTable's Table."""
    return world.client("dynamodb").describe_table(TableName=name)["Table"]


def update(world: World, name: str, read: int, write: int = 5) -> None:
    """Call UpdateTable."""
    world.client("dynamodb").update_table(
        TableName=name,
        ProvisionedThroughput={"ReadCapacityUnits": read, "WriteCapacityUnits": write},
    )


def read_units(world: World, name: str) -> tuple[str, int]:
    """Return a table's status and read capacity."""
    table = describe(world, name)
    return table["TableStatus"], table["ProvisionedThroughput"]["ReadCapacityUnits"]


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Any, resources: Any = "*", condition: Any = None) -> dict[str, Any]:
    """Return an Allow statement."""
    out = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {**out, "Condition": condition} if condition else out


def make_role(world: World, name: str, *statements: dict[str, Any], service: str = "lambda") -> str:
    """Create a role that an AWS service may take and return its ARN."""
    iam = world.client("iam")
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": f"{service}.amazonaws.com"},
    }
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return arn


def make_function(
    world: World,
    code: str,
    role: str,
    name: str = "f",
    timeout: int = 60,
    files: dict[str, str] | None = None,
    **more: Any,
) -> str:
    """Deploy `f.py` with a function `handler`, and `files` beside it; return the function's ARN."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path, text in {"f.py": code, **(files or {})}.items():
            archive.writestr(path, text)
    answer = world.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="f.handler",
        Code={"ZipFile": body.getvalue()},
        Timeout=timeout,
        **more,
    )
    return str(answer["FunctionArn"])
