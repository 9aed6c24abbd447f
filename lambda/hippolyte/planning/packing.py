"""Packs jobs onto clusters under a time limit and a table limit: all of them, or as many as can be.

What is aimed at, in this order: jobs within the window, batches (each costs a cluster's bootstrap),
timelines (clusters at once), an early end.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from hippolyte.planning.bound import least_bins
from hippolyte.planning.most import most_first
from hippolyte.planning.placing import CountedFit, FirstFit, Placing, WorstFit
from hippolyte.planning.timelines import Bins, JobT, Timeline, shortest

# numbers of batches, and of timelines, that are tried: each costs n log n
_TRIES = 6
# how close together large jobs are tried to go
_PARTS = 4
# and so many near to none closer
_NEAR = 2


def pack(
    jobs: Iterable[JobT], bins: Bins, rank: Callable[[JobT], Any] = shortest
) -> tuple[list[Timeline[JobT]], list[JobT]]:
    """Pack `jobs` into timelines; also return the jobs that no timeline had time for.

    Of jobs that do not all fit, those that come first by `rank`, and then all that still find
    time. What has no time comes after all that has, in that order, and
    last what does not fit even alone, the shortest first: on a timeline of its own if one is left,
    else in further batches of the one that is free first. The order depends on the input's
    durations and names alone.
    """
    ordered = sorted(jobs, key=lambda j: (-j.estimate_seconds, j.table))
    fitting = [j for j in ordered if 0 < bins.capacity >= j.estimate_seconds]
    never = ordered[: len(ordered) - len(fitting)]
    late: list[JobT] = []
    timelines = _all(fitting, bins)
    if timelines is None:
        timelines, late = _most(sorted(fitting, key=rank), bins)
    _put_late([*late, *reversed(never)], timelines, bins)
    return timelines, late + never


def _all(jobs: Sequence[JobT], bins: Bins) -> list[Timeline[JobT]] | None:
    """Pack jobs, the longest first, in as few batches and timelines as are found; None: no way.

    From the bound on, the first number of batches that is found to do is the answer. No plan is of
    more batches, nor of more timelines, than that of first fit.
    """
    if not jobs:
        return []
    times = [j.estimate_seconds for j in jobs]
    work = sum(times)
    least = least_bins(times, bins.capacity, bins.tables_per_batch)
    few = bins.least_timelines(work, least)
    if few > bins.timelines:
        return None
    if found := _spread(times, few, least, few, bins):
        # it is proved to be the best
        return found.timelines(jobs)
    best: Placing | None = None
    at_once, most = min(bins.timelines, len(jobs)), len(jobs) + 1
    simple = FirstFit(at_once, bins)
    if simple.give(times):
        best, at_once, most = simple, simple.used, simple.batches
    close = at_once
    for number in _closer(times, at_once, bins):
        found = _spread(times, at_once, len(jobs), number, bins)
        if found and found.batches < most:
            best, close, most = found, number, found.batches
    for batches in _from(least, most):
        if found := _spread(times, min(at_once, batches), batches, close, bins):
            best, at_once, most = found, min(at_once, batches), batches
            break
    if best is None:
        return None
    for timelines in _from(bins.least_timelines(work, most), at_once):
        if found := _spread(times, timelines, most, close, bins):
            best = found
            break
    return best.timelines(jobs)


def _from(least: int, below: int) -> Iterator[int]:
    """Yield some numbers from `least` on: near it most is to be won."""
    for step in range(_TRIES):
        number = least + (1 << step) - 1
        if number < below:
            yield number


def _closer(times: Sequence[int], most: int, bins: Bins) -> list[int]:
    """Return some numbers of timelines that the large jobs may go on, from all to the fewest.

    Large are those that take more than places: of others a whole batch has time. Where these need
    places more than time, it is of use to have the large ones close together.
    """
    large = [seconds for seconds in times if seconds > bins.short_seconds]
    least = least_bins(large, bins.capacity, bins.tables_per_batch)
    fit = (number for number in _from(least, most) if _spread(large, number, number, number, bins))
    least = next(fit, most)
    # nearly all of them leaves one or two for what is short
    near = {most - number for number in range(_NEAR + 1) if most - number >= least}
    even = {most - (most - least) * part // _PARTS for part in range(_PARTS + 1)}
    return sorted(near | even, reverse=True)


def _spread(
    times: Sequence[int], timelines: int, batches: int, close: int, bins: Bins
) -> WorstFit | None:
    """Put each job where most time is left; None if one has none. Large ones go on `close` only."""
    worst_fit = WorstFit(timelines, batches, min(close, timelines), bins)
    return worst_fit if worst_fit.give(times) else None


def _most(ranked: Sequence[JobT], bins: Bins) -> tuple[list[Timeline[JobT]], list[JobT]]:
    """Pack as many of the first jobs as go together, then of the others all that find time.

    Also return what finds none, in its order.
    """
    times = [j.estimate_seconds for j in ranked]
    longest_first = sorted(range(len(times)), key=lambda n: (-times[n], ranked[n].table))

    def first(number: int) -> WorstFit | CountedFit | None:
        few = -(-number // bins.tables_per_batch)
        these = [times[n] for n in longest_first if n < number]
        together = WorstFit(bins.timelines, number + len(times), bins.timelines, bins)
        if together.give(these):
            return together
        counted = CountedFit(bins.timelines, few, bins)
        return counted if counted.give(these) else None

    best: WorstFit | CountedFit | None
    best, fit = most_first(first, bins.most_jobs(times))
    if best is None:
        return [], list(ranked)
    best.give(times[fit:], must=False)
    jobs = [*(ranked[n] for n in longest_first if n < fit), *ranked[fit:]]
    late = [job for job, number in zip(jobs, best.where, strict=True) if number < 0]
    return best.timelines(jobs), late


def _put_late(late: Iterable[JobT], timelines: list[Timeline[JobT]], bins: Bins) -> None:
    """Put jobs behind all others, each where a timeline is free first."""
    free = [(t.seconds, n) for n, t in enumerate(timelines)]
    heapq.heapify(free)
    begun: set[int] = set()
    for job in late:
        if len(timelines) < bins.timelines:
            number = len(timelines)
            timelines.append(Timeline())
        else:
            _, number = heapq.heappop(free)
            if number not in begun:
                # in a batch with those that fit it might run before them
                timelines[number].open_batch(bins)
        begun.add(number)
        timelines[number].put(job, bins)
        heapq.heappush(free, (timelines[number].seconds, number))
