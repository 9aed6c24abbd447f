"""A table for one verification: planned, found again where one was left, deleted.

Each has a name of its own, so that two that are verified at once have nothing to do with each
other, and bears a mark: no table without it is written into or deleted.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte.errors import ConfigurationError, HippolyteError, code_of, passes
from hippolyte.record_form import iso
from hippolyte_cli.restore.answers import MARKER
from hippolyte_cli.restore.definition import ON_DEMAND, TablePlan, as_described, plan_of
from hippolyte_cli.restore.make import Waits, described, marks_of
from hippolyte_cli.troubles import remedied

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

START = "hippolyte-verify-"
_MARK = "verify "
_LONGEST_NAME = 255
_TOKEN_BYTES = 4
# of the table that it was: neither indexes nor class, limits or settings, which items do not need
_WANTED = ("TableName", "TableArn", "KeySchema", "AttributeDefinitions", "SSEDescription")


class LeftError(HippolyteError):
    """When a scratch table could not be deleted; the message names it."""


@dataclass(frozen=True, slots=True)
class Left:
    """A table of an earlier verification, which was killed or still runs. `begun`: ISO text."""

    name: str
    mark: str

    @property
    def begun(self) -> str:
        """When it was begun."""
        return self.mark.removeprefix(_MARK).partition(" ")[0]


def planned(
    definition: Mapping[str, Any] | None,
    settings: Mapping[str, Any] | None,
    table: str,
    now: datetime,
    key: str | None = None,
) -> TablePlan:
    """Plan a table for a backup's items: on-demand, with its key and encryption, and nothing else.

    Args:
        definition, settings: of the table then, as the catalogue has them.
        table: its name.
        now: the mark says when.
        key: ARN of another KMS key than it had, `aws-managed` or `aws-owned`.

    Raises:
        ConfigurationError: what its key was is not kept.
    """
    was = as_described(definition, settings)
    if not was.get("KeySchema"):
        raise ConfigurationError(
            f"that night's entry of {table} has no definition of the table (it was lost): verify "
            "another night's with --at, or restore it with --settings-from and compare"
        )
    token = secrets.token_hex(_TOKEN_BYTES)
    plan = plan_of(
        {name: was[name] for name in _WANTED if name in was},
        None,
        _start(table) + token,
        billing=ON_DEMAND,
        key=key,
        marker=f"{_MARK}{iso(now)} {token}",
    )
    return replace(plan, after=(), differs=())


def _start(table: str) -> str:
    """Return how the names begin of all tables that verify backups of a table."""
    return f"{START}{table}"[: _LONGEST_NAME - 2 * _TOKEN_BYTES - 1] + "-"


def left_of(client: DynamoDBClient, table: str) -> list[Left]:
    """Return the tables that earlier verifications of a table's backups have left."""
    form = re.compile(rf"{re.escape(_start(table))}[0-9a-f]{{{2 * _TOKEN_BYTES}}}")
    pages = client.get_paginator("list_tables").paginate()
    names = [name for page in pages for name in page["TableNames"] if form.fullmatch(name)]
    found = ((name, _mark_of(client, name)) for name in names)
    return [Left(name, mark) for name, mark in found if mark]


def _mark_of(client: DynamoDBClient, name: str) -> str:
    """Return the mark of a scratch table; nothing: it is none, or about to go."""
    table = described(client, name)
    if table is None or table["TableStatus"] == "DELETING":
        return ""
    return next((mark for mark in marks_of(client, table["TableArn"]) if _is_mark(mark)), "")


def _is_mark(mark: str) -> bool:
    return mark.startswith(_MARK)


def may_be_deleted(client: DynamoDBClient, name: str) -> None:
    """Ask for a table that is not there yet to be deleted: who may not is told so beforehand.

    Raises:
        ClientError: it is not allowed.
        HippolyteError: a table of the name is there.
    """
    if described(client, name) is not None:
        raise HippolyteError(f"a table {name} is there already: call it again, for another name")
    try:
        client.delete_table(TableName=name)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise


def delete(client: DynamoDBClient, one: Left, waits: Waits) -> None:
    """Delete a scratch table if it is there and bears its mark.

    Raises:
        LeftError: it could not be deleted.
    """
    said = f"after {waits.seconds:.0f} s"
    for _ in waits.tries():
        try:
            table = described(client, one.name)
            if table is None or table["TableStatus"] == "DELETING":
                return
            if one.mark not in marks_of(client, table["TableArn"]):
                # its tag is not to be seen at once
                said = f"it does not bear the mark {MARKER} = {one.mark}"
                continue
            client.delete_table(TableName=one.name)
        except ClientError as error:
            said = remedied(error).rstrip(".")
            if not passes(error) and code_of(error) != "LimitExceededException":
                break
        else:
            return
    raise LeftError(
        f"the table {one.name} is LEFT, it could not be deleted: {said}. Delete it, or let the "
        "next verification of the same table to level 4 do it"
    )
