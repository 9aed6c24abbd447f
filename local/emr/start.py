"""How an EMR cluster comes up: its machines, its bootstrap actions, and what may go wrong there.

The delays are ordinary ones; what fails tells it in EMR's own words (see machines, bootstrap).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.core import aws
from local.emr import bootstrap, machines

if TYPE_CHECKING:
    from local.emr.cluster_state import ClusterState

_CODED = re.compile(r"(INTERNAL_ERROR|INSTANCE_FAILURE): (.*)")
PROVISION_SECONDS = 60.0
"""Until EC2 says what it gives."""
STARTING_SECONDS = 300.0
BOOTSTRAPPING_SECONDS = 90.0


def begin(cluster: ClusterState) -> None:
    """Start a cluster that is in STARTING."""
    faults = cluster.world.faults
    if faults.cluster_never_starts:
        faults.cluster_never_starts -= 1
    elif faults.cluster_start_fails:
        message = faults.cluster_start_fails.pop(0)
        aws.later(cluster.world, PROVISION_SECONDS, lambda: _refuse(cluster, message))
    else:
        aws.later(cluster.world, PROVISION_SECONDS, lambda: _provision(cluster))


def _refuse(cluster: ClusterState, message: str) -> None:
    found = _CODED.fullmatch(message)
    code, text = found.groups() if found else ("VALIDATION_ERROR", message)
    cluster.shut_down(code, text, with_errors=True)


def _provision(cluster: ClusterState) -> None:
    """Ask EC2 for the machines, as the service role."""
    if cluster.state != "STARTING":
        return
    refusal = cluster.unauthorized(cluster) if cluster.unauthorized else None
    if refusal:
        _refuse(cluster, refusal)
        return
    try:
        given = machines.provide(cluster.world, cluster.emr_backend, cluster.nodes)
    except machines.Unprovided as missing:
        lacking = missing
        aws.later(cluster.world, lacking.after_seconds, lambda: _unprovided(cluster, lacking))
        return
    if given.wait_seconds is None:
        return  # a spot request that stays open: STARTING until somebody ends it
    cluster.machines = given.machines
    if given.subnet:
        cluster.ec2_subnet_id = given.subnet
        cluster.availability_zone = machines.zone_of(cluster.emr_backend, given.subnet)
    wait = STARTING_SECONDS - PROVISION_SECONDS + given.wait_seconds
    aws.later(cluster.world, wait, lambda: _bootstrap(cluster))


def _unprovided(cluster: ClusterState, missing: machines.Unprovided) -> None:
    if cluster.state == "STARTING":
        cluster.error_details = missing.details
        cluster.shut_down(missing.code, str(missing), with_errors=True)


def _bootstrap(cluster: ClusterState) -> None:
    if cluster.state == "STARTING":
        cluster.change("BOOTSTRAPPING")
        aws.later(cluster.world, bootstrap.FETCH_SECONDS, lambda: _run_scripts(cluster))
        aws.later(cluster.world, BOOTSTRAPPING_SECONDS, lambda: _ready(cluster))


def _run_scripts(cluster: ClusterState) -> None:
    if cluster.state != "BOOTSTRAPPING":
        return
    try:
        times = bootstrap.run(cluster)
    except bootstrap.BootstrapFailed as failed:
        cluster.error_details = [failed.detail]
        cluster.shut_down("BOOTSTRAP_FAILURE", str(failed), with_errors=True)
        return
    for when in times:
        seconds = (when - cluster.world.clock.now()).total_seconds()
        aws.later(cluster.world, max(0.0, seconds), lambda: _primary_shut_down(cluster))


def _primary_shut_down(cluster: ClusterState) -> None:
    """Lose the primary, and with it the cluster (wording: seen by others, not documented)."""
    cluster.die("INSTANCE_FAILURE", "The master node was terminated and cannot recover")


def _ready(cluster: ClusterState) -> None:
    if cluster.state == "BOOTSTRAPPING":
        cluster.ready_datetime = aws.naive_now(cluster.world)
        cluster.change("RUNNING" if cluster.steps else "WAITING")
        cluster.next()
