"""Plans a night without an account: from descriptions of tables, and settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from hippolyte.asked import refuse_unknown
from hippolyte.engines.datapipeline import DataPipelineEngine
from hippolyte.engines.emr import EmrEngine
from hippolyte.engines.lambda_ import LambdaEngine
from hippolyte.planning.plan import Plan
from hippolyte.planning.planner import make_plan
from hippolyte.planning.window import Night
from hippolyte.settings import Settings
from hippolyte.tables.table import Inventory, Limits, Table, Tags

# what an account has before anybody asks for more (Lambda guide, "Lambda quotas")
_CONCURRENCY = 1000
_NOT_SEEN = (
    "planned from descriptions: quotas are AWS's defaults, nothing scales, no table is known to be "
    "empty, tags are unknown, and there is no history: times are by formula"
)
_ENGINES: dict[str, Any] = {
    "lambda": LambdaEngine,
    "emr": EmrEngine,
    "datapipeline": DataPipelineEngine,
}


def offline_plan(
    tables: Iterable[Table], settings: Settings, globs: tuple[str, ...], now: datetime
) -> Plan:
    """Return the plan of a window that begins now; `globs` name a part of the tables, none: all.

    Raises:
        RefusedError: a glob matches no table.
    """
    no_tags = Tags(error="descriptions hold no tags") if settings.tables.by_tag else Tags()
    inventory = Inventory(
        tuple(sorted(tables, key=lambda table: table.name)),
        Limits(unreserved_concurrency=_CONCURRENCY),
        warnings=(_NOT_SEEN,),
        tags=no_tags,
    )
    refuse_unknown(globs, inventory.names)
    start = now.replace(microsecond=0) if globs else now.replace(second=0, microsecond=0)
    night = Night(start, start + timedelta(seconds=settings.window_seconds), start, None, globs)
    limit, in_turn = _habits(settings.engine)
    return make_plan(inventory, settings, night, limit, in_turn)


def _habits(engine: str) -> tuple[int, bool]:
    """Return how many tables an engine's batch holds, and whether each is raised in its turn."""
    own: dict[str, Any] = {field.name: field.default for field in fields(_ENGINES[engine])}
    return int(own["tables_per_batch"]), bool(own["raises_per_job"])
