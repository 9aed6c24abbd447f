"""Shares jobs out over workers, each of which reads all of its tables side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hippolyte.planning.host import Host
from hippolyte.planning.plan import Job, parts_of
from hippolyte.planning.sizer import RAISED_AT_ONCE
from hippolyte.planning.timelines import Timeline


def share_out(jobs: Iterable[Job], host: Host, workers: int, tables: int) -> list[Timeline[Job]]:
    """Return a timeline a worker; `workers` and `tables` are the most there may be, and of each.

    A worker costs from its start to the end of its slowest table. So those that take long go
    together, and the others' workers end early: by decreasing time, as many to a worker as their
    rates fill it, until there are as many workers as may be; then each to the one with least to
    read. A table that is split has its workers for itself. The order depends on the input alone.
    """
    ordered = sorted(jobs, key=lambda j: (-j.estimate_seconds, j.table))
    split = [Timeline([[job]]) for job in ordered if job.parts > 1]
    workers -= sum(parts_of(timeline.batches[0]) for timeline in split)
    timelines = split + _together([job for job in ordered if job.parts == 1], host, workers, tables)
    for timeline in timelines:
        timeline.seconds = worker_seconds(timeline.batches[0], host)
    return timelines


def _together(jobs: Sequence[Job], host: Host, workers: int, tables: int) -> list[Timeline[Job]]:
    timelines: list[Timeline[Job]] = []
    busy: list[float] = []  # bytes a second, of each
    held: list[int] = []  # bytes, of each
    full = host.throughput or float("inf")
    for job in jobs:
        speed = min(full, job.rate * host.unit_bytes)
        number = len(busy) - 1
        if not busy or busy[-1] + speed > full or len(timelines[-1].batches[0]) >= tables:
            if len(busy) < workers:
                timelines.append(Timeline([[]]))
                busy.append(0.0)
                held.append(0)
                number += 1
            else:
                room = [n for n, t in enumerate(timelines) if len(t.batches[0]) < tables]
                number = min(room or range(len(busy)), key=lambda n: (held[n], n))
        busy[number] += speed
        held[number] += job.size_bytes
        timelines[number].batches[0].append(job)
    return timelines


def worker_seconds(jobs: Sequence[Job], host: Host) -> float:
    """Return how long a worker runs that reads these tables, or those of a table that is split."""
    slowest = max(job.estimate_seconds for job in jobs)
    # so many are raised at once, the others wait for their turn
    raised = sum(job.estimate_seconds for job in jobs if job.raise_to) / RAISED_AT_ONCE
    size = sum(job.size_bytes / job.parts for job in jobs)
    return host.bootstrap + max(slowest, raised, size / (host.throughput or float("inf")))
