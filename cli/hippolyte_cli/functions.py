"""Invokes a deployment's functions, as their schedules do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, ReadTimeoutError

from hippolyte.clients import configuration
from hippolyte.errors import ConfigurationError, HippolyteError, code_of

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# a function's longest time, and some
_READ_SECONDS = 930


class FunctionError(HippolyteError):
    """When a function failed, or gave no answer."""


def invoke(name: str, region: str, event: dict[str, Any]) -> dict[str, Any]:
    """Invoke a function and return its answer.

    Raises:
        ConfigurationError: there is no such function.
        FunctionError: it failed, or gave no answer in its time.
    """
    # never twice: a second invocation would find the first one at work
    config = configuration(tries=1, patience=_READ_SECONDS)
    client: LambdaClient = boto3.client("lambda", region_name=region, config=config)
    try:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    except ReadTimeoutError as error:
        raise FunctionError(
            f"{name} gave no answer; it may be at work all the same: look with `hippolyte status`"
        ) from error
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        raise ConfigurationError(
            f"There is no function {name} in {region}: apply the module again."
        ) from error
    found = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        said = found.get("errorMessage", found) if isinstance(found, dict) else found
        raise FunctionError(f"{name} failed: {said}. Its log group is /aws/lambda/{name}.")
    return dict(found)
