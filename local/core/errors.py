"""Errors that moto has no class for."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import ERROR_TYPE_PREFIX, DynamodbException


class ServiceError(JsonRESTError):
    """When a JSON service refuses a request: its error code and message."""


class LimitExceeded(DynamodbException):
    """When a DynamoDB quota, or the daily number of decreases, is used up."""

    def __init__(self, message: str) -> None:
        super().__init__(ERROR_TYPE_PREFIX + "LimitExceededException", message)


class AccessDenied(DynamodbException):
    """When a table's own key cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(ERROR_TYPE_PREFIX + "AccessDeniedException", message)
