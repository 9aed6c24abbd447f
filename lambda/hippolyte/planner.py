"""Makes the plan of a night: which tables, on which cluster, at what rate, raised to what."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from hippolyte import sizing
from hippolyte.model import Batch, Inventory, Job, Plan, Table, Tags, Verdict, iso, when
from hippolyte.packing import Bins, Timeline, pack
from hippolyte.selection import Choice, choose
from hippolyte.settings import Settings

# USD, us-east-1, see docs/costs.md for the sources; an estimate, printed as one
RCU_HOUR_USD = 0.00013
NODE_HOUR_USD = 0.24
ON_DEMAND_UNIT_USD = 0.125 / 1_000_000

# one pass of the monitor sees a batch's end, at the latest the next its cluster's
HANDOVER_SECONDS = 600

# capacity is billed by the hour: a raise for less buys nothing
_SHORTEST_RAISE_SECONDS = 3600

# A table raised in its turn is sized for about an hour: its raise costs the same at any rate (half
# the time at twice the units), and each further hour costs the cluster.
RAISED_JOB_SECONDS = 3600
# of a batch, if raised in turn: the one that is read, and the next
RAISED_AT_ONCE = 2

# an alert names this many tables, its number says the rest
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Night:
    """When a night runs, and after which one. `now` is when it is planned."""

    start: datetime
    deadline: datetime
    now: datetime
    previous_run: str | None = None

    @property
    def run_id(self) -> str:
        """The run's id: its window's start, `2026-11-24T00-00Z`."""
        return run_id(self.start)


def run_id(start: datetime) -> str:
    """Return the id of the run whose window starts at `start` (a legal S3 and Hadoop path)."""
    return iso(start)[:16].replace(":", "-") + "Z"


def make_plan(
    inventory: Inventory,
    settings: Settings,
    night: Night,
    tables_limit: int,
    raises_per_job: bool = False,
) -> Plan:
    """Plan a night. `tables_limit` is the engine's number of tables a cluster.

    `raises_per_job`: the engine's tables are raised in their turn, not all for the whole night.
    """
    verdicts: dict[str, tuple[Verdict, str]] = {}
    eligible: list[Table] = []
    choices = {
        name: choose(name, settings.tables, inventory.tags.of(name))
        for name in [*(t.name for t in inventory.tables), *inventory.undescribed]
    }
    for name, verdict in inventory.undescribed.items():
        rule = choices[name].rule
        verdicts[name] = (Verdict.SKIPPED, rule) if rule else verdict
    for table in inventory.tables:
        if rule := choices[table.name].rule:
            verdicts[table.name] = (Verdict.SKIPPED, rule)
        elif not table.exportable:
            verdicts[table.name] = (Verdict.UNSUPPORTED, f"table status {table.status}")
        else:
            eligible.append(table)

    warnings = list(inventory.warnings)
    sizer = _Sizer(settings, inventory, night, warnings, tables_limit, raises_per_job)
    jobs = sizer.jobs([t for t in eligible if not t.empty])
    planning = settings.planning
    bins = Bins(
        window_seconds=sizer.seconds,
        cluster_bootstrap_seconds=planning.cluster_bootstrap_seconds,
        tables_per_batch=tables_limit,
        timelines=planning.max_clusters,
        handover_seconds=HANDOVER_SECONDS,
    )
    timelines, overflow = pack(jobs, bins)
    warnings += [
        f"{job.table}: no cluster has time for it before {iso(night.deadline)} "
        f"({job.estimate_seconds} s at {job.rate:.0f} units/s); "
        "raise planning.max_clusters, the window or the table's read capacity"
        for job in overflow
    ]
    return Plan(
        run_id=night.run_id,
        start=night.start,
        deadline=night.deadline,
        batches=_batches(timelines),
        verdicts=verdicts,
        empty=tuple(sorted(t.name for t in eligible if t.empty)),
        warnings=tuple(warnings),
        alerts=_missing(settings.tables.always, inventory) + _blind(choices, inventory.tags),
        cost_usd=_cost(timelines, settings, raises_per_job),
        previous_run=night.previous_run,
        engine=settings.engine,
    )


def _batches(timelines: list[Timeline[Job]]) -> tuple[Batch, ...]:
    batches: list[Batch] = []
    for number, timeline in enumerate(timelines):
        for jobs in timeline.batches:
            batches.append(Batch(f"b{len(batches) + 1:03d}", number, tuple(jobs)))
    return tuple(batches)


def _missing(always: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    names = {t.name for t in inventory.tables} | set(inventory.undescribed)
    return tuple(
        f"tables.always names {glob!r}, and no table matches: correct the name or take it out"
        for glob in always
        if not any(fnmatchcase(name, glob) for name in names)
    )


def _blind(choices: Mapping[str, Choice], tags: Tags) -> tuple[str, ...]:
    """Tell which tables are backed up only because their tags are unknown."""
    names = sorted(name for name, choice in choices.items() if choice.blind)
    if not names:
        return ()
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"{len(names)} tables are backed up whatever tables.exclude_tags and include_tags say, as "
        f"their tags could not be read ({tags.error}): {', '.join(names[:_NAMED])}{more}",
    )


class _Sizer:
    """Sizes the tables of one night, largest need first, within the quotas."""

    def __init__(
        self,
        settings: Settings,
        inventory: Inventory,
        night: Night,
        warnings: list[str],
        tables_limit: int,
        raises_per_job: bool,
    ) -> None:
        self.raises_per_job = raises_per_job
        # how many raises may be held at once (0: all), and those planned so far
        self.at_once = 0
        self.raises: list[int] = []
        self.settings = settings
        self.night = night
        self.warnings = warnings
        self.tables_limit = tables_limit
        self.table_quota = inventory.limits.table_max_read
        self.headroom = inventory.limits.account_max_read - sum(
            t.read_capacity + t.index_read_capacity for t in inventory.tables
        )
        # a late start has what is left of the window
        self.seconds = max(0.0, (night.deadline - max(night.now, night.start)).total_seconds())
        # the most a job may have: alone on a cluster, for the whole window
        self.given = self.seconds - settings.planning.cluster_bootstrap_seconds

    def jobs(self, tables: Iterable[Table]) -> list[Job]:
        ordered = sorted(tables, key=lambda t: (-t.size_bytes, t.name))
        plain = [self._plain(t) for t in ordered]
        large = [self.given > 0 and job.estimate_seconds > self.given for job in plain]
        raisable = [
            is_large and not self._never_raised(t)
            for t, is_large in zip(ordered, large, strict=True)
        ]
        if self.raises_per_job:
            seconds = min(self.given, RAISED_JOB_SECONDS)
            self.at_once = min(RAISED_AT_ONCE * self.settings.planning.max_clusters, sum(raisable))
        else:
            seconds = self._raised_seconds(plain, raisable)
        return [
            self._raised(table, job, seconds) if is_large else job
            for table, job, is_large in zip(ordered, plain, large, strict=True)
        ]

    def _raised_seconds(self, jobs: list[Job], raisable: list[bool]) -> float:
        """Return the seconds a raised job is to take, so that all have time on the clusters.

        The whole window if there are clusters enough; else an equal part of what the others leave,
        but an hour at least, and not so short that the raises together pass the account's quota.
        """
        planning = self.settings.planning
        raised = [j for j, is_raisable in zip(jobs, raisable, strict=True) if is_raisable]
        others = [j for j, is_raisable in zip(jobs, raisable, strict=True) if not is_raisable]
        pause = planning.cluster_bootstrap_seconds + HANDOVER_SECONDS
        work = sum(min(j.estimate_seconds, self.given) for j in others)
        work += len(others) / self.tables_limit * pause
        clusters = planning.max_clusters
        if not raised or len(raised) + math.ceil(work / self.given) <= clusters:
            return self.given
        part = (self.given - work / clusters) / math.ceil(len(raised) / clusters)
        size = sum(j.size_bytes for j in raised)
        quota = size / planning.bytes_per_read_unit / max(1, self.headroom)
        return min(self.given, max(part, quota, _SHORTEST_RAISE_SECONDS))

    def _plain(self, table: Table) -> Job:
        """Return the job of a table that is read at its share."""
        share = self.settings.consumed_fraction
        if table.on_demand:
            wanted = self.settings.planning.on_demand_read_rate
            ceilings = (table.on_demand_max_read, table.warm_read)
            rate = sizing.on_demand_rate(wanted, share, ceilings)
            ratio = max(sizing.ratio(rate, sizing.ON_DEMAND_ASSUMED_CAPACITY), 1e-6)
        else:
            rate = float(sizing.plain_rate(table.read_capacity, share))
            ratio = share
        return Job(
            table=table.name,
            table_id=table.table_id,
            size_bytes=table.size_bytes,
            item_count=table.item_count,
            capacity=0 if table.on_demand else table.read_capacity,
            ratio=ratio,
            plain_ratio=ratio,
            rate=round(rate, 3),
            estimate_seconds=self._estimate(table, rate),
            raise_to=None,
        )

    def _raised(self, table: Table, job: Job, seconds: float) -> Job:
        """Return the job with the raise that lets it end in `seconds`, or what comes near it."""
        raised = self._raise(table, seconds)
        if raised <= table.read_capacity:
            return job
        share = self.settings.consumed_fraction
        reachable = sizing.reachable_rate(table.read_capacity, share, raised)
        rate = min(self._needed(table, seconds), reachable)
        return replace(
            job,
            ratio=sizing.ratio(rate, raised),
            rate=round(rate, 3),
            estimate_seconds=self._estimate(table, rate),
            raise_to=raised,
        )

    def _estimate(self, table: Table, rate: float) -> int:
        planning = self.settings.planning
        read = sizing.seconds_to_read(table.size_bytes, rate, planning.bytes_per_read_unit)
        return math.ceil(round(read + planning.activity_bootstrap_seconds, 6))

    def _needed(self, table: Table, seconds: float) -> float:
        planning = self.settings.planning
        reading = max(1.0, seconds - planning.activity_bootstrap_seconds)
        return sizing.needed_rate(table.size_bytes, reading, planning.bytes_per_read_unit)

    def _raise(self, table: Table, seconds: float) -> int:
        """Return the capacity to raise to (the present one: no raise), within every bound."""
        if reason := self._never_raised(table):
            self.warnings.append(f"{table.name} does not fit the window: {reason}")
            return table.read_capacity
        wanted, least = (
            sizing.raised_capacity(
                table.read_capacity, self.settings.consumed_fraction, self._needed(table, time)
            )
            for time in (seconds, self.given)
        )
        if self.at_once:
            # an hour only within what is left to each: it is not to cost others their window
            fair = table.read_capacity + max(0, self.headroom) // self.at_once
            wanted = max(least, min(wanted, fair))
        bounds = [self.table_quota, table.read_capacity + self._left()]
        if self.settings.max_read_capacity is not None:
            bounds.append(self.settings.max_read_capacity)
        if table.scaling:
            bounds.append(table.scaling.max_capacity)
        raised = max(table.read_capacity, min(wanted, *bounds))
        if raised < least:
            self.warnings.append(
                f"{table.name} does not fit the window: it needs {least} read capacity units and "
                f"may have {raised} (quotas, headroom, max_read_capacity or its scaling maximum)"
            )
        if table.warm_read and raised > table.warm_read:
            self.warnings.append(
                f"{table.name}: {raised} read capacity units are above its warm throughput "
                f"({table.warm_read}): slower to become active, and its partitions grow for good"
            )
        self.raises.append(raised - table.read_capacity)
        return raised

    def _left(self) -> int:
        """Return what one more raise may have of the headroom: those held at once must fit."""
        others = heapq.nlargest(self.at_once - 1, self.raises) if self.at_once else self.raises
        return max(0, self.headroom - sum(others))

    def _never_raised(self, table: Table) -> str | None:
        if table.on_demand:
            return "an on-demand table has no capacity to raise; raise planning.on_demand_read_rate"
        if not self.settings.raise_capacity:
            return "raise_capacity is false"
        if table.replicated:
            return "a global table's replica is never raised"
        if table.scaling and any(self._due(s) for s in table.scaling.schedules):
            return "a scheduled scaling action may be due before its export ends"
        return None

    def _due(self, schedule: str) -> bool:
        """Say whether a scheduled action may fire before the lease ends; recurring ones count."""
        once = re.fullmatch(r"at\((.+)\)", schedule)
        if not once:
            return True
        return self.night.now <= when(once[1]) <= self.night.deadline + timedelta(hours=1)


def _cost(timelines: list[Timeline[Job]], settings: Settings, raises_per_job: bool) -> float:
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
