"""Reads a plan that `hippolyte plan --json` printed, or that a run left on S3."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hippolyte.errors import ConfigurationError, RefusedError
from hippolyte.planning.plan import Job, Plan
from hippolyte.record_form import VERSION, iso
from hippolyte.settings_form import build
from hippolyte.store import unpacked

# bytes; the plan of 100,000 tables is below
_MOST = 128 << 20
_NAMED = 5


def read_plan(path: Path) -> dict[str, Any]:
    """Return a plan's record.

    Raises:
        RefusedError: it cannot be read, is no plan, or is one of a version that this one does not
            know.
    """
    try:
        if path.stat().st_size > _MOST:
            raise RefusedError(f"--compare {path} is no plan: it has more than {_MOST >> 20} MB")
        record = json.loads(unpacked(path.read_bytes()))
    except OSError as error:
        raise RefusedError(f"--compare {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, RecursionError, zlib.error) as error:
        raise RefusedError(f"--compare {path} is no plan: it is not JSON ({error})") from error
    if not isinstance(record, dict) or "batches" not in record:
        raise RefusedError(f"--compare {path} is no plan, as `hippolyte plan --json` prints it")
    version = record.get("version")
    if version != VERSION:
        raise RefusedError(
            f"--compare {path} is a plan of version {version!r}, and this command knows {VERSION}: "
            "plan again with this version, or compare by the version that made it"
        )
    try:
        plan = Plan.from_record(record)
    except (ConfigurationError, AttributeError, TypeError) as error:
        raise RefusedError(f"--compare {path}: {error}") from error
    if faults := list(_faults(plan)):
        raise RefusedError(f"--compare {path} is no plan: {'; '.join(faults[:_NAMED])}")
    return plan.to_record()


def _faults(plan: Plan) -> Iterator[str]:
    """Yield what is not of its kind: a record's form is known, its values may be anything."""
    if not all(isinstance(each, dict) for each in (plan.cost, plan.undescribed)):
        yield "cost and undescribed must be objects"
        return
    if not all(isinstance(name, str) for name in plan.empty):
        yield "empty must be names"
    if plan.deadline <= plan.start:
        yield f"its window ends at {iso(plan.deadline)}, which is no later than its start"
    money = {"cost_usd": plan.cost_usd, "storage_usd": plan.storage_usd or 0, **plan.cost}
    for name, usd in money.items():
        if not isinstance(usd, int | float):
            yield f"{name} must be a number, got {usd!r}"
    for batch in plan.batches:
        for name, at in (("begins", batch.begins), ("ends", batch.ends)):
            if not isinstance(at, int | None):
                yield f"{name} of batch {batch.batch_id} must be a whole number, got {at!r}"
        for job in batch.jobs:
            problems: list[str] = []
            build(Job, asdict(job), {}, problems)
            yield from (f"{job.table}: {problem}" for problem in problems)
