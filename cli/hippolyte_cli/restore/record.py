"""What `hippolyte restore --json` prints: one object, also of a dry run and of what broke off."""

from __future__ import annotations

from typing import Any

from hippolyte_cli.restore.offer import Offer, item_count
from hippolyte_cli.restore.source import Found
from hippolyte_cli.restore.task import Task


def record_of(task: Task, error: str | None = None) -> dict[str, Any]:
    """Return a restore as `--json` prints it; `error`: why it is not complete."""
    asked, target, would = task.asked, task.target, task.would
    offer, loaded = Offer.of(target), task.loaded
    return {
        "backup": backup_record(target.found),
        "table": target.name,
        "via": asked.via,
        "mode": asked.mode,
        "units_a_second": None if offer.imported else offer.rate.writes,
        "write_units": None if offer.imported else offer.units,
        "seconds": offer.seconds,
        "usd": offer.usd,
        "create_table": task.plan.request if task.plan else None,
        "steps": [step.name for step in task.steps],
        "differs": list(task.plan.differs) if task.plan else [],
        "would": would
        and {"new": would.new, "changed": would.written - would.new, "same": would.same},
        "complete": task.whole,
        "items": task.items or loaded.before + loaded.read,
        "written": loaded.written,
        "past_time_to_live": task.past,
        "not_put_back": task.not_put_back,
        "error": error,
    }


def backup_record(found: Found) -> dict[str, Any]:
    """Return a backup as `--json` prints it."""
    kept = found.kept
    return {
        "location": found.location,
        "table": kept.table if kept else None,
        "run": kept.run if kept else None,
        "verified_level": kept.level if kept else None,
        "damage": list(kept.damage) if kept else [],
        "items": item_count(found),
    }
