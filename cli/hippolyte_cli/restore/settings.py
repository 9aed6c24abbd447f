"""Puts back what a table was set to: does a plan's steps, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import HippolyteError, code_of, passes
from hippolyte_cli.restore.make import Waits, wait_active
from hippolyte_cli.restore.steps import DYNAMODB, Step, elsewhere
from hippolyte_cli.troubles import remedied
from hippolyte_cli.waiting import working

# a step that is not taken by then is told, and does not hold up the others
_PATIENCE_SECONDS = 300.0
# a new table's point-in-time recovery is not to be had at once (API UpdateContinuousBackups), nor
# its Contributor Insights, of which the words alone tell (seen in October 2026)
_YET_CODE, _YET_WORDS = "ContinuousBackupsUnavailableException", "must be ACTIVE to enable"
# what is said of a step that was done before: "TimeToLive is already enabled", "Table already has
# an enabled stream", and of a Kinesis stream that is on
_DONE_WORDS = ("already", "must be DISABLED or ENABLE_FAILED to perform ENABLE")


@dataclass(frozen=True, slots=True)
class NotDone:
    """A step that was refused, and the service's words."""

    step: Step
    why: str


def put_back(
    dynamodb: Any,
    scaling: Any,
    table: str,
    steps: Sequence[Step],
    waits: Waits,
    *,
    expected: str = "",
    began: Callable[[Step], object] | None = None,
) -> list[NotDone]:
    """Do steps in their order; return those that were refused, which do not hold up the others.

    Done again they change nothing.

    Args:
        dynamodb: the client of the new table's account and Region.
        scaling: that of Application Auto Scaling.
        table: the new table's name.
        steps: of its plan.
        waits: how to wait; of the time at most five minutes for each step.
        expected: the ARN that the steps were planned for; it is replaced by the table's own.
        began: is told each step before it is done.
    """
    waits = replace(waits, seconds=min(waits.seconds, _PATIENCE_SECONDS))
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    refused = []
    for planned in steps:
        step = elsewhere(planned, expected or arn, arn)
        if began:
            began(step)
        try:
            client = dynamodb if step.service == DYNAMODB else scaling
            with working(f"putting back {step.name}"):
                _do(client, dynamodb, table, step, waits)
        except (ClientError, BotoCoreError, HippolyteError) as error:
            refused.append(NotDone(step, remedied(error)))
    return refused


def _do(client: Any, dynamodb: Any, table: str, step: Step, waits: Waits) -> None:
    call = getattr(client, xform_name(step.operation))
    if step.operation == "UpdateTable":
        now = wait_active(dynamodb, table, waits)
        if all(now.get(name) == value for name, value in step.asked.items()):
            return
    last: ClientError | None = None
    for _ in waits.tries():
        try:
            call(**step.asked)
        except ClientError as error:
            if _is_done(error):
                return
            if not passes(error) and not _is_early(error):
                raise
            last = error
            waits.told(f"{step.name}: not yet ({remedied(error)})")
        else:
            return
    assert last is not None
    raise last


def _is_done(error: ClientError) -> bool:
    """Say whether a step is refused because it was done before."""
    return any(words in _message(error) for words in _DONE_WORDS)


def _is_early(error: ClientError) -> bool:
    """Say whether a step is refused because the table is new, or still in another change."""
    return code_of(error) == _YET_CODE or _YET_WORDS in _message(error)


def _message(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Message", "")
