"""A night that cannot hold all tables: whose turn it is, and what a person is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase

from hippolyte.planning import rates
from hippolyte.planning.bound import least_bins
from hippolyte.planning.host import Host
from hippolyte.planning.plan import Job
from hippolyte.planning.timelines import Bins
from hippolyte.planning.window import Night
from hippolyte.record_form import iso, when
from hippolyte.tables.names import NAMED, first_names

# a window may begin an hour later or earlier than the day before, by the clock of its time zone
_SLACK = timedelta(hours=2)
# so many warnings that say the same are told as one
_SEVERAL = 3
_DAY = timedelta(days=1)

Rank = Callable[[Job], tuple[bool, int, int, str]]


def rank_of(always: Sequence[str], night: Night, side_by_side: bool) -> Rank:
    """Return how to order tables that do not all fit; the first come first.

    What `always` names; then by nights without a good backup, the most first, so that a table that
    is left out tonight comes before all others tomorrow; then by the time that it takes from the
    others: on a cluster its own, of a worker what its bytes take.
    """

    def rank(job: Job) -> tuple[bool, int, int, str]:
        named = any(fnmatchcase(job.table, glob) for glob in always)
        takes = job.size_bytes if side_by_side else job.estimate_seconds
        return not named, -nights_without(job, night), takes, job.table

    return rank


def nights_without(job: Job, night: Night) -> int:
    """Return how many nights a table has had no good backup, by the report of the last one.

    One that never had any counts from the first night that wanted one; of a night before that
    report nobody knows. Without any report all tables are alike.
    """
    if not night.before:
        return 0
    row = night.before.get(job.table)
    if row is None or (row.get("table_id") or job.table_id) != job.table_id:
        # made since, or made anew: as if the last night had left it out
        return 1
    if good := row.get("last_good"):
        return max(0, _days(night, good) - 1)
    since = row.get("wanted_since")
    return max(1, _days(night, since)) if since else 1


def _days(night: Night, since: str) -> int:
    return math.ceil((night.start - when(since) - _SLACK) / _DAY)


def late_warning(late: Sequence[Job], number: int, night: Night, host: Host, need: int) -> str:
    """Tell which of a number of tables have no time, and what would give it to them.

    `need`: so many hosts at once would do, as far as that helps.
    """
    wait = (night.deadline - max(night.now, night.start)).total_seconds() - host.bootstrap
    alone = [job for job in late if job.estimate_seconds > wait]
    # those that have waited longest, and longest to be read
    worst = sorted(late, key=lambda j: (-nights_without(j, night), -j.estimate_seconds, j.table))
    named = first_names([_named(job, night) for job in worst[:NAMED]], len(late))
    remedies = []
    if len(late) > len(alone):
        remedies.append(f"{host.knob} = {need} (now {host.at_once}), or a longer window")
    if alone:
        bound = any(rates.binds(job.rate, host, host.unit_bytes, job.parts) for job in alone)
        faster = (
            f"a higher {host.knob}"
            if host.side_by_side
            else "more or larger core nodes (cluster.core_instance_count, core_instance_type)"
        )
        remedies.append(
            f"for the {len(alone)} that take longer than the window even alone, a longer window or "
            + (faster if bound else "more read capacity")
        )
    return (
        f"no {host.noun} has time for {len(late)} of {number} tables before {iso(night.deadline)}: "
        f"{named}. They come after all others tonight, and first the next night. "
        f"What would take them in: {'; '.join(remedies)}"
    )


def _named(job: Job, night: Night) -> str:
    nights = nights_without(job, night)
    waits = f", {nights} nights without" if nights > 1 else ""
    return f"{job.table} ({job.estimate_seconds} s at {job.rate:.0f} units/s{waits})"


def gathered(warnings: Sequence[str]) -> list[str]:
    """Return warnings with those of a kind, if there are several, as one with a count.

    Of a kind are those that say the same of another table, but for figures.
    """
    kinds: dict[str, list[str]] = {}
    for warning in warnings:
        _, _, what = warning.partition(" ")
        kinds.setdefault("".join(c for c in what if not c.isdigit()), []).append(warning)
    lines = []
    for alike in map(sorted, kinds.values()):
        if len(alike) < _SEVERAL:
            lines += alike
            continue
        others = [warning.partition(" ")[0].rstrip(":") for warning in alike[1:]]
        lines.append(f"{alike[0]}; {len(alike):,} tables in all, also {first_names(others)}")
    return lines


def hosts_for(jobs: Iterable[Job], host: Host, bins: Bins) -> int:
    """Return about how many hosts at once would have time for all that fit the window alone."""
    fit = [job for job in jobs if 0 < job.estimate_seconds <= bins.capacity]
    if host.side_by_side:
        # one is left for what is tried again
        seconds = sum(job.size_bytes for job in fit) / host.throughput
        return 1 + max(host.at_once, math.ceil(seconds / max(1, bins.capacity)))
    work = [job.estimate_seconds for job in fit]
    least = least_bins(work, bins.capacity, bins.tables_per_batch)
    return max(host.at_once + 1, bins.least_timelines(sum(work), least))
