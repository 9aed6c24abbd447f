"""Packs jobs onto clusters: first-fit decreasing under a time limit and a table limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What is packed."""

    @property
    def table(self) -> str: ...

    @property
    def estimate_seconds(self) -> int: ...


JobT = TypeVar("JobT", bound=Sized)


@dataclass(slots=True)
class Timeline(Generic[JobT]):
    """Batches that run one after another, a cluster each; `seconds` includes their bootstraps."""

    batches: list[list[JobT]] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Bins:
    """What the packing must keep to. Times in seconds."""

    window_seconds: float
    cluster_bootstrap_seconds: float
    tables_per_batch: int
    timelines: int
    # from a batch's last export to the next one's launch, on the same timeline
    handover_seconds: float = 0.0


def pack(jobs: Iterable[JobT], bins: Bins) -> tuple[list[Timeline[JobT]], list[JobT]]:
    """Pack `jobs` into timelines; also return the jobs that no timeline had time for.

    Jobs go in by decreasing duration, each into the first timeline with time for it; a timeline
    opens a further batch (and pays its cluster's bootstrap) when the last one is full. What fits
    nowhere comes after all that fits, the shortest first, so that as many tables as can be are
    read: on a timeline of its own if one is left, else in further batches of the one that is free
    first. The order depends on the input's durations and names alone.
    """
    timelines: list[Timeline[JobT]] = []
    overflow: list[JobT] = []
    for job in sorted(jobs, key=lambda j: (-j.estimate_seconds, j.table)):
        place = next((t for t in timelines if _after(t, job, bins) <= bins.window_seconds), None)
        if place is None and _after(Timeline(), job, bins) <= bins.window_seconds:
            place = _opened(timelines, bins)
        if place is None:
            overflow.append(job)
        else:
            _put(place, job, bins)
    late: set[int] = set()
    for job in reversed(overflow):
        place = _opened(timelines, bins) or min(timelines, key=lambda t: t.seconds)
        if place.batches and id(place) not in late:
            # in a batch with those that fit it might run before them
            _open_batch(place, bins)
        late.add(id(place))
        _put(place, job, bins)
    return timelines, overflow


def _opened(timelines: list[Timeline[JobT]], bins: Bins) -> Timeline[JobT] | None:
    """Return a new timeline, None if there are as many as may be."""
    if len(timelines) >= bins.timelines:
        return None
    timelines.append(Timeline())
    return timelines[-1]


def _full(timeline: Timeline[JobT], bins: Bins) -> bool:
    return not timeline.batches or len(timeline.batches[-1]) >= bins.tables_per_batch


def _after(timeline: Timeline[JobT], job: JobT, bins: Bins) -> float:
    start = _start_of_batch(timeline, bins) if _full(timeline, bins) else 0.0
    return timeline.seconds + start + job.estimate_seconds


def _start_of_batch(timeline: Timeline[JobT], bins: Bins) -> float:
    return bins.cluster_bootstrap_seconds + (bins.handover_seconds if timeline.batches else 0)


def _open_batch(timeline: Timeline[JobT], bins: Bins) -> None:
    timeline.seconds += _start_of_batch(timeline, bins)
    timeline.batches.append([])


def _put(timeline: Timeline[JobT], job: JobT, bins: Bins) -> None:
    if _full(timeline, bins):
        _open_batch(timeline, bins)
    timeline.batches[-1].append(job)
    timeline.seconds += job.estimate_seconds


# one pass of the monitor sees a batch's end, at the latest the next its cluster's
HANDOVER_SECONDS = 600
