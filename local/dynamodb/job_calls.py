"""What the calls about exports and about imports share: a page of them, and their errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from moto.dynamodb.exceptions import ERROR_TYPE_PREFIX, DynamodbException


class Job(Protocol):
    """An export or an import."""

    table_arn: str

    def summary(self) -> dict[str, Any]:
        """Return it as a list has it."""
        ...


def page(
    jobs: Collection[Job], asked: Mapping[str, Any], size: int, width: int = 1
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a page of so many, the newest first, and where the next one begins.

    `width`: of the token, in digits.
    """
    wanted = asked.get("TableArn")
    found = [one.summary() for one in reversed([*jobs]) if wanted in (None, one.table_arn)]
    first = int(asked.get("NextToken") or 0)
    end = first + size
    return found[first:end], {"NextToken": f"{end:0{width}}"} if end < len(found) else {}


def error(code: str, message: str) -> DynamodbException:
    """Return an error of the service, to be raised."""
    return DynamodbException(ERROR_TYPE_PREFIX + code, message)
