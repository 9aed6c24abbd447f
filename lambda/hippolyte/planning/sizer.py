"""Sizes a night's exports: the rate each table is read at, and the raise it needs for that."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from hippolyte.planning import native, rates, sizing
from hippolyte.planning.history import unit_bytes
from hippolyte.planning.host import Host
from hippolyte.planning.plan import Job
from hippolyte.planning.raising import bounds, never_raised, short_of, warm_capacity
from hippolyte.planning.timelines import HANDOVER_SECONDS
from hippolyte.planning.window import Night
from hippolyte.settings import Settings
from hippolyte.share import reachable_rate
from hippolyte.tables.table import Inventory, Table

# capacity is billed by the hour: a raise for less buys nothing
_SHORTEST_RAISE_SECONDS = 3600


# A table raised in its turn is sized for about an hour: its raise costs the same at any rate (half
# the time at twice the units), and each further hour costs the cluster.
RAISED_JOB_SECONDS = 3600


# of a batch, if raised in turn: the one that is read, and the next
RAISED_AT_ONCE = 2


# what a part of a table is to be worth, lest many short-lived workers gain little; seconds
_SHORTEST_PART_SECONDS = 900
# and so that parts are about even
_SEGMENTS_A_PART = 4


# of the window, until the even time is found to a millionth
_HALVINGS = 20


# DescribeTable counts a table about every six hours (API TableDescription, TableSizeBytes)
_COUNTED_AFTER = timedelta(hours=6)


class Sizer:
    """Sizes the tables of one night, largest need first, within the quotas."""

    def __init__(
        self,
        settings: Settings,
        inventory: Inventory,
        night: Night,
        warnings: list[str],
        tables_limit: int,
        raises_per_job: bool,
        host: Host,
    ) -> None:
        self.raises_per_job = raises_per_job
        self.host = host
        # how many raises may be held at once (0: all); of those planned so far the ones that the
        # next is held beside at the worst, the least of them first, and what they come to
        self.at_once = 0
        self.beside: list[int] = []
        self.raised_units = 0
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
        self.given = self.seconds - host.bootstrap
        # in which all that is split is to be read, and the rest beside it
        self.even_seconds = self.given

    def jobs(self, tables: Iterable[Table]) -> list[Job]:
        ordered = sorted(tables, key=lambda t: (-t.size_bytes, t.name))
        self.even_seconds = self._even(ordered)
        plain = [self._plain(t) for t in ordered]
        large = [self.given > 0 and job.estimate_seconds > self.given for job in plain]
        raisable = [
            is_large and not self._never_raised(t)
            for t, is_large in zip(ordered, large, strict=True)
        ]
        if self.raises_per_job:
            seconds = min(self.given, RAISED_JOB_SECONDS)
            self.at_once = min(RAISED_AT_ONCE * self.host.at_once, sum(raisable))
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
        host = self.host
        raised = [j for j, is_raisable in zip(jobs, raisable, strict=True) if is_raisable]
        others = [j for j, is_raisable in zip(jobs, raisable, strict=True) if not is_raisable]
        pause = host.bootstrap + HANDOVER_SECONDS
        work = sum(min(j.estimate_seconds, self.given) for j in others)
        work += len(others) / self.tables_limit * pause
        clusters = host.at_once
        if not raised or len(raised) + math.ceil(work / self.given) <= clusters:
            return self.given
        part = (self.given - work / clusters) / math.ceil(len(raised) / clusters)
        size = sum(j.size_bytes for j in raised)
        quota = size / host.unit_bytes / max(1, self.headroom)
        return min(self.given, max(part, quota, _SHORTEST_RAISE_SECONDS))

    def _rate(self, table: Table) -> float:
        return rates.allowed(table, self.settings, self.host)

    def _plain(self, table: Table) -> Job:
        """Return the job of a table that is read at its share."""
        ratio, rate = self.settings.consumed_fraction, self._rate(table)
        if table.on_demand:
            ratio = max(sizing.ratio(rate, sizing.ON_DEMAND_ASSUMED_CAPACITY), 1e-6)
        parts = self._parts(table, rate)
        return Job(
            table=table.name,
            table_id=table.table_id,
            size_bytes=table.size_bytes,
            item_count=table.item_count,
            capacity=0 if table.on_demand else table.read_capacity,
            ratio=ratio,
            plain_ratio=ratio,
            rate=round(rate, 3),
            estimate_seconds=self._estimate(table, rate, parts),
            raise_to=None,
            estimated=self._is_counted(table),
            autoscaled=table.scaling is not None and self.host.side_by_side,
            parts=parts,
            basis="; ".join(
                filter(None, (native.why_not(table, self.settings), self._measured(table)[1]))
            ),
        )

    def _raised(self, table: Table, job: Job, seconds: float) -> Job:
        """Return the job with the raise that lets it end in `seconds`, or what comes near it."""
        # no raise is bought that its host cannot use, nor a further host but for the window
        alone = table.size_bytes / self.host.throughput + self.host.job_bootstrap
        seconds = max(seconds, min(self.given, alone))
        raised = self._raise(table, seconds)
        if raised <= table.read_capacity:
            return job
        share = self.settings.consumed_fraction
        reachable = reachable_rate(table.read_capacity, share, raised)
        rate = min(self._needed(table, seconds), reachable, self._most(table))
        parts = self._parts(table, rate)
        return replace(
            job,
            ratio=sizing.ratio(rate, raised),
            rate=round(rate, 3),
            estimate_seconds=self._estimate(table, rate, parts),
            raise_to=raised,
            parts=parts,
        )

    def _even(self, tables: Iterable[Table]) -> float:
        """Return in how short a time the workers can read all, each table by as many as it needs.

        The window, if they cannot: then what is split has no more than it needs for that.
        """
        full, least, most = self.host.throughput, 0.0, self.given
        if not self.host.side_by_side or most <= 0:
            return most
        limits = [(t.size_bytes / full, self._most_parts(t, self._rate(t))) for t in tables]
        split = [each for each in limits if each[1] > 1]
        # beside others no table ever has all workers
        rest = sum(seconds for seconds, limit in limits if limit == 1) or len(limits) > 1
        for _ in range(_HALVINGS):
            even = (least + most) / 2
            workers, others = 0, float(rest)
            for seconds, limit in split:
                parts = min(limit, math.ceil(seconds / even))
                workers += parts if parts > 1 else 0
                others += seconds if parts == 1 else 0
            if workers + math.ceil(others / even) > self.host.planned:
                least = even
            else:
                most = even
        return most

    def _most_parts(self, table: Table, rate: float) -> int:
        """Return over how many workers a table may be split that is read at `rate`.

        As many as the rate keeps busy; and each reads a good while, some segments at least.
        """
        full = self.host.throughput
        if not self.host.side_by_side:
            return 1
        fast = math.ceil(round(rate * self._unit(table) / full, 6))
        large = int(table.size_bytes / full / _SHORTEST_PART_SECONDS)
        if min(fast, large) <= 1:
            return 1
        cut = sizing.segments(table.size_bytes, rate, self.settings.consumed_fraction)
        return max(1, min(fast, large, cut // _SEGMENTS_A_PART, self.host.planned))

    def _parts(self, table: Table, rate: float) -> int:
        """Return over how many workers a table is split: as many as the even time takes."""
        most = self._most_parts(table, rate)
        if most == 1 or self.even_seconds <= 0:
            return 1
        return min(most, math.ceil(table.size_bytes / self.host.throughput / self.even_seconds))

    def _estimate(self, table: Table, rate: float, parts: int) -> int:
        unit = self._unit(table)
        reached = rates.reached(rate, self.host, unit, parts)
        read = sizing.seconds_to_read(table.size_bytes, reached, unit)
        return math.ceil(round(read + self.host.job_bootstrap, 6))

    def _is_counted(self, table: Table) -> bool:
        """Say whether the size is the table's, not that of before it was loaded or restored."""
        age = self.night.now - table.created_at if table.created_at else _COUNTED_AFTER
        return table.size_bytes > 0 and age >= _COUNTED_AFTER

    def _needed(self, table: Table, seconds: float) -> float:
        reading = max(1.0, seconds - self.host.job_bootstrap)
        return sizing.needed_rate(table.size_bytes, reading, self._unit(table))

    def _raise(self, table: Table, seconds: float) -> int:
        """Return the capacity to raise to (the present one: no raise), within every bound."""
        if reason := self._never_raised(table):
            self.warnings.append(f"{table.name} does not fit the window: {reason}")
            return table.read_capacity
        most = self._most(table)
        wanted, least = (
            sizing.raised_capacity(
                table.read_capacity,
                self.settings.consumed_fraction,
                min(most, self._needed(table, time)),
            )
            for time in (seconds, self.given)
        )
        if self._needed(table, self.given) > most:
            self.warnings.append(
                f"{table.name} does not fit the window: a cluster reads "
                f"{self.host.throughput / 1e6:.1f} MB/s at the most, whatever the capacity"
            )
        if self.at_once:
            # an hour only within what is left to each: it is not to cost others their window
            fair = table.read_capacity + max(0, self.headroom) // self.at_once
            wanted = max(least, min(wanted, fair))
        limits = [self.table_quota, table.read_capacity + self._left()]
        raised = max(table.read_capacity, min(wanted, *limits, *bounds(table, self.settings)))
        if raised < least:
            self.warnings.append(short_of(table, least, raised, self.settings))
        warm = warm_capacity(table)
        if warm is not None and raised > max(warm, table.read_capacity):
            self.warnings.append(
                f"{table.name}: {raised} read capacity units are above its warm throughput "
                f"({table.warm_read}): slower to become active, and its partitions grow for good"
            )
        self._note(raised - table.read_capacity)
        return raised

    def _most(self, table: Table) -> float:
        """Return the rate beyond which capacity buys nothing: its cluster reads no faster."""
        return math.inf if self.host.side_by_side else self.host.throughput / self._unit(table)

    def _left(self) -> int:
        """Return what one more raise may have of the headroom: those held at once must fit."""
        return max(0, self.headroom - self.raised_units)

    def _note(self, units: int) -> None:
        """Note a raise, of which the next ones are held beside the largest."""
        heapq.heappush(self.beside, units)
        self.raised_units += units
        if self.at_once and len(self.beside) >= self.at_once:
            self.raised_units -= heapq.heappop(self.beside)

    def _never_raised(self, table: Table) -> str | None:
        return never_raised(table, self.settings, self.night)

    def _unit(self, table: Table) -> float:
        """Return how many bytes a unit of a table brings."""
        return self._measured(table)[0]

    def _measured(self, table: Table) -> tuple[float, str]:
        return unit_bytes(table, self.settings, self.host, self.night.before)
