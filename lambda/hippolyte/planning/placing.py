"""Two ways to find a job its timeline, each in the logarithm of their number."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable

from hippolyte.planning.timelines import Bins, JobT, Timeline


class WorstFit:
    """A number of timelines; a job goes to the one with a place where most time is left.

    So they end about together, and small jobs stay for the last gaps. A further batch is begun
    only where no place has the time, and only as long as there are less than `batches`. Large jobs,
    of which no batch holds as many as it has places, go on the first `close` timelines only.
    """

    def __init__(self, timelines: int, batches: int, close: int, bins: Bins) -> None:
        # of each job that was given, in their order: its timeline, -1 where there is none
        self.where: list[int] = []
        self._bins, self._size, self._further = bins, timelines, batches - timelines
        self._held = [0] * timelines
        # less the time left x timelines + the timeline's number, of those with a place and of the
        # full: whole numbers, of which a garbage collector need not know. Jobs take whole seconds
        self._begin = -math.floor(bins.capacity) * timelines
        self._open = [self._begin + number for number in range(close)]
        self._full: list[int] = []
        self._kept = range(close, timelines)

    def give(self, times: Iterable[int], must: bool = True) -> bool:
        """Place jobs; False as soon as one that must have a place finds none."""
        size, held, where = self._size, self._held, self.where
        roomy, full, places = self._open, self._full, self._bins.tables_per_batch
        pause, short = math.ceil(self._bins.pause), self._bins.short_seconds
        for seconds in times:
            if self._kept and seconds <= short:
                roomy += [self._begin + number for number in self._kept]
                heapq.heapify(roomy)
                self._kept = range(0)
            if roomy and roomy[0] // size <= -seconds:
                key = roomy[0] + seconds * size
                number = key % size
                held[number] += 1
                if held[number] % places:
                    heapq.heapreplace(roomy, key)
                else:
                    heapq.heappop(roomy)
                    heapq.heappush(full, key)
            elif full and self._further > 0 and full[0] // size <= -seconds - pause:
                self._further -= 1
                key = heapq.heappop(full) + (seconds + pause) * size
                number = key % size
                held[number] += 1
                heapq.heappush(roomy if held[number] % places else full, key)
            elif must:
                return False
            else:
                number = -1
            where.append(number)
        return True

    @property
    def batches(self) -> int:
        """How many batches there are."""
        return sum(-(-held // self._bins.tables_per_batch) for held in self._held)

    def timelines(self, jobs: Iterable[JobT]) -> list[Timeline[JobT]]:
        """Return the timelines that have any, of all jobs whose times were given."""
        made: list[Timeline[JobT]] = [Timeline() for _ in range(self._size)]
        for job, number in zip(jobs, self.where, strict=True):
            if number >= 0:
                made[number].put(job, self._bins)
        return [timeline for timeline in made if timeline.batches]


def first_fit(jobs: Iterable[JobT], bins: Bins) -> list[Timeline[JobT]] | None:
    """Put each job into the first timeline that has time for it; None if one finds none.

    A tree of maxima over the timelines finds it.
    """
    size = 1 << max(0, bins.timelines - 1).bit_length()
    # of each timeline, and of each pair of nodes: the longest job that it has time for
    longest = [-1.0] * (2 * size)
    timelines: list[Timeline[JobT]] = []

    def note(number: int, most: float) -> None:
        at = size + number
        longest[at] = most
        while at > 1:
            at //= 2
            most = max(longest[2 * at], longest[2 * at + 1])
            if longest[at] == most:
                break
            longest[at] = most

    for job in jobs:
        seconds = job.estimate_seconds
        if longest[1] >= seconds:
            at = 1
            while at < size:
                at = 2 * at if longest[2 * at] >= seconds else 2 * at + 1
            number = at - size
        elif len(timelines) < bins.timelines and seconds <= bins.capacity:
            number = len(timelines)
            timelines.append(Timeline())
        else:
            return None
        full = timelines[number].put(job, bins)
        left = bins.window_seconds - timelines[number].seconds
        note(number, left - bins.pause if full else left)
    return timelines
