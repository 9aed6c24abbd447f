"""What nights with native exports share: tables with recovery on, and what became of them."""

from __future__ import annotations

from typing import Any

from hippolyte.exports.reader import Prefix, find
from hippolyte.store import Store
from tests.support.harness import ACCOUNT, BUCKET, REGION, RUN, NightDriver

ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"


def native(night: NightDriver, name: str, on: bool = True, **table: Any) -> None:
    """Make a table with its point-in-time recovery on, or off."""
    night.table(name, **table)
    recover(night, name, on)


def recover(night: NightDriver, name: str, on: bool) -> None:
    """Switch a table's point-in-time recovery on or off."""
    night.dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
    )


def anew(night: NightDriver, name: str, on: bool = True, **table: Any) -> None:
    """Delete a table and make another one of its name, now."""
    night.dynamodb.delete_table(TableName=name)
    native(night, name, on, created_at=night.world.clock.now(), **table)


def exports(night: NightDriver) -> list[dict[str, Any]]:
    """Return what DescribeExport says of each export, the newest first."""
    listed = night.dynamodb.list_exports()["ExportSummaries"]
    told = [night.dynamodb.describe_export(ExportArn=one["ExportArn"]) for one in listed]
    return [one["ExportDescription"] for one in told]


def entry(night: NightDriver, table: str, run: str = RUN) -> dict[str, Any] | None:
    """Return a table's backup in the catalogue, None if there is none."""
    found = Store(night.s3, BUCKET).read(f"catalog/{ACCOUNT}/{REGION}/{table}/{run}.json")
    return found[0] if found else None


def items(night: NightDriver, table: str, attempt: int = 1) -> set[str]:
    """Return the keys of a backup's items, as a restore reads them."""
    directory = f"backups/{ACCOUNT}/{REGION}/{table}/{RUN}-{attempt}/"
    return {i["pk"]["S"] for i in find(Prefix(Store(night.s3, BUCKET), directory)).items()}
