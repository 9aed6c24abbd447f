"""Finds the settings of a deployment: those its monitor runs with, or the little that is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from hippolyte.clients import configuration
from hippolyte.errors import ConfigurationError, code_of
from hippolyte.parameters import text_at
from hippolyte.settings import VARIABLE, Settings, load
from hippolyte_cli.session import profile
from hippolyte_cli.waiting import working

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sts import STSClient

MONITOR = "hippolyte-monitor"
"""The deployed monitor, unless another name was given to the module."""

_REMEDY = (
    "Give the monitor's name with --function (output `monitor` of the module, `function_name`) and "
    "its region with --region"
)
_OR_BUCKET = "; if the function is deleted, the bucket with --bucket and --prefix"


_known: ContextVar[dict[tuple[str | None, ...], Settings] | None] = ContextVar(
    "known", default=None
)


@contextmanager
def asked_once() -> Iterator[None]:
    """Have each deployment be asked for its settings once meanwhile, and no more."""
    before = _known.set({})
    try:
        yield
    finally:
        _known.reset(before)


def deployed(function: str, region: str | None, or_bucket: bool = False) -> Settings:
    """Return the settings that a deployed function runs with.

    Args:
        function: the monitor's name.
        region: where; None: that of the environment.
        or_bucket: the verb takes a bucket instead.

    Raises:
        ConfigurationError: there is no such function, or it is none of this product.
    """
    known = _known.get()
    if known is None:
        return _deployed(function, region, or_bucket)
    # with other credentials it is another account's
    key = (function, region, profile())
    if key not in known:
        known[key] = _deployed(function, region, or_bucket)
    return known[key]


def _deployed(function: str, region: str | None, or_bucket: bool) -> Settings:
    """Return what a function's configuration says.

    Raises:
        ConfigurationError: there is no such function, or it is none of this product.
    """
    client: LambdaClient = _client("lambda", _region(region))
    remedy = f"{_REMEDY}{_OR_BUCKET if or_bucket else ''}."
    try:
        with working(f"asking for the settings of {function}"):
            answer = client.get_function_configuration(FunctionName=function)
    except ClientError as error:
        if code_of(error) in ("ResourceNotFoundException", "ValidationException"):
            text = f"There is no function {function} in {client.meta.region_name}. {remedy}"
            raise ConfigurationError(text) from error
        raise
    variables = answer.get("Environment", {}).get("Variables", {})
    if VARIABLE not in variables:
        raise ConfigurationError(
            f"The function {function} is none of Hippolyte's: it has no variable {VARIABLE}. "
            + remedy
        )
    return load(variables, lambda path: text_at(path, client.meta.region_name))


def by_bucket(
    bucket: str, prefix: str, region: str | None, pipeline_region: str | None
) -> Settings:
    """Return settings for a deployment whose functions are gone: enough to give capacity back."""
    own = _region(region)
    client: STSClient = _client("sts", own)
    identity = client.get_caller_identity()
    partition, account = identity["Arn"].split(":")[1], identity["Account"]
    return Settings(
        name="hippolyte",
        account=account,
        region=own,
        partition=partition,
        bucket=bucket,
        prefix=prefix.strip("/"),
        # nothing is published, and nothing is launched
        topic_arn=f"arn:{partition}:sns:{own}:{account}:none",
        pipeline_region=pipeline_region or own,
        pipeline_role="none",
        cluster_role="none",
    )


def _region(given: str | None) -> str:
    region = given or boto3.Session().region_name
    if region is None:
        raise ConfigurationError("No region is known: give --region, or set AWS_REGION.")
    return region


def _client(service: str, region: str) -> Any:
    return boto3.client(service, region_name=region, config=configuration())  # type: ignore[call-overload]
