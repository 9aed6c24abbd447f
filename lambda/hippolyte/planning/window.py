"""When a night runs, and the id that every delivery for it gives its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hippolyte.record_form import iso


@dataclass(frozen=True, slots=True)
class Night:
    """When a night runs, and after which one. `now` is when it is planned."""

    start: datetime
    deadline: datetime
    now: datetime
    previous_run: str | None = None
    # globs of a part's tables; none: all
    part: tuple[str, ...] = ()
    # the rows of the last night's report, by table: since when each has no newer good backup
    before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run's id: its window's start, `2026-11-24T00-00Z`; a part's, `...T10-30-17Z`."""
        return part_id(self.start) if self.part else run_id(self.start)


def run_id(start: datetime) -> str:
    """Return the id of the run whose window starts at `start` (a legal S3 and Hadoop path)."""
    return iso(start)[:16].replace(":", "-") + "Z"


def part_id(start: datetime) -> str:
    """Return the id of a run of some tables: its seconds tell it from any night in a listing."""
    return iso(start)[:19].replace(":", "-") + "Z"
