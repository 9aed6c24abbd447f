"""What `hippolyte undo --json` prints: one object, also of a dry run and of what broke off."""

from __future__ import annotations

from typing import Any

from hippolyte_cli.undo.task import Task


def record_of(task: Task, error: str | None = None) -> dict[str, Any]:
    """Return an undo as `--json` prints it; `error`: why it is not complete."""
    target, totals, agreed, made = task.target, task.totals, task.agreed, task.made
    kept = target.found.kept
    # one that goes on does not compare again
    compared = None
    if not task.goes_on:
        compared = {
            "that_night": totals.left_items,
            "now": totals.right_items,
            "equal": totals.equal,
            "different": totals.different,
            "only_that_night": totals.left_only,
            "only_now": totals.right_only,
            "left_out": totals.left_out,
        }
    some = [change for found in task.counts.examples.values() for change in found]
    return {
        "table": target.name,
        "run": kept.run if kept else None,
        "location": target.found.location,
        "compared": compared,
        "changes": agreed.changes if agreed else dict(task.counts.changes),
        "examples": [
            {"do": one.do, "key": one.key, "was": one.was, "to": one.to if one.to else None}
            for one in some
        ],
        "write_units": agreed.units if agreed else task.counts.units,
        "kept": agreed.kept if agreed else task.counts.kept,
        "kept_in": agreed.kept_in if agreed and agreed.kept else None,
        "complete": made.complete and not made.left if made else None,
        "done": made.before + made.seen - made.left if made else 0,
        "left_alone": made.left if made else 0,
        "left_alone_examples": task.left_alone,
        "error": error,
    }
