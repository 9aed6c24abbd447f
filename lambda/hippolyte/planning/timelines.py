"""Timelines: rows of batches, one cluster each, and what they must keep to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from hippolyte.planning.bound import least_timelines, most_jobs

# one pass of the monitor sees a batch's end, at the latest the next its cluster's
HANDOVER_SECONDS = 600


class Sized(Protocol):
    """What is packed."""

    @property
    def table(self) -> str: ...

    @property
    def estimate_seconds(self) -> int: ...


JobT = TypeVar("JobT", bound=Sized)


def shortest(job: Sized) -> tuple[int, str]:
    """Rank the shortest first."""
    return job.estimate_seconds, job.table


@dataclass(frozen=True, slots=True)
class Bins:
    """What the packing must keep to. Times in seconds."""

    window_seconds: float
    cluster_bootstrap_seconds: float
    tables_per_batch: int
    timelines: int
    # from a batch's last export to the next one's launch, on the same timeline
    handover_seconds: float = 0.0

    @property
    def capacity(self) -> float:
        """What one batch alone on a timeline has for its jobs."""
        return self.window_seconds - self.cluster_bootstrap_seconds

    @property
    def pause(self) -> float:
        """What a further batch of a timeline costs of it."""
        return self.cluster_bootstrap_seconds + self.handover_seconds

    @property
    def short_seconds(self) -> float:
        """Of jobs that take no longer a batch holds as many as it has places."""
        return self.capacity / self.tables_per_batch

    def least_timelines(self, work: float, batches: int) -> int:
        """Return over how many timelines batches with so much work go at least."""
        return least_timelines(
            work, batches, self.window_seconds, self.pause, self.handover_seconds
        )

    def most_jobs(self, times: Sequence[int]) -> int:
        """Return how many of the first jobs, as they are given, may have time at the most."""
        limits = self.tables_per_batch, self.window_seconds, self.pause, self.handover_seconds
        return most_jobs(times, self.timelines, *limits)


@dataclass(slots=True)
class Timeline(Generic[JobT]):
    """Batches that run one after another, a cluster each; `seconds` includes their bootstraps."""

    batches: list[list[JobT]] = field(default_factory=list)
    seconds: float = 0.0

    def put(self, job: JobT, bins: Bins) -> bool:
        """Put a job into the last batch, a further one if that is full; say if it is full now."""
        if not self.batches or len(self.batches[-1]) >= bins.tables_per_batch:
            self.open_batch(bins)
        self.batches[-1].append(job)
        self.seconds += job.estimate_seconds
        return len(self.batches[-1]) >= bins.tables_per_batch

    def open_batch(self, bins: Bins) -> None:
        """Begin a further batch."""
        self.seconds += bins.pause if self.batches else bins.cluster_bootstrap_seconds
        self.batches.append([])
