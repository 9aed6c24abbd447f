"""What a cluster reads at the most, whatever the table gives: its mappers, at 1 MiB/s each.

How many there are is as emr-dynamodb-connector computes it (`RoundRobinYarnContainerAllocator`):
memory in slots of 32 MB, one container for the job's master on the first node and one for the
reducer on the second, mappers in what is left of each. Memory by type: EMR Release Guide, "Hadoop
task configuration" (2023). 1 MiB/s: DynamoDB guide of 2023, "Performance tuning: mappers"; the
tool's code has no such limit, so a night may be faster (not measured on AWS).
"""

from __future__ import annotations

from hippolyte.settings import Settings

MAPPER_BYTES = 1 << 20
SMALL_MB = 1024
"""What `engines.emr_job_flow` gives the reducer and the job's master; Data Pipeline's clusters have
EMR's own, in the table."""

_SLOT_MB = 32
# by type: MB of a node, of a mapper, of the reducer and of the job's master alike
_MEMORY = {
    "m1.medium": (2048, 768, 1024),
    "m4.large": (6144, 1536, 3072),
    "m4.xlarge": (12288, 1536, 3072),
    "m5.xlarge": (12288, 3072, 6144),
    "m5.2xlarge": (24576, 3072, 6144),
    "m5.4xlarge": (57344, 3584, 7168),
    "m6g.xlarge": (11712, 2928, 5856),
    "m6g.2xlarge": (23424, 2928, 5856),
    "m6g.4xlarge": (54272, 3392, 6784),
    "c5.xlarge": (6144, 1536, 3072),
    "c5.2xlarge": (12288, 1536, 3072),
    "r5.xlarge": (24576, 6144, 12288),
}
# m5a and m5d are as m5; of families that the guide does not list, m5's of the same size
_SIZES = {name.partition(".")[2]: of for name, of in _MEMORY.items() if name.startswith("m5.")}


def mappers(instance_type: str, nodes: int, small: bool) -> int:
    """Return how many mappers run at once on so many core nodes of a type, at least 1.

    `small`: the reducer and the job's master have 1 GB each.
    """
    size = instance_type.partition(".")[2]
    node, mapper, other = _MEMORY.get(instance_type) or _SIZES.get(size) or _MEMORY["m5.xlarge"]
    each, other = _slots(mapper), _slots(SMALL_MB if small else other)
    room = [node] * nodes
    room[0] -= other
    room[min(1, nodes - 1)] -= other
    return max(1, sum(max(0, one) // each for one in room))


def _slots(megabytes: int) -> int:
    return -(-megabytes // _SLOT_MB) * _SLOT_MB


def cluster_bytes(settings: Settings, engine: str) -> float:
    """Return the bytes a second that a cluster of these settings reads at the most."""
    if settings.planning.cluster_bytes_per_second is not None:
        return float(settings.planning.cluster_bytes_per_second)
    return float(MAPPER_BYTES * cluster_mappers(settings, engine))


def cluster_mappers(settings: Settings, engine: str) -> int:
    """Return how many mappers run at once on a cluster of these settings."""
    cluster = settings.cluster
    return mappers(cluster.core_instance_type, cluster.core_instance_count, engine == "emr")
