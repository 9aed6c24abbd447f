"""Makes a restore's table, or finds the one that it made before, and waits until it can be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte.errors import HippolyteError, code_of, passes
from hippolyte_cli.restore.answers import MARKER
from hippolyte_cli.restore.definition import AWS_MANAGED, TablePlan
from hippolyte_cli.troubles import remedied
from hippolyte_cli.waiting import working

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AGAIN = "run the same command again: it goes on from there"
# a table in these states is never ACTIVE again by itself
_ENDS = ("DELETING", "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "ARCHIVING", "ARCHIVED")


class NotMadeError(HippolyteError):
    """When a table cannot be made, or is not ready in time; the message says what to do."""


def _silent(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait for the service, in seconds, and whom to tell what is waited for."""

    seconds: float = 3600.0
    pause: float = 5.0
    told: Callable[[str], object] = _silent
    sleep: Callable[[float], object] = time.sleep
    now: Callable[[], float] = time.monotonic

    def tries(self) -> Iterator[None]:
        """Yield at once, then after each pause, until the time is over."""
        end = self.now() + self.seconds
        yield
        while self.now() < end:
            self.sleep(self.pause)
            yield


def make(
    client: DynamoDBClient,
    plan: TablePlan,
    waits: Waits,
    made: Callable[[], object] = lambda: None,
) -> Mapping[str, Any]:
    """Make the table of a plan, and return it as DescribeTable does once it is ACTIVE.

    A table of this name is taken for ours if it bears the plan's marker: made by the same restore
    before, or by a call whose answer was lost. `made` is called once it is there, ready or not.

    Raises:
        NotMadeError: another table has the name, the service refuses, or it takes too long.
    """
    with working(f"making the table {plan.name}"):
        _create(client, plan, waits)
    made()
    return wait_active(client, plan.name, waits)


def wait_active(client: DynamoDBClient, name: str, waits: Waits) -> Mapping[str, Any]:
    """Return a table as DescribeTable does once it and its indexes are ACTIVE.

    Raises:
        NotMadeError: it never will be, or it takes too long.
    """
    state = "not there"
    with working(f"waiting for the table {name}") as step:
        for _ in waits.tries():
            table = described(client, name)
            if table is None:
                # a new table may be unknown for a moment (API DescribeTable)
                continue
            state = _state(table)
            if state == "ACTIVE":
                return table
            if (status := table["TableStatus"]) in _ENDS:
                raise NotMadeError(f"{name} is {status}: nothing can be loaded into it")
            step(f"it is {state}")
            waits.told(f"{name} is {state}")
    raise NotMadeError(f"{name} is {state} after {waits.seconds:.0f} s; {_AGAIN}")


def _create(client: DynamoDBClient, plan: TablePlan, waits: Waits) -> None:
    said = ""
    for _ in waits.tries():
        try:
            client.create_table(**plan.request)
        except ClientError as error:
            said = remedied(error).rstrip(".")
            if code_of(error) == "ResourceInUseException":
                if _is_ours(client, plan):
                    return
                waits.told(f"the table {plan.name} that was there is being deleted")
            elif passes(error):
                waits.told(f"{plan.name} cannot be made yet: {said}")
            else:
                raise NotMadeError(
                    f"{plan.name} cannot be made: {said}{_hint(plan, str(error))}"
                ) from error
        else:
            return
    raise NotMadeError(f"{plan.name} could not be made in {waits.seconds:.0f} s: {said}; {_AGAIN}")


def _hint(plan: TablePlan, said: str) -> str:
    """Return what to do about a key that cannot be used: in a description all keys look alike."""
    key = plan.request.get("SSESpecification", {}).get("KMSMasterKeyId")
    if not key or not {"kms", "key"} & set(said.lower().replace(":", " ").split()):
        return ""
    return f"; its key was {key}: name another with --key, or {AWS_MANAGED} if it was AWS's own"


def _is_ours(client: DynamoDBClient, plan: TablePlan) -> bool:
    """Say whether the table that has the name is of this restore; False if it is about to go.

    Raises:
        NotMadeError: it is another's.
    """
    table = described(client, plan.name)
    if table is None or table["TableStatus"] == "DELETING":
        return False
    marks = marks_of(client, table["TableArn"])
    if not plan.marker or marks != [plan.marker]:
        whose = f"of another restore ({marks[0]})" if marks else "not of this restore"
        raise NotMadeError(
            f"a table {plan.name} exists, and it is {whose}: give another name with --to, or load "
            "into it with --into"
        )
    if table["KeySchema"] != plan.request["KeySchema"]:
        raise NotMadeError(f"the table {plan.name} of this restore has another key: delete it")
    return True


def marks_of(client: DynamoDBClient, arn: str) -> list[str]:
    """Return the marker that a table bears, of who began it; none: nobody did."""
    tags = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return [tag["Value"] for page in tags for tag in page["Tags"] if tag["Key"] == MARKER]


def described(client: DynamoDBClient, name: str) -> Mapping[str, Any] | None:
    """Return DescribeTable's `Table`, None if there is none."""
    try:
        return client.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return None


def _state(table: Mapping[str, Any]) -> str:
    """Return the table's status, or what is not ready of an ACTIVE one."""
    status: str = table["TableStatus"]
    if status != "ACTIVE":
        return status
    for index in table.get("GlobalSecondaryIndexes", []):
        # absent: nothing is being done to it
        if index.get("IndexStatus", "ACTIVE") != "ACTIVE":
            return f"ACTIVE, its index {index['IndexName']} {index['IndexStatus']}"
    return "ACTIVE"
