"""What a night is estimated to cost, in USD."""

from __future__ import annotations

import math

from hippolyte.planning.packing import Timeline
from hippolyte.planning.plan import Job
from hippolyte.settings import Settings

# USD, us-east-1, see docs/costs.md for the sources; an estimate, printed as one
RCU_HOUR_USD = 0.00013
NODE_HOUR_USD = 0.24
ON_DEMAND_UNIT_USD = 0.125 / 1_000_000


def cost_usd(timelines: list[Timeline[Job]], settings: Settings, raises_per_job: bool) -> float:
    """Estimate a night's cost in USD: cluster nodes, raised capacity, on-demand reads."""
    nodes = 1 + settings.cluster.core_instance_count
    # what does not fit is cut off at the deadline
    hours = sum(min(t.seconds, settings.window_seconds) for t in timelines) / 3600
    raised = units = 0.0
    for jobs in (batch for timeline in timelines for batch in timeline.batches):
        # in which order they run is not known, so each may be the last
        work = min(sum(j.estimate_seconds for j in jobs), settings.window_seconds)
        for job in jobs:
            held = job.estimate_seconds if raises_per_job else work
            raised += (job.raise_to - job.capacity) * math.ceil(held / 3600) if job.raise_to else 0
            units += 0 if job.capacity else job.size_bytes / 8192
    cost = hours * nodes * NODE_HOUR_USD + raised * RCU_HOUR_USD + units * ON_DEMAND_UNIT_USD
    return round(cost, 2)
