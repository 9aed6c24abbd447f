"""Where a moment of the night is in the chart's plot, in pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from hippolyte.record_form import when

WIDTH = 894
"""Of the plot: with the names beside it, the page's."""

# an export of seconds in a night of hours is still to be seen
_LEAST = 2.5
# between the edges and the first and the last hour
_MARGIN = 18
_STEPS_MINUTES = (5, 10, 15, 30, 60, 120, 180, 360, 720)
_MOST_TICKS = 13


@dataclass(frozen=True, slots=True)
class Scale:
    """From the window's start to the end of all that was done."""

    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        """Return where a moment is; one before or after the night is at its edge."""
        part = (moment - self.start) / (self.end - self.start)
        return _MARGIN + (WIDTH - 2 * _MARGIN) * min(1.0, max(0.0, part))

    def span(self, begin: str, end: str) -> tuple[float, float]:
        """Return (x, width) of a time in the night."""
        left, right = self.x(when(begin)), self.x(when(end))
        return left, max(_LEAST, right - left)

    def ticks(self, zone: tzinfo) -> Iterable[datetime]:
        """Return the moments that are marked, in UTC: round ones by the zone's clock."""
        minutes = (self.end - self.start) / timedelta(minutes=1)
        step = next((s for s in _STEPS_MINUTES if minutes / s <= _MOST_TICKS), _STEPS_MINUTES[-1])
        local = self.start.astimezone(zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        tick = midnight + timedelta(
            minutes=step * math.ceil((self.start - midnight) / timedelta(minutes=step))
        )
        while tick <= self.end:
            yield tick
            tick += timedelta(minutes=step)


def scale_of(report: Mapping[str, Any]) -> Scale:
    """The window, and what came after it; a night that went well is not squeezed by its report."""
    ends = [b["ended_at"] or report["closed_at"] for b in report["batches"] if b["started_at"]]
    ends += [r["given_back_at"] or report["closed_at"] for r in report["raised"]]
    start, deadline = when(report["start"]), when(report["deadline"])
    last = max(map(when, ends), default=start)
    # with room for the words beside the last bar
    long = max((deadline - start) * 1.03, (last - start) * 1.16, timedelta(minutes=10))
    return Scale(start, start + long)
