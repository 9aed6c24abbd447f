"""Shares jobs out over workers, each of which reads all of its tables side by side."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hippolyte.planning.host import Host
from hippolyte.planning.most import most_first
from hippolyte.planning.plan import Job, parts_of
from hippolyte.planning.sizer import RAISED_AT_ONCE
from hippolyte.planning.timelines import HANDOVER_SECONDS, Timeline, shortest


@dataclass(frozen=True, slots=True)
class Workers:
    """What the sharing must keep to: the most `tables` of a worker, the window's seconds."""

    host: Host
    tables: int
    seconds: float

    @property
    def speed(self) -> float:
        """Bytes a second that one of them reads at the most."""
        return self.host.throughput

    @property
    def bytes(self) -> float:
        """What one of them can read in the window."""
        return (self.seconds - self.host.bootstrap) * self.speed


def share_out(
    jobs: Iterable[Job], workers: Workers, rank: Callable[[Job], Any] = shortest
) -> tuple[list[Timeline[Job]], list[Job]]:
    """Return a timeline a worker, and the jobs that do not end in the window.

    Where the workers cannot read all in time, those are read from its start that come first by
    `rank`, and then all that still find time; the others follow where a worker has ended. A table
    that takes too long for itself is read beside the others. The order depends on the input alone.
    """
    host = workers.host
    ordered = sorted(jobs, key=_slowest)
    room = workers.seconds - host.bootstrap
    never = [job for job in ordered if job.estimate_seconds > room]
    shared = _shared(ordered, workers)
    if shared is not None and all(_in_time(t.batches[0], workers, room) for t in shared):
        return shared, never
    ranked = sorted(ordered[len(never) :], key=rank)

    def first(number: int) -> list[Timeline[Job]] | None:
        some = _shared(
            sorted(ranked[:number], key=lambda j: (-j.estimate_seconds, j.table)), workers
        )
        fit = some is not None and all(t.seconds <= workers.seconds for t in some)
        return some if fit else None

    held = 0.0
    most = 0
    for job in ranked:
        held += job.size_bytes
        if held > workers.bytes * host.planned:
            break
        most += 1
    found, fit = most_first(first, most)
    timelines = found or []
    late = _fill(ranked[fit:], timelines, workers) + never[::-1]
    _put_late(late, timelines, workers)
    return timelines, late


def _slowest(job: Job) -> tuple[int, str]:
    return -job.estimate_seconds, job.table


def _in_time(jobs: Sequence[Job], workers: Workers, room: float) -> bool:
    """Say whether a worker's tables end in the window, but for those that never do.

    Those are read beside the others, and must not take their time.
    """
    if not any(job.estimate_seconds <= room for job in jobs):
        return True
    return reading_seconds(jobs, workers.host) <= room


def _shared(jobs: Sequence[Job], workers: Workers) -> list[Timeline[Job]] | None:
    """Give all jobs, the slowest first, to workers; None: there are not enough.

    A worker costs from its start to the end of its slowest table. So those that take long go
    together, and the others' workers end early: as many to a worker as their rates fill it, until
    there are as many workers as may be; then the largest first, each to the one with least to
    read. A table that is split has its workers for itself.
    """
    timelines = [Timeline([[job]]) for job in jobs if job.parts > 1]
    left = workers.host.planned - sum(parts_of(t.batches[0]) for t in timelines)
    others = [job for job in jobs if job.parts == 1]
    if left < bool(others):
        return None
    together = _together(others, workers, left)
    if together is None:
        return None
    timelines += together
    for timeline in timelines:
        timeline.seconds = worker_seconds(timeline.batches[0], workers.host)
    return timelines


def _together(jobs: Sequence[Job], workers: Workers, number: int) -> list[Timeline[Job]] | None:
    host, batches = workers.host, list[list[Job]]()
    busy, full = 0.0, workers.speed  # bytes a second, of the last one
    for at, job in enumerate(jobs):
        speed = min(full, job.rate * host.unit_bytes)
        if not batches or busy + speed > full or len(batches[-1]) >= workers.tables:
            if len(batches) == number:
                if not _share_rest(jobs[at:], batches, workers):
                    return None
                break
            batches.append([])
            busy = 0.0
        busy += speed
        batches[-1].append(job)
    return [Timeline([batch]) for batch in batches]


def _share_rest(jobs: Sequence[Job], batches: list[list[Job]], workers: Workers) -> bool:
    """Give each job, the largest first, to the worker with least to read; say if all have one."""
    held = [(sum(j.size_bytes for j in batch), n) for n, batch in enumerate(batches)]
    held = [each for each in held if len(batches[each[1]]) < workers.tables]
    heapq.heapify(held)
    for job in sorted(jobs, key=lambda j: (-j.size_bytes, j.table)):
        if not held:
            return False
        size, number = held[0]
        batches[number].append(job)
        if len(batches[number]) < workers.tables:
            heapq.heapreplace(held, (size + job.size_bytes, number))
        else:
            heapq.heappop(held)
    return True


def _fill(jobs: Sequence[Job], timelines: list[Timeline[Job]], workers: Workers) -> list[Job]:
    """Give jobs to workers that still have time for them; return the others.

    Behind a worker that holds as many tables as it may a further one follows.
    """
    late = _give(jobs, timelines, workers)
    while late:
        full = [t for t in timelines if len(t.batches[-1]) >= workers.tables]
        for timeline in full:
            timeline.batches.append([])
        left = _give(late, full, workers)
        for timeline in full:
            if not timeline.batches[-1]:
                timeline.batches.pop()
        if len(left) == len(late):
            break
        late = left
    for timeline in timelines:
        timeline.seconds = sum(worker_seconds(batch, workers.host) for batch in timeline.batches)
    return late


def _give(jobs: Iterable[Job], timelines: Iterable[Timeline[Job]], workers: Workers) -> list[Job]:
    """Give jobs to the last worker of each timeline, where most can still be read."""
    late = list[Job]()
    last = [t.batches for t in timelines if not t.batches[-1] or parts_of(t.batches[-1]) == 1]
    rooms = [_room(batches[:-1], workers) for batches in last]
    # bytes, less those that there is time for
    held = [
        (sum(j.size_bytes for j in batches[-1]) - room * workers.speed, n)
        for n, (batches, room) in enumerate(zip(last, rooms, strict=True))
    ]
    heapq.heapify(held)
    for job in jobs:
        while held and len(last[held[0][1]][-1]) >= workers.tables:
            heapq.heappop(held)
        # a raise waits for its turn, which is not reckoned here
        if not held or job.parts > 1 or job.raise_to:
            late.append(job)
            continue
        size, number = held[0]
        if size + job.size_bytes > 0 or job.estimate_seconds > rooms[number]:
            late.append(job)
            continue
        last[number][-1].append(job)
        heapq.heapreplace(held, (size + job.size_bytes, number))
    return late


def _room(before: Sequence[Sequence[Job]], workers: Workers) -> float:
    """Return how many seconds a worker has to read in that follows others."""
    gone = sum(worker_seconds(batch, workers.host) + HANDOVER_SECONDS for batch in before)
    return workers.seconds - workers.host.bootstrap - gone


def _put_late(late: Iterable[Job], timelines: list[Timeline[Job]], workers: Workers) -> None:
    """Put jobs behind the others, each where a worker ends first."""
    if not timelines:
        timelines.append(Timeline())
    free = [(t.seconds, n) for n, t in enumerate(timelines)]
    heapq.heapify(free)
    begun: set[int] = set()
    for job in late:
        seconds, number = free[0]
        batches = timelines[number].batches
        full = number not in begun or len(batches[-1]) >= workers.tables
        if full or job.parts > 1 or parts_of(batches[-1]) > 1:
            batches.append([])
            begun.add(number)
        batches[-1].append(job)
        # where it is alone
        seconds += max(job.estimate_seconds if job.parts > 1 else 0, job.size_bytes / workers.speed)
        timelines[number].seconds = seconds
        heapq.heapreplace(free, (seconds, number))


def worker_seconds(jobs: Sequence[Job], host: Host) -> float:
    """Return how long a worker runs that reads these tables, or those of a table that is split."""
    slowest = max(job.estimate_seconds for job in jobs)
    return host.bootstrap + max(slowest, reading_seconds(jobs, host))


def reading_seconds(jobs: Iterable[Job], host: Host) -> float:
    """Return how long a worker reads these tables if none of them is slow for itself."""
    jobs = list(jobs)
    # so many are raised at once, the others wait for their turn
    raised = sum(job.estimate_seconds for job in jobs if job.raise_to) / RAISED_AT_ONCE
    size = sum(job.size_bytes / job.parts for job in jobs)
    return max(raised, size / host.throughput)
