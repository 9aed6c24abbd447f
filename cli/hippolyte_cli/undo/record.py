"""What `hippolyte undo --json` prints: one object, its changes one after the other from disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, Any

from hippolyte_cli.restore.record import backup_record
from hippolyte_cli.undo.change import Change
from hippolyte_cli.undo.run import Left
from hippolyte_cli.undo.task import Task
from hippolyte_cli.undo.view import usd


def write_record(file: IO[str], task: Task, error: str | None = None) -> None:
    """Write an undo as one line of JSON; of its lists no more than an element is in memory.

    Args:
        file: to be written to.
        task: whose plan is still on disk.
        error: why it is not complete.
    """
    file.write(json.dumps(_head(task, error))[:-1])
    _write_list(file, "changes", map(change_record, task.changes()))
    left = Left(task.folder).read()
    _write_list(file, "left_alone", ({n: one[n] for n in ("do", "key", "why")} for one in left))
    file.write("}\n")
    file.flush()


def change_record(change: Change) -> dict[str, Any]:
    """Return a change: of one that changes back each attribute as it is and will be."""
    record: dict[str, Any] = {"do": change.do, "key": change.key}
    if change.do == "change":
        was = change.was or {}
        record["attributes"] = {
            name: {"from": was.get(name), "to": value} for name, value in change.to.items()
        }
    else:
        record["item"] = change.after() or change.was
    return record


def _write_list(file: IO[str], name: str, records: Iterable[object]) -> None:
    file.write(f", {json.dumps(name)}: [")
    for number, record in enumerate(records):
        file.write((", " if number else "") + json.dumps(record))
    file.write("]")


def _head(task: Task, error: str | None) -> dict[str, Any]:
    target, made, totals = task.target, task.made, task.totals
    rate = target.rate()
    return {
        "table": target.name,
        "backup": backup_record(target.found),
        "compared": None
        if task.goes_on
        else {
            "then": totals.left_items,
            "now": totals.right_items,
            "equal": totals.equal,
            "different": totals.different,
            "only_then": totals.left_only,
            "only_now": totals.right_only,
            "left_out": totals.left_out,
        },
        "would": _by_do(task.would),
        "write_units": task.units,
        "units_a_second": rate.writes,
        "seconds": task.units / rate.writes,
        "usd": usd(task.units, task.read_units) if target.on_demand else 0.0,
        "complete": task.whole,
        "before": made.before if made else 0,
        "done": _by_do(made.done if made else {}),
        "kept_in": task.agreed.kept_in if task.agreed and task.agreed.kept else None,
        "error": error,
    }


def _by_do(counts: Any) -> dict[str, int]:
    return {do: counts.get(do, 0) for do in ("change", "put", "delete")}
