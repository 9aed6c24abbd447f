"""Two ways to find a job its timeline, each in the logarithm of their number."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable

from hippolyte.planning.timelines import Bins, JobT, Timeline


class Placing:
    """Where jobs go that were given by their times."""

    def __init__(self, timelines: int, bins: Bins) -> None:
        # of each job that was given, in their order: its timeline, -1 where there is none
        self.where: list[int] = []
        self._bins, self._size = bins, timelines
        # jobs, of each timeline
        self._held = [0] * timelines

    @property
    def used(self) -> int:
        """How many timelines have any."""
        return sum(held > 0 for held in self._held)

    @property
    def batches(self) -> int:
        """How many batches there are."""
        return sum(-(-held // self._bins.tables_per_batch) for held in self._held)

    def timelines(self, jobs: Iterable[JobT]) -> list[Timeline[JobT]]:
        """Return the timelines that have any, of all jobs whose times were given."""
        made: list[Timeline[JobT]] = [Timeline() for _ in range(1 + max(self.where, default=-1))]
        for job, number in zip(jobs, self.where, strict=True):
            if number >= 0:
                made[number].put(job, self._bins)
        return [timeline for timeline in made if timeline.batches]


class WorstFit(Placing):
    """A number of timelines; a job goes to the one with a place where most time is left.

    So they end about together, and small jobs stay for the last gaps. A further batch is begun
    only where no place has the time, and only as long as there are less than `batches`. Large jobs,
    of which no batch holds as many as it has places, go on the first `close` timelines only.
    """

    def __init__(self, timelines: int, batches: int, close: int, bins: Bins) -> None:
        super().__init__(timelines, bins)
        self._further = batches - timelines
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


class CountedFit(Placing):
    """A number of `batches` whose pauses count from the start; a job goes where most time is left
    for each place that is left.

    So timelines with less batches have the longer jobs, and fill their places and their time as
    the others do. Of use where most batches are full, and only some timelines need a further one.
    """

    def __init__(self, timelines: int, batches: int, bins: Bins) -> None:
        super().__init__(timelines, bins)
        each, more = divmod(batches, timelines)
        counts = [each + (number < more) for number in range(timelines)]
        pause, most = math.ceil(bins.pause), math.floor(bins.capacity)
        self._left = [most - (count - 1) * pause for count in counts]
        self._places = [count * bins.tables_per_batch for count in counts]
        # less the seconds a place, and the timeline, of those with a place
        self._open = [(-self._left[n] / self._places[n], n) for n in range(min(batches, timelines))]
        heapq.heapify(self._open)

    def give(self, times: Iterable[int], must: bool = True) -> bool:
        """Place jobs; False as soon as one that must have a place finds none."""
        roomy, left, places = self._open, self._left, self._places
        for seconds in times:
            number = roomy[0][1] if roomy else -1
            if number >= 0 and left[number] >= seconds:
                self._held[number] += 1
                left[number] -= seconds
                places[number] -= 1
                if places[number]:
                    heapq.heapreplace(roomy, (-left[number] / places[number], number))
                else:
                    heapq.heappop(roomy)
            elif must:
                return False
            else:
                number = -1
            self.where.append(number)
        return True


class FirstFit(Placing):
    """As many timelines as there may be; a job goes to the first one that has time for it.

    A tree of maxima over the timelines finds it.
    """

    def give(self, times: Iterable[int]) -> bool:
        """Place jobs; False as soon as one finds no place."""
        bins, used = self._bins, 0
        size = 1 << max(0, self._size - 1).bit_length()
        # of each timeline, and of each pair of nodes: the longest job that it has time for
        longest = [-1] * (2 * size)
        left = [math.floor(bins.capacity)] * self._size
        pause = math.ceil(bins.pause)
        for seconds in times:
            at = 1
            if longest[1] >= seconds:
                while at < size:
                    at = 2 * at if longest[2 * at] >= seconds else 2 * at + 1
                number = at - size
            elif used < self._size and seconds <= left[used]:
                number, used = used, used + 1
            else:
                return False
            # of a batch that is full a further one follows
            full = self._held[number] % bins.tables_per_batch == 0 < self._held[number]
            left[number] -= seconds + (pause if full else 0)
            self._held[number] += 1
            full = self._held[number] % bins.tables_per_batch == 0
            self.where.append(number)
            at, most = size + number, left[number] - (pause if full else 0)
            longest[at] = most
            while at > 1:
                at //= 2
                most = max(longest[2 * at], longest[2 * at + 1])
                if longest[at] == most:
                    break
                longest[at] = most
        return True
