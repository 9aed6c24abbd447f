"""The demo's look at what DynamoDB did itself: exports, and backups imported as a trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from local.fleet.table_spec import TableSpec
from local.world import World

_DRILLS = "hippolyte-drill-"


def told(world: World, report: Mapping[str, Any]) -> list[str]:
    """Return lines for a person: which tables were exported natively, and each drill."""
    exported = ", ".join(sorted(_of_report(report))) or "none"
    lines = [f"exported by DynamoDB itself: {exported}; all others by {report['engine']}"]
    there = _tables(world)
    for one in _imports(world):
        name = _table(one)
        lines.append(
            f'restore drill: table "{name}", imported by DynamoDB: {one["ImportStatus"]}, '
            f"{one['ImportedItemCount']} items, {one['ErrorCount']} errors; the table is "
            + ("STILL THERE" if name in there else "deleted")
        )
    return lines


def native_problems(
    world: World, specs: Iterable[TableSpec], report: Mapping[str, Any]
) -> list[str]:
    """Return all that is wrong with exports and drills, by what DynamoDB says of them.

    For a night whose `native_export` names every table with point-in-time recovery.
    """
    by_name = {spec.name: spec for spec in specs}
    expected = {name for name, spec in by_name.items() if spec.recovery}
    exported = _exported(world)
    wrong: list[str] = []
    if sorted(exported) != sorted(expected):
        wrong.append(f"exported natively were {sorted(exported)}, not {sorted(expected)}")
    if _of_report(report) != expected:
        wrong.append(f"the report says native of {sorted(_of_report(report))}")
    imports = _imports(world)
    if not imports:
        wrong.append("no backup was imported as a trial")
    for one in imports:
        spec = by_name.get(_table(one).removeprefix(_DRILLS))
        came = (one["ImportStatus"], one["ImportedItemCount"], one["ErrorCount"])
        if spec is None or came != ("COMPLETED", len(spec.items()), 0):
            wrong.append(f"the drill's import into {_table(one)} came to {came}")
        elif not any(line.startswith(f"{spec.name}: restored") for line in report["drills"]):
            wrong.append(f"the report does not tell of the drill of {spec.name}")
    wrong += [f"the drill's table {n} is left" for n in _tables(world) if n.startswith(_DRILLS)]
    return wrong


def _of_report(report: Mapping[str, Any]) -> set[str]:
    return {name for name, row in report["tables"].items() if row["engine"] == "native"}


def _tables(world: World) -> list[str]:
    pages = world.client("dynamodb").get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"]]


def _exported(world: World) -> list[str]:
    """Return the tables that DynamoDB has exported, as often as it has."""
    listed = world.client("dynamodb").list_exports()["ExportSummaries"]
    return [one["ExportArn"].split("/")[1] for one in listed]


def _imports(world: World) -> list[dict[str, Any]]:
    client = world.client("dynamodb")
    arns = [one["ImportArn"] for one in client.list_imports()["ImportSummaryList"]]
    return [client.describe_import(ImportArn=arn)["ImportTableDescription"] for arn in arns]


def _table(one: Mapping[str, Any]) -> str:
    return str(one["TableArn"]).rpartition("/")[2]
