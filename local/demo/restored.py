"""The demo's other half: a table is damaged after the night, and brought back by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from local.demo.second_reader import differences
from local.fleet.table_spec import TableSpec, expected_items
from local.world import World
from tools.tf import REPOSITORY

DAMAGED = "orders"
"""The table that loses items, and has others overwritten."""
ODD = "values-every-type"
_DELETED, _OVERWRITTEN = 30, 20


def bring_back(world: World, specs: Iterable[TableSpec], console: Console) -> list[str]:
    """Damage a table, restore it beside itself, and put one item back into the live one.

    Returns:
        What is wrong after that, one sentence each; none if all is well.
    """
    by_name = {spec.name: spec for spec in specs}
    expected = expected_items(by_name[DAMAGED])
    lost, overwritten = _damage(world, expected)
    live = len(differences(expected, _items(world, DAMAGED)))
    console.print(f"damaged {DAMAGED}: {_DELETED} items deleted, {_OVERWRITTEN} overwritten")
    wrong: list[str] = [] if live else [f"{DAMAGED} was not damaged"]
    _hippolyte(world, console, "list", DAMAGED)
    said = _hippolyte(world, console, "compare", f"{DAMAGED}@latest", DAMAGED, "--json", code=1)
    found = [json.loads(line) for line in said.splitlines()]
    for kind, keys in (("left", lost), ("different", overwritten), ("right", [])):
        named = [one["key"] for one in found if one["kind"] == kind]
        if not _same(named, keys):
            wrong.append(f"compare names {len(named)} items as {kind}, {len(keys)} are, or others")
    for name in (DAMAGED, ODD):
        copy = f"{name}-restored"
        # at the table's own write capacity it would take a minute and a half
        _hippolyte(world, console, "restore", name, "--to", copy, "--on-demand")
        other = differences(expected_items(by_name[name]), _items(world, copy))
        wrong += [f"{copy}: {one}" for one in other[:3]]
        if not other:
            console.print(f"{copy} is {name} as it was: no item differs")
    wrong += _one_item(world, console, expected, lost[0])
    return wrong


def _same(some: Iterable[Any], others: Iterable[Any]) -> bool:
    one, other = (
        sorted(json.dumps(key, sort_keys=True) for key in keys) for keys in (some, others)
    )
    return one == other


def _one_item(world: World, console: Console, expected: list[Any], lost: Any) -> list[str]:
    before = len(differences(expected, _items(world, DAMAGED)))
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys"
        keys.write_text(json.dumps(lost) + "\n", encoding="utf-8")
        _hippolyte(world, console, "restore", DAMAGED, "--into", DAMAGED, "--keys", keys, "--yes")
    after = len(differences(expected, _items(world, DAMAGED)))
    if after != before - 1:
        return [f"{before} items of {DAMAGED} differed, after one was brought back {after} do"]
    console.print(f"one item is back in {DAMAGED}, the others are as they were")
    return []


def _damage(world: World, expected: list[Any]) -> tuple[list[Any], list[Any]]:
    """Delete some items and overwrite others; return the keys of both."""
    dynamodb = world.client("dynamodb")
    schema = dynamodb.describe_table(TableName=DAMAGED)["Table"]["KeySchema"]
    keys = [{k["AttributeName"]: item[k["AttributeName"]] for k in schema} for item in expected]
    deleted, overwritten = keys[:_DELETED], keys[_DELETED : _DELETED + _OVERWRITTEN]
    for key in deleted:
        dynamodb.delete_item(TableName=DAMAGED, Key=key)
    for key in overwritten:
        dynamodb.put_item(TableName=DAMAGED, Item={**key, "written": {"S": "by mistake"}})
    return deleted, overwritten


def _items(world: World, table: str) -> list[Any]:
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def _hippolyte(world: World, console: Console, *arguments: Any, code: int = 0) -> str:
    """Run the command as a person does, in a process of its own; show and return what it says."""
    given = [str(argument) for argument in arguments]
    console.print(f"$ hippolyte {' '.join(given)}", style="bold", soft_wrap=True)
    with tempfile.TemporaryDirectory() as home:
        ended = subprocess.run(
            [sys.executable, "-m", "hippolyte_cli", *given],
            cwd=REPOSITORY,
            env={**os.environ, **world.environment(), "HOME": home, "COLUMNS": "160"},
            capture_output=True,
            text=True,
            check=False,
        )
    shown = ended.stderr if "--json" in given else ended.stdout + ended.stderr
    console.print(shown, end="", markup=False, soft_wrap=True)
    if ended.returncode != code:
        raise RuntimeError(f"hippolyte {given[0]} ended with exit code {ended.returncode}")
    return ended.stdout
