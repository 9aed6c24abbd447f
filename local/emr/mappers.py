"""How many mappers a cluster's nodes hold: what an export reads at the most depends on it.

Source: emr-dynamodb-connector, `RoundRobinYarnContainerAllocator`; memory of a node and of its
containers: EMR Release Guide, "Hadoop task configuration" (2023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.emr.cluster_state import ClusterState

_SLOT_MB = 32
_NAMES = (
    "mapreduce.map.memory.mb",
    "mapreduce.reduce.memory.mb",
    "yarn.app.mapreduce.am.resource.mb",
)
# a node's MB, and those of a map, of a reducer and of the master of a job
_MEMORY = {
    "m1.medium": (2048, 768, 1024, 1024),
    "m4.large": (6144, 1536, 3072, 3072),
    "m4.xlarge": (12288, 1536, 3072, 3072),
    "m5.xlarge": (12288, 3072, 6144, 6144),
    "m5.2xlarge": (24576, 3072, 6144, 6144),
    "m5.4xlarge": (57344, 3584, 7168, 7168),
    "m6g.xlarge": (11712, 2928, 5856, 5856),
    "c5.xlarge": (6144, 1536, 3072, 3072),
    "r5.xlarge": (24576, 6144, 12288, 12288),
}


def slots(cluster: ClusterState) -> int:
    """Return how many mappers run at once on the nodes that there are."""
    core = [one for one in cluster.machines if one.role != "MASTER"]
    nodes = sum(one.count for one in core)
    if not nodes:
        return 1
    node, *needs = _MEMORY.get(core[0].type, _MEMORY["m5.xlarge"])
    asked = _properties(cluster.configurations)
    mapper, reducer, master = (
        -(-int(asked.get(name, usual)) // _SLOT_MB) * _SLOT_MB
        for name, usual in zip(_NAMES, needs, strict=True)
    )
    room = [node] * nodes
    room[0] -= master
    room[min(1, nodes - 1)] -= reducer
    return max(1, sum(max(0, one) // mapper for one in room))


def _properties(configurations: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in configurations or []:
        if one.get("Classification", one.get("classification")) == "mapred-site":
            found |= one.get("Properties", one.get("properties", {}))
    return found
