"""What is said before a restore begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from hippolyte_cli.backups import Home, kept_of
from hippolyte_cli.restore.offer import Offer
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.source import Found, lying
from hippolyte_cli.restore.target import cost_of_indexes
from tests.support.exports import ITEMS, tool_export

ENTRY = {
    "table": "orders",
    "run_id": "2026-11-24T00-00Z",
    "location": "s3://b/x",
    "items": len(ITEMS),
    "bytes": 9,
    "files": 4,
}


def first_line(folder: Path, **entry: object) -> str:
    for name, data in tool_export(ITEMS).items():
        (folder / name).write_bytes(data)
    kept = kept_of(Home("1", "us-east-1"), ENTRY | entry)
    backup = lying(str(folder), None).backup
    found = Found("orders", "s3://b/x", backup, kept=kept)
    return next(Offer(found, len(ITEMS), 0, Rate(100.0), False, "").lines())


def test_how_it_was_verified_is_said(tmp_path: Path) -> None:
    assert "verified to level 1. From s3://b/x" in first_line(tmp_path)
    read = {"level": 2, "levels": [1, 2]}
    assert "verified to level 2. From s3://b/x" in first_line(tmp_path, verified=read)


def test_damage_that_was_found_is_said_before_anything_is_done(tmp_path: Path) -> None:
    harmed = {"level": 1, "levels": [1], "damage": ["f, line 3: no item"]}
    line = first_line(tmp_path, verified=harmed)
    assert "level 1, and found DAMAGED since: f, line 3: no item (`hippolyte verify` says" in line


INDEX = {"IndexName": "by-a"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, ""),
        (
            {"GlobalSecondaryIndexes": [INDEX], "LocalSecondaryIndexes": [INDEX]},
            "; as much again for what each of 2 indexes holds",
        ),
        ({"VectorIndexes": [INDEX]}, "; what 1 vector index takes is not in it"),
        (
            {"GlobalSecondaryIndexes": [INDEX], "VectorIndexes": [INDEX, INDEX]},
            "; as much again for what each of 1 index holds"
            "; what 2 vector indexes take is not in it",
        ),
    ],
)
def test_what_indexes_cost_is_said_of_each_kind(table: dict[str, object], said: str) -> None:
    assert cost_of_indexes(table) == said
