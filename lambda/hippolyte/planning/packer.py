"""Sizes tables and puts them onto hosts: what a night of just these tables is, and costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hippolyte.planning.cost import cost_parts, own_usd, total_usd
from hippolyte.planning.host import Host
from hippolyte.planning.overload import gathered, hosts_for, late_warning, rank_of
from hippolyte.planning.packing import pack
from hippolyte.planning.plan import Job
from hippolyte.planning.sharing import Workers, share_out
from hippolyte.planning.sizer import Sizer
from hippolyte.planning.timelines import HANDOVER_SECONDS, Bins, Timeline
from hippolyte.planning.window import Night
from hippolyte.settings import Settings
from hippolyte.tables.table import Inventory, Table


@dataclass(frozen=True, slots=True)
class Packed:
    """Tables on hosts."""

    timelines: list[Timeline[Job]]
    warnings: tuple[str, ...]
    cost_usd: float
    # its parts
    cost: Mapping[str, float]

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

    def would_raise(self, tables: Iterable[Table]) -> dict[str, int]:
        """Return what tables would be raised to if raises were allowed."""
        allowed = replace(self.settings, raise_capacity=True)
        sizer = Sizer(
            *(allowed, self.inventory, self.night, [], self.tables_limit),
            *(self.raises_per_job, self.host),
        )
        return {job.table: job.raise_to for job in sizer.jobs(tables) if job.raise_to}

    def scan_usd(self, table: Table) -> float:
        """Return what reading a table would add to a night."""
        sizer = Sizer(
            *(self.settings, self.inventory, self.night, [], self.tables_limit),
            *(self.raises_per_job, self.host),
        )
        (job,) = sizer.jobs([table])
        return own_usd(job, self.settings, self.raises_per_job, self.host)

    def pack(self, tables: Iterable[Table]) -> Packed:
        """Size tables and put them onto hosts; warn of those that have no time."""
        warnings: list[str] = []
        host, limit = self.host, self.tables_limit
        sizer = Sizer(
            self.settings, self.inventory, self.night, warnings, limit, self.raises_per_job, host
        )
        jobs = sizer.jobs(tables)
        rank = rank_of(self.settings.tables.always, self.night, host.side_by_side)
        bins = Bins(
            window_seconds=sizer.seconds,
            cluster_bootstrap_seconds=host.bootstrap,
            tables_per_batch=limit,
            timelines=host.at_once,
            handover_seconds=HANDOVER_SECONDS,
        )
        if host.side_by_side:
            timelines, late = share_out(jobs, Workers(host, limit, sizer.seconds), rank)
        else:
            timelines, late = pack(jobs, bins, rank)
        told = gathered(warnings)
        if late:
            need = hosts_for(jobs, host, bins)
            told.append(late_warning(late, len(jobs), self.night, host, need))
        cost = cost_parts(timelines, self.settings, self.raises_per_job, host)
        return Packed(timelines, tuple(told), total_usd(cost), cost)
