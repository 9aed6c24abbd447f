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
    opens a further batch (and pays its cluster's bootstrap) when the last one is full. A job that
    fits nowhere still gets its place, on the timeline that is free first: it is planned as far as
    it goes. The order depends on the input's durations and names alone.
    """
    timelines: list[Timeline[JobT]] = []
    overflow: list[JobT] = []
    for job in sorted(jobs, key=lambda j: (-j.estimate_seconds, j.table)):
        place = next((t for t in timelines if _after(t, job, bins) <= bins.window_seconds), None)
        if place is None and len(timelines) < bins.timelines:
            place = Timeline()
            timelines.append(place)
        if place is None:
            place = min(timelines, key=lambda t: t.seconds)
        if _after(place, job, bins) > bins.window_seconds:
            overflow.append(job)
        _put(place, job, bins)
    return timelines, overflow


def _full(timeline: Timeline[JobT], bins: Bins) -> bool:
    return not timeline.batches or len(timeline.batches[-1]) >= bins.tables_per_batch


def _after(timeline: Timeline[JobT], job: JobT, bins: Bins) -> float:
    start = 0.0
    if _full(timeline, bins):
        start = bins.cluster_bootstrap_seconds
        start += bins.handover_seconds if timeline.batches else 0
    return timeline.seconds + start + job.estimate_seconds


def _put(timeline: Timeline[JobT], job: JobT, bins: Bins) -> None:
    seconds = _after(timeline, job, bins)
    if _full(timeline, bins):
        timeline.batches.append([])
    timeline.batches[-1].append(job)
    timeline.seconds = seconds
