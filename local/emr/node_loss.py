"""What becomes of an EMR cluster that loses nodes in mid-step.

Source: Management Guide (core nodes on spot) as set out in the project's notes; the message of a
cluster without core nodes is one others have seen, with the code INSTANCE_FAILURE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.core import aws
from local.emr.machines import SPOT

if TYPE_CHECKING:
    from local.emr.cluster_state import ClusterState
    from local.emr.step import LiveStep

SPOT_SECONDS = 40.0
"""From a step's start until EC2 takes its spot nodes back: an export reads its table by then."""
REPLACE_SECONDS = 420.0
"""Until EMR has other nodes in their place."""


def strike(cluster: ClusterState, step: LiveStep) -> bool:
    """Let a fault strike as a step begins; return whether the primary is lost at once."""
    faults = cluster.world.faults
    if faults.cluster_dies_at_step == cluster.begun_steps:
        faults.cluster_dies_at_step = None
        cluster.die("INSTANCE_FAILURE", "The master failed: instance terminated unexpectedly.")
        return True
    if faults.spot_lost_at_step == cluster.begun_steps and _workers(cluster, spot=True):
        faults.spot_lost_at_step = None
        aws.later(cluster.world, SPOT_SECONDS, lambda: _spot_lost(cluster))
    return False


def _workers(cluster: ClusterState, *, spot: bool) -> int:
    return sum(
        one.count
        for one in cluster.machines
        if one.role != "MASTER" and (one.market == SPOT) is spot
    )


def _spot_lost(cluster: ClusterState) -> None:
    """Take the spot nodes: with others left the tasks run again, without any the step fails.

    Losing all of its core nodes ends the cluster too, unless the fault says that EMR gets others.
    """
    if cluster.over or cluster.state == "TERMINATING":
        return
    every = not _workers(cluster, spot=False)
    if every and not cluster.world.faults.spot_replaced:
        cluster.die("INSTANCE_FAILURE", "All slaves in the job flow were terminated due to Spot")
        return
    if every:
        cluster.nodes_back = cluster.world.clock.now().timestamp() + REPLACE_SECONDS
    for step in list(cluster.steps):
        if step.program:
            step.program.lose_nodes(every=every)
