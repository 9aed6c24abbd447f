"""What the two arguments of `hippolyte compare` may be, and how a side is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from hippolyte.clients import configuration
from hippolyte.errors import ConfigurationError, code_of
from hippolyte.exports.reader import Backup
from hippolyte.record_form import when
from hippolyte_cli.backups import Backups
from hippolyte_cli.backups_place import backups_in, is_place
from hippolyte_cli.compare.sides import Side
from hippolyte_cli.restore.answers import answers, ttl_attribute
from hippolyte_cli.restore.keys import key_names
from hippolyte_cli.restore.source import Found, lying, night
from hippolyte_cli.session import credentials_of


@dataclass(frozen=True, slots=True)
class Where:
    """Where a side's backups and tables are; see the command's options."""

    function: str
    bucket: str | None
    prefix: str
    region: str | None
    account: str | None
    of_region: str | None
    profile: str | None = None

    def backups(self) -> Backups:
        """Return the deployment's backups."""
        return backups_in(
            self.function, self.bucket, self.prefix, self.region, self.account, self.of_region
        )


@dataclass(frozen=True, slots=True)
class Live:
    """A live table, described and not yet read; `text_bytes`: about how long its items are."""

    name: str
    arn: str
    table_id: str
    keys: tuple[str, ...]
    ttl: str | None
    region: str | None
    profile: str | None
    text_bytes: int

    @property
    def location(self) -> str:
        """What it is, for good."""
        return f"{self.arn} {self.table_id}"


def opened(text: str, where: Where) -> Side | Live:
    """Return the side that an argument names; a live table is not read yet.

    Raises:
        ConfigurationError, NoBackupError: it is none, or there is none.
        FormatError: a backup is not whole; with the file.
    """
    with credentials_of(where.profile):
        if text.startswith("arn:"):
            return _live(text, where)
        if is_place(text):
            return _side(lying(text, where.region), where)
        table, at, moment = text.partition("@")
        if not at:
            return _live(text, where)
        if not (table and moment):
            raise ConfigurationError(f"{text}: a night's table is TABLE@WHEN, as orders@latest")
        return _side(night(where.backups(), table, moment, None), where)


def _side(found: Found, where: Where) -> Side:
    kept, backup = found.kept, found.backup
    schema = (found.definition or {}).get("KeySchema")
    began = when(kept.began) if kept and kept.began else kept.night if kept else _began(backup)
    return Side(
        name=found.name,
        location=found.location,
        backup=backup,
        keys=key_names(schema) if schema else (),
        began=began,
        ttl=_ttl(found.settings),
        profile=where.profile,
    )


def _began(backup: Backup) -> Any:
    """Return when a backup's reading began, as far as its own files say it."""
    summary = backup.summary
    if summary is None:
        return None
    return summary.scanned.begun if summary.scanned else summary.export_time or summary.start


def _ttl(settings: Mapping[str, Any] | None) -> str | None:
    found = ttl_attribute(settings)
    return found or ("" if answers(settings, "DescribeTimeToLive") else None)


def _live(text: str, where: Where) -> Live:
    region = text.split(":")[3] if text.startswith("arn:") else where.region
    client = boto3.client("dynamodb", region_name=region, config=configuration())
    try:
        table: Any = client.describe_table(TableName=text)["Table"]
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            raise ConfigurationError(
                f"there is no table {text} in {client.meta.region_name}. A backup is "
                f"{text}@latest, or a place: s3://..., ./folder"
            ) from error
        raise
    return Live(
        name=f"{table['TableName']} (live)",
        arn=table["TableArn"],
        table_id=str(table.get("TableId") or table["CreationDateTime"]),
        keys=key_names(table["KeySchema"]),
        ttl=_live_ttl(client, text),
        region=region,
        profile=where.profile,
        text_bytes=table.get("TableSizeBytes", 0),
    )


def _live_ttl(client: Any, table: str) -> str | None:
    try:
        answer = client.describe_time_to_live(TableName=table)
    except ClientError:
        # only --ignore-expired asks for it
        return None
    return _ttl({"answers": {"DescribeTimeToLive": [answer]}})
