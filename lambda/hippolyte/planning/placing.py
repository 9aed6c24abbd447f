"""Two ways to find a job its timeline, each in the logarithm of their number."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Generic

from hippolyte.planning.timelines import Bins, JobT, Timeline


class WorstFit(Generic[JobT]):
    """A number of timelines; a job goes to the one with a place where most time is left.

    So they end about together, and small jobs stay for the last gaps. A further batch is begun
    only where no place has the time, and only as long as there are less than `batches`. Large jobs,
    of which no batch holds as many as it has places, go on the first `close` timelines only.
    """

    def __init__(self, timelines: int, batches: int, close: int, bins: Bins) -> None:
        self.timelines: list[Timeline[JobT]] = [Timeline() for _ in range(timelines)]
        self._bins, self._further = bins, batches - timelines
        # less the time left, and the timeline's number: of those with a place, and of the full
        self._open: list[tuple[float, int]] = [(-bins.capacity, n) for n in range(close)]
        self._full: list[tuple[float, int]] = []
        self._short = bins.short_seconds
        self._kept = range(close, timelines)

    def put(self, job: JobT) -> bool:
        """Put a job; say whether there was time."""
        seconds, bins = job.estimate_seconds, self._bins
        if self._kept and seconds <= self._short:
            self._open += [(-bins.capacity, n) for n in self._kept]
            heapq.heapify(self._open)
            self._kept = range(0)
        if self._open and seconds <= -self._open[0][0]:
            left, number = self._open[0]
            if self.timelines[number].put(job, bins):
                heapq.heappop(self._open)
                heapq.heappush(self._full, (left + seconds, number))
            else:
                heapq.heapreplace(self._open, (left + seconds, number))
            return True
        if not self._full or self._further <= 0 or seconds + bins.pause > -self._full[0][0]:
            return False
        self._further -= 1
        left, number = heapq.heappop(self._full)
        full = self.timelines[number].put(job, bins)
        left += seconds + bins.pause
        heapq.heappush(self._full if full else self._open, (left, number))
        return True


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
