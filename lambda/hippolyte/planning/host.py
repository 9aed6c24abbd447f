"""What runs an engine's exports, as far as a plan must know it: one table for all engines."""

from __future__ import annotations

from dataclasses import dataclass

from hippolyte.planning.mappers import cluster_bytes
from hippolyte.settings import Settings

# a strongly consistent read unit; the seed's conservative figure for clusters (sizing is by it)
_CLUSTER_UNIT_BYTES = 4096
# what a Scan reads for a unit, eventually consistent, less what pages lose to rounding: each is
# counted up to a whole 4 KB, and the page of a slow table holds few of them
_SCAN_UNIT_BYTES = 7680
# of one function with one vCPU, in bytes of items a second: half of what `make bench` measures,
# for the machine's other half is the network's and the neighbours'
VCPU_BYTES = 10_000_000
# Lambda gives one vCPU for so many MB (Lambda guide, "Configure Lambda function memory")
VCPU_MB = 1769
# what cutting and compressing gain from further vCPUs is not measured: more than two count as two
_MOST_VCPUS = 2


# a cold start, a few looks, the first small pages; and the pass that starts it; seconds
WORKER_BOOTSTRAP = 60


@dataclass(frozen=True, slots=True)
class Host:
    """A cluster, or a worker of exporter functions. Times in seconds.

    Attributes:
        bootstrap: from a batch's start until its first job runs.
        job_bootstrap: of each job.
        unit_bytes: bytes of items read for a read capacity unit.
        at_once: how many hosts may run side by side.
        side_by_side: a host's jobs run together, not one after the other; a large one may have
            several hosts.
        throughput: bytes a second that a host reads at the most.
        noun: what it is called.
        knob: the setting that allows more of them.
    """

    bootstrap: int
    job_bootstrap: int
    unit_bytes: int
    at_once: int
    throughput: float
    side_by_side: bool = False
    noun: str = "cluster"
    knob: str = "planning.max_clusters"

    @property
    def planned(self) -> int:
        """How many a plan may use: where one costs nothing it is left for what is tried again."""
        return max(1, self.at_once - 1) if self.side_by_side else self.at_once


def noun_of(engine: str) -> str:
    """Return what an engine's hosts are called."""
    return "worker" if engine == "lambda" else "cluster"


def host_of(settings: Settings, engine: str) -> Host:
    """Return what an engine's hosts are like."""
    planning = settings.planning
    if engine != "lambda":
        return Host(
            bootstrap=planning.cluster_bootstrap_seconds,
            job_bootstrap=planning.activity_bootstrap_seconds,
            unit_bytes=planning.bytes_per_read_unit or _CLUSTER_UNIT_BYTES,
            at_once=planning.max_clusters,
            throughput=cluster_bytes(settings, engine),
        )
    unit = _SCAN_UNIT_BYTES // (2 if settings.consistent_reads else 1)
    exporter = settings.exporter
    vcpus = min(_MOST_VCPUS, exporter.memory_size / VCPU_MB) if exporter else 1.0
    return Host(
        bootstrap=WORKER_BOOTSTRAP,
        job_bootstrap=0,
        unit_bytes=planning.bytes_per_read_unit or unit,
        at_once=exporter.max_workers if exporter else 1,
        side_by_side=True,
        throughput=VCPU_BYTES * vcpus,
        noun=noun_of(engine),
        knob="exporter.max_workers",
    )
