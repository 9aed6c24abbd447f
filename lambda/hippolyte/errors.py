"""The exceptions of the package, by what the caller can do about them."""

from __future__ import annotations

from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

_OF_THE_MOMENT = (
    "ResourceInUseException",
    "RequestLimitExceeded",
    # Application Auto Scaling: another update of the target is under way
    "ConcurrentUpdateException",
    # throttling without the word (botocore.retries.standard)
    "ProvisionedThroughputExceededException",
    "TooManyRequestsException",
    "RequestTimeout",
    "RequestTimeoutException",
)


class HippolyteError(Exception):
    """When anything of this package goes wrong in a way it knows."""


class ConfigurationError(HippolyteError):
    """When a setting, an event or a record cannot be used until a person changes it."""


class RefusedError(ConfigurationError):
    """When a request is not carried out: an answer to the person who made it, with the remedy."""


class ConflictError(HippolyteError):
    """When another invocation wrote the same record first: this pass ends, the other goes on."""


class EngineError(HippolyteError):
    """When the engine refuses a batch; the message is the service's own.

    `handle` is what the engine has of the batch all the same, and must be cleaned up one day.
    """

    def __init__(self, message: str, handle: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.handle = handle or {}


def code_of(error: ClientError) -> str:
    """Return the service's code of an error; the SDK makes one of an answer without any, too."""
    return str(error.response.get("Error", {}).get("Code", ""))


def passes(error: ClientError) -> bool:
    """Say whether a refusal is of the moment: somebody's change, the call rate, the service.

    DynamoDB's LimitExceededException is a quota, but for the one of tables that change at once,
    which only its words tell apart (API Reference; hashicorp/terraform-provider-aws 1776, 2274).
    """
    code, words = code_of(error), error.response.get("Error", {}).get("Message", "")
    busy = "Throttl" in code or code in _OF_THE_MOMENT
    return (
        busy
        or "simultaneously" in words
        or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
    )


def read_passes(error: ClientError | BotoCoreError) -> bool:
    """Say whether a read that failed may be answered if it is made again.

    No quota bounds a read, so that LimitExceededException is of the call rate here.
    """
    if isinstance(error, ClientError):
        return passes(error) or code_of(error) == "LimitExceededException"
    # time-outs and connections that fail or break off; the rest of botocore's own stays
    return isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError)
