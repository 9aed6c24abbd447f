"""Sizes tables and puts them onto hosts: what a night of just these tables is, and costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hippolyte.planning.cost import cost_usd
from hippolyte.planning.host import Host
from hippolyte.planning.packing import pack
from hippolyte.planning.plan import Job
from hippolyte.planning.sharing import share_out, worker_seconds
from hippolyte.planning.sizer import Sizer
from hippolyte.planning.timelines import HANDOVER_SECONDS, Bins, Timeline
from hippolyte.planning.window import Night
from hippolyte.record_form import iso
from hippolyte.settings import Settings
from hippolyte.tables.table import Inventory, Table


@dataclass(frozen=True, slots=True)
class Packed:
    """Tables on hosts."""

    timelines: list[Timeline[Job]]
    warnings: tuple[str, ...]
    cost_usd: float

    @property
    def jobs(self) -> list[Job]:
        """All jobs."""
        return [job for t in self.timelines for batch in t.batches for job in batch]


@dataclass(frozen=True, slots=True)
class Packer:
    """Packs tables of one night; `inventory` has all tables, for the quotas."""

    settings: Settings
    inventory: Inventory
    night: Night
    tables_limit: int
    raises_per_job: bool
    host: Host

    def pack(self, tables: Iterable[Table]) -> Packed:
        """Size tables and put them onto hosts; warn of those that have no time."""
        warnings: list[str] = []
        host, limit = self.host, self.tables_limit
        sizer = Sizer(
            self.settings, self.inventory, self.night, warnings, limit, self.raises_per_job, host
        )
        jobs = sizer.jobs(tables)
        if host.side_by_side:
            timelines = share_out(jobs, host, host.planned, limit)
            late = [t for t in timelines if t.seconds > sizer.seconds]
            overflow = [job for timeline in late for job in _late(timeline, sizer)]
        else:
            bins = Bins(
                window_seconds=sizer.seconds,
                cluster_bootstrap_seconds=host.bootstrap,
                tables_per_batch=limit,
                timelines=host.at_once,
                handover_seconds=HANDOVER_SECONDS,
            )
            timelines, overflow = pack(jobs, bins)
        warnings += [
            f"{job.table}: no {host.noun} has time for it before {iso(self.night.deadline)} "
            f"({job.estimate_seconds} s at {job.rate:.0f} units/s); "
            f"raise {host.knob}, the window or the table's read capacity"
            for job in overflow
        ]
        cost = cost_usd(timelines, self.settings, self.raises_per_job, host)
        return Packed(timelines, tuple(warnings), cost)


def _late(timeline: Timeline[Job], sizer: Sizer) -> list[Job]:
    """Return the jobs that end after the window: for themselves, or as all of their worker's do."""
    jobs = [job for batch in timeline.batches for job in batch]
    rest = [job for job in jobs if job.estimate_seconds <= sizer.given]
    if rest and worker_seconds(rest, sizer.host) > sizer.seconds:
        return jobs
    return [job for job in jobs if job.estimate_seconds > sizer.given]
