"""A table that was left out as a global table's replica, and is one no more, is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.harness import NightDriver, next_night, verdicts

LEFT = "no more"
KINDS = ["replicas", "legacy_replicas"]


def told(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return what a report's alerts and warnings say of former replicas."""
    alerts, warnings = (
        [line for line in report[kind] if LEFT in line] for kind in ("alerts", "warnings")
    )
    return alerts, warnings


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_told_the_night_it_is_seen_and_warned_of_after(night: NightDriver, kind: str) -> None:
    night.configure(tables={"exclude": ["copy*"]})
    for name in ("copy", "copy-2", "orders"):
        night.table(name, **{kind: ("eu-west-1",)})
    night.table("copy-never")
    first = night.night()
    assert verdicts(first)["copy"] == "skipped"
    assert told(first) == ([], [])
    rows = {name: row["replica"] for name, row in first["tables"].items()}
    assert rows == {"copy": True, "copy-2": True, "copy-never": None, "orders": None}

    night.world.set_table("copy", **{kind: ()})
    line = (
        "copy is a global table's replica no more, and is still left out (excluded by 'copy*'): "
        "nothing backs it up; take it out of the rules of `tables`"
    )
    assert told(next_night(night)) == ([line], [])
    (alert,) = night.attention
    assert line in alert["message"]
    assert told(next_night(night, days=2)) == ([], [line])


def test_it_is_silent_once_it_is_backed_up_or_a_replica_again(night: NightDriver) -> None:
    night.configure(tables={"exclude": ["copy*"]})
    for name in ("copy-1", "copy-2"):
        night.table(name, replicas=("eu-west-1",))
    night.night()
    for name in ("copy-1", "copy-2"):
        night.world.set_table(name, replicas=())
    (line,), _ = told(next_night(night))
    assert line.startswith("copy-1, copy-2 are global tables' replicas no more")
    night.configure(tables={"exclude": ["copy-2"]})
    night.world.set_table("copy-2", replicas=("eu-west-1",))
    assert told(next_night(night, days=2)) == ([], [])
    assert told(next_night(night, days=3)) == ([], [])


def test_what_cannot_be_seen_tonight_is_not_called_a_replica_no_more(night: NightDriver) -> None:
    night.configure(tables={"exclude": ["copy"]})
    night.table("copy", legacy_replicas=("eu-west-1",))
    night.night()
    night.world.deny("dynamodb:ListGlobalTables")
    second = next_night(night)
    assert told(second) == ([], [])
    assert second["tables"]["copy"]["replica"] is True


def test_a_table_made_anew_under_its_name_is_told_too(night: NightDriver) -> None:
    night.configure(tables={"exclude": ["copy"]})
    night.table("copy", replicas=("eu-west-1",))
    night.night()
    night.dynamodb.delete_table(TableName="copy")
    night.table("copy")
    alerts, _ = told(next_night(night))
    assert len(alerts) == 1
