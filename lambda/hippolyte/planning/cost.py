"""What a night is estimated to cost, in USD."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from hippolyte.planning.host import Host
from hippolyte.planning.keeping import nights_kept
from hippolyte.planning.plan import Job, parts_of
from hippolyte.planning.sizing import segments
from hippolyte.planning.timelines import HANDOVER_SECONDS, Timeline
from hippolyte.settings import Prices, Settings

# USD, us-east-1, see docs/costs.md for the sources; what a deployment pays is in its settings
RCU_HOUR_USD = Prices().read_unit_hour
NODE_HOUR_USD = Prices().node_hour
ON_DEMAND_UNIT_USD = Prices().on_demand_million / 1_000_000
_MONTH_SECONDS = 365 * 86_400 / 12
# of a file's bytes as DynamoDB counts them: 4 MB as they lie, which gzip made of twice as much
_FILE_BYTES = 8_000_000
_PACKED = 0.5
# of a table beside its data: `_started`, four manifests, a listing; looks at it and its files
_PUTS_A_TABLE, _GETS_A_TABLE = 6, 4
# a link of 15 minutes is about 3 transitions; a worker looks at its records 8 times a minute
_LINK_SECONDS, _TRANSITIONS, _LOOKS_A_SECOND = 840, 3, 8 / 60


def total_usd(parts: Mapping[str, float]) -> float:
    """Return what parts come to, in whole cents."""
    return round(sum(parts.values()), 2)


def storage_usd(jobs: Iterable[Job], settings: Settings, host: Host, part: bool) -> float | None:
    """Estimate what a month's storage of the backups costs in USD; None: the retention is unknown.

    Of a night, as many are kept as there are days of retention; of a part, the one.
    """
    if settings.retention_days is None:
        return None
    kept = 1 if part else nights_kept(settings)
    stored = sum(job.size_bytes for job in jobs) * (_PACKED if host.side_by_side else 1)
    return round(stored / 1e9 * kept * settings.prices.storage_gb_month, 2)


def own_usd(job: Job, settings: Settings, raises_per_job: bool, host: Host) -> float:
    """Estimate what one table adds to a night, in USD, on a host that runs anyway."""
    alone = Timeline([[job]], float(job.estimate_seconds))
    return sum(cost_parts([alone], settings, raises_per_job, host).values())


def cost_parts(
    timelines: list[Timeline[Job]], settings: Settings, raises_per_job: bool, host: Host
) -> dict[str, float]:
    """Estimate a night's cost in USD: its `hosts`, `raised` capacity, `reads` on demand.

    With Data Pipeline its `activities` as well, one a table for as long as the pipeline is there.
    """
    # what does not fit is cut off at the deadline; from one batch to the next no cluster runs
    pause = 0 if host.side_by_side else HANDOVER_SECONDS
    seconds = [
        min(t.seconds - pause * (len(t.batches) - 1), settings.window_seconds)
        for t in timelines
        # of the first batch: what is late hardly runs
        for _ in range(parts_of(t.batches[0]) if t.batches else 1)
    ]
    hosts = (
        workers_usd(timelines, seconds, settings)
        if host.side_by_side
        else _nodes(seconds, settings)
    )
    raised = units = activities = 0.0
    for jobs in (batch for timeline in timelines for batch in timeline.batches):
        # in which order they run is not known, so each may be the last
        work = min(sum(j.estimate_seconds for j in jobs), settings.window_seconds)
        activities += len(jobs) * (host.bootstrap + work) / _MONTH_SECONDS
        for job in jobs:
            held = job.estimate_seconds if raises_per_job or host.side_by_side else work
            raised += (job.raise_to - job.capacity) * math.ceil(held / 3600) if job.raise_to else 0
            units += 0 if job.capacity else job.size_bytes / 8192
    # of a consistent read half as much is had for a unit
    units *= 2 if host.side_by_side and settings.consistent_reads else 1
    prices = settings.prices
    parts = {
        "hosts": hosts,
        "raised": raised * prices.read_unit_hour,
        "reads": units * prices.on_demand_million / 1e6,
    }
    if settings.engine == "datapipeline":
        parts["activities"] = activities * prices.activity_month
    return parts


def _nodes(seconds: list[float], settings: Settings) -> float:
    nodes = 1 + settings.cluster.core_instance_count
    return sum(seconds) / 3600 * nodes * settings.prices.node_hour


def workers_usd(timelines: list[Timeline[Job]], seconds: list[float], settings: Settings) -> float:
    """Return what functions, machine and S3's requests cost; `seconds` of each worker."""
    memory = (settings.exporter.memory_size if settings.exporter else 0) / 1024
    jobs = [job for timeline in timelines for batch in timeline.batches for job in batch]
    files = sum(
        max(math.ceil(job.size_bytes / _FILE_BYTES), segments_of_job(job, settings)) for job in jobs
    )
    puts = files + _PUTS_A_TABLE * len(jobs)
    gets = files + _GETS_A_TABLE * len(jobs) + sum(seconds) * _LOOKS_A_SECOND
    links = sum(math.ceil(each / _LINK_SECONDS) for each in seconds)
    prices = settings.prices
    functions = sum(seconds) * memory * prices.function_gb_second
    functions += links * _TRANSITIONS * prices.transition_thousand / 1000
    return functions + (puts * prices.put_thousand + gets * prices.get_thousand) / 1000


def segments_of_job(job: Job, settings: Settings) -> int:
    """Return into how many segments a worker cuts a table."""
    return segments(job.size_bytes, job.rate, settings.consumed_fraction)
