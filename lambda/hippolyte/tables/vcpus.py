"""How many vCPUs a deployment's clusters need at once, by EC2's quota they count for."""

from __future__ import annotations

import re

from hippolyte.settings import Settings

ON_DEMAND, SPOT = "L-1216C47A", "L-34B43A08"
"""Quotas of EC2: vCPUs of Standard instances, on demand and from spot; 5 in a new account."""

# the families of Standard instances (EC2 User Guide, "On-Demand Instance quotas")
_STANDARD = re.compile(r"[acdhimrtz]\d")
_SIZES = {"medium": 1, "large": 2, "xlarge": 4}


def vcpus_of(instance_type: str) -> int:
    """Return an instance type's vCPUs by its size, 0 if it counts for another quota.

    Right but for a few old types (c4.8xlarge has 36).
    """
    family, _, size = instance_type.partition(".")
    if not _STANDARD.match(family):
        return 0
    if many := re.fullmatch(r"(\d+)xlarge", size):
        return 4 * int(many[1])
    return _SIZES.get(size, 0)


def of_a_cluster(settings: Settings) -> dict[str, int]:
    """Return the vCPUs of one cluster by quota."""
    cluster, emr = settings.cluster, settings.emr if settings.engine == "emr" else None
    types = (emr and emr.instance_types) or (cluster.core_instance_type,)
    core = max(vcpus_of(each) for each in types) * cluster.core_instance_count
    found = {ON_DEMAND: vcpus_of(cluster.master_instance_type), SPOT: 0}
    found[SPOT if emr and emr.spot else ON_DEMAND] += core
    return found
