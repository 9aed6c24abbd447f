"""Point-in-time recovery of tables, within the rate that DescribeContinuousBackups allows."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import code_of
from hippolyte.tables.patience import Patience
from hippolyte.tables.table import Recovery, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_log = logging.getLogger(__name__)

# "at a maximum rate of 10 times per second" (API DescribeContinuousBackups), less for others
CALLS_A_SECOND = 8.0


def recovery_of(dynamodb: DynamoDBClient, table: str) -> Recovery:
    """Return a table's recovery; one that is gone has none.

    Raises:
        ClientError, BotoCoreError: it cannot be asked now.
    """
    try:
        answer: Any = dynamodb.describe_continuous_backups(TableName=table)
    except ClientError as error:
        if code_of(error) in ("TableNotFoundException", "ResourceNotFoundException"):
            return Recovery()
        raise
    told = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription") or {}
    return Recovery(
        on=told.get("PointInTimeRecoveryStatus") == "ENABLED",
        earliest=told.get("EarliestRestorableDateTime"),
        latest=told.get("LatestRestorableDateTime"),
    )


def read_recoveries(
    dynamodb: DynamoDBClient, tables: Iterable[str], patience: Patience
) -> dict[str, Recovery]:
    """Return the recovery of tables, one call after the other; what is not known says why."""

    def ask(table: str) -> Recovery:
        time.sleep(1 / CALLS_A_SECOND)
        return recovery_of(dynamodb, table)

    answers = patience.ask_each(ask, tables, 1)
    failed = {n: found for n, found in answers.items() if not isinstance(found, Recovery)}
    for name in list(failed)[:1]:
        _log.warning("recovery of %d tables is not known: %s: %s", len(failed), name, failed[name])
    return {
        name: found if isinstance(found, Recovery) else Recovery(error=_said(found))
        for name, found in answers.items()
    }


def with_recovery(
    dynamodb: DynamoDBClient, tables: Iterable[Table], names: Iterable[str], patience: Patience
) -> tuple[Table, ...]:
    """Return tables, those of some names with what is known of their recovery."""
    known = read_recoveries(dynamodb, names, patience)
    return tuple(replace(t, recovery=known.get(t.name)) for t in tables)


def _said(error: ClientError | BotoCoreError | TimeoutError) -> str:
    return code_of(error) if isinstance(error, ClientError) else str(error)
