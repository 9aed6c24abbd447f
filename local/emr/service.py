"""EMR on moto: clusters live and steps run (see cluster.py); the calls that moto gets wrong."""

from __future__ import annotations

import base64
import json
import threading
from datetime import timedelta
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, BaseResponse
from moto.emr import models
from moto.emr.responses import ElasticMapReduceResponse
from moto.utilities.utils import get_partition

from local.core import aws, running
from local.core.call import Call
from local.core.patching import Patches
from local.emr import calls, instances, run_job_flow, validation
from local.emr import cluster as live_cluster
from local.emr.cluster import LiveCluster
from local.emr.step import LiveStep
from local.iam import authorize
from local.programs import export, release

PAGE = 50
"""Steps and clusters a page (EMR API reference, ListSteps and ListClusters)."""
CLUSTERS_A_CALL = 10
CANCELS_RUNNING = (5, 28)
"""Before it CancelSteps cancels pending steps only."""

_patches = Patches()
_world: aws.Aws | None = None
_installing = threading.Lock()


def world() -> aws.Aws:
    """Return the world the patches are installed for."""
    assert _world is not None, "local.emr.service.install(world) comes first"
    return _world


def _validation(message: str) -> JsonRESTError:
    return JsonRESTError("ValidationException", message)


def _invalid(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidRequestException", message)


def _page(items: list[Any], marker: str | None) -> tuple[list[Any], str | None]:
    try:
        start = int(base64.b64decode(marker)) if marker else 0
    except ValueError:
        raise _invalid(f"Marker '{marker}' is not valid.") from None
    end = start + PAGE
    after = base64.b64encode(str(end).encode()).decode() if end < len(items) else None
    return items[start:end], after


def _region(self: ElasticMapReduceResponse, request: Any, full_url: str) -> str:
    """Return the region asked: moto takes us-east-1 whenever the host is not AWS's own."""
    for regex in self.emr_region_regex:
        match = regex.search(self.parsed_url.netloc)
        if match:
            return match.group(1)
    return BaseResponse.get_region_from_url(self, request, full_url)


def _cluster(self: ElasticMapReduceResponse, cluster_id: str) -> LiveCluster:
    return self.backend.describe_cluster(cluster_id)


def _list_steps(self: ElasticMapReduceResponse) -> ActionResult:
    """ListSteps: the newest first, 50 a page, or up to 10 by id."""
    cluster = _cluster(self, self._get_param("ClusterId"))
    ids, states = self._get_param("StepIds") or [], self._get_param("StepStates") or []
    if len(ids) > 10:
        raise _invalid("StepIds can hold at most 10 ids.")
    steps = [
        step
        for step in reversed(cluster.steps)
        if (not ids or step.id in ids) and (not states or step.state in states)
    ]
    page, marker = _page(steps, self._get_param("Marker"))
    return ActionResult({"Steps": page, "Marker": marker})


def _describe_step(self: ElasticMapReduceResponse) -> ActionResult:
    cluster, wanted = _cluster(self, self._get_param("ClusterId")), self._get_param("StepId")
    for step in cluster.steps:
        if step.id == wanted:
            return ActionResult({"Step": step})
    raise _invalid(f"Step id '{wanted}' is not valid.")


def _list_clusters(self: ElasticMapReduceResponse) -> ActionResult:
    """ListClusters: the newest first, 50 a page."""
    after, before = self._get_param("CreatedAfter"), self._get_param("CreatedBefore")
    states = self._get_param("ClusterStates") or []
    late = timedelta(seconds=world().faults.clusters_listed_after_seconds)
    shown = aws.naive_now(world()) - late
    found = [
        cluster
        for cluster in self.backend.list_clusters(states, after, before)
        if cluster.creation_datetime <= shown
    ]
    order = {name: place for place, name in enumerate(self.backend.clusters)}
    found.sort(key=lambda cluster: order[cluster.id], reverse=True)
    page, marker = _page(found, self._get_param("Marker"))
    return ActionResult({"Clusters": page, "Marker": marker})


def _add_job_flow_steps(self: ElasticMapReduceResponse) -> ActionResult:
    params = json.loads(self.body)
    if params["JobFlowId"] not in self.backend.clusters:
        raise _validation(f"Specified job flow ID {params['JobFlowId']} does not exist.")
    cluster, steps = _cluster(self, params["JobFlowId"]), params.get("Steps") or []
    if cluster.over or cluster.state == "TERMINATING":
        raise _validation(
            "A job flow that is shutting down, terminated, or finished may not be modified."
        )
    validation.check_a_request(len(steps), cluster.release_label)
    validation.check_steps(steps, cluster.step_concurrency_level)
    waiting = sum(step.state in {"PENDING", "RUNNING"} for step in cluster.steps)
    if waiting + len(steps) > validation.STEPS_AT_ONCE:
        most = validation.STEPS_AT_ONCE
        raise _validation(f"Maximum number of steps for job flow exceeded: {most}")
    added = cluster.add_steps([run_job_flow.step_of(step) for step in steps])
    return ActionResult({"StepIds": [step.id for step in added]})


def _terminate_job_flows(self: ElasticMapReduceResponse) -> ActionResult:
    ids = self._get_param("JobFlowIds") or []
    if len(ids) > CLUSTERS_A_CALL:
        raise _validation(f"At most {CLUSTERS_A_CALL} job flow ids are allowed, got {len(ids)}.")
    for cluster_id in ids:
        if cluster_id not in self.backend.clusters:
            raise _validation(f"Specified job flow ID {cluster_id} does not exist.")
    self.backend.terminate_job_flows(ids)
    return ActionResult({})


def _cancel_steps(self: ElasticMapReduceResponse) -> ActionResult:
    """CancelSteps: what runs can be cancelled as of emr-5.28.0; it is asked to end, or killed."""
    cluster = _cluster(self, self._get_param("ClusterId"))
    wanted = self._get_param("StepIds") or []
    validation.check_a_request(len(wanted), cluster.release_label)
    kill = self._get_param("StepCancellationOption") == "TERMINATE_PROCESS"
    running = release.version_of(cluster.release_label) >= CANCELS_RUNNING
    seconds = live_cluster.KILL_SECONDS if kill else live_cluster.CANCEL_SECONDS
    answer = []
    for step in [step for step in cluster.steps if step.id in wanted]:
        can = step.state == "PENDING" or (running and step.state == "RUNNING")
        reason = {} if can else {"Reason": f"Cannot cancel step. It is already {step.state}."}
        if can:
            cluster.cancel_step(step, seconds)
        info = {"StepId": step.id, "Status": "SUBMITTED" if can else "FAILED"}
        answer.append(info | reason)
    return ActionResult({"CancelStepsInfoList": answer})


def _list_instances(self: ElasticMapReduceResponse) -> ActionResult:
    cluster = _cluster(self, self._get_param("ClusterId"))
    found = instances.instances(cluster)
    wanted = self._get_param("InstanceFleetId") or self._get_param("InstanceGroupId")
    if wanted:
        found = [one for one in found if wanted in one.values()]
    page, marker = _page(found, self._get_param("Marker"))
    return ActionResult({"Instances": page, "Marker": marker})


def _list_instance_groups(self: ElasticMapReduceResponse) -> ActionResult:
    cluster = _cluster(self, self._get_param("ClusterId"))
    if cluster.nodes.fleets:
        raise _invalid("Instance fleets and instance groups are mutually exclusive.")
    return ActionResult({"InstanceGroups": instances.groups(cluster)})


def _list_instance_fleets(self: ElasticMapReduceResponse) -> ActionResult:
    cluster = _cluster(self, self._get_param("ClusterId"))
    if not cluster.nodes.fleets:
        raise _invalid("Instance fleets and instance groups are mutually exclusive.")
    return ActionResult({"InstanceFleets": instances.fleets(cluster)})


def _run_job_flow(self: ElasticMapReduceResponse) -> ActionResult:
    """RunJobFlow. There is no client token: each call is one more cluster."""
    params, partition = json.loads(self.body or "{}"), get_partition(self.region)
    principal = authorize.caller(running.current(), Call("emr", "RunJobFlow", self))
    caller = principal.role if principal else None
    cluster = run_job_flow.run_job_flow(world(), self.backend, partition, params, caller)
    return ActionResult({"JobFlowId": cluster.id, "ClusterArn": cluster.arn})


def _put_auto_termination_policy(self: ElasticMapReduceResponse) -> ActionResult:
    cluster = _cluster(self, self._get_param("ClusterId"))
    policy = json.loads(self.body).get("AutoTerminationPolicy") or {}
    validation.check_idle(policy, cluster.release_label)
    cluster.idle_seconds = policy["IdleTimeout"]
    cluster.idle()
    return ActionResult({})


def _get_auto_termination_policy(self: ElasticMapReduceResponse) -> ActionResult:
    seconds = _cluster(self, self._get_param("ClusterId")).idle_seconds
    return ActionResult({"AutoTerminationPolicy": {"IdleTimeout": seconds}} if seconds else {})


def _remove_auto_termination_policy(self: ElasticMapReduceResponse) -> ActionResult:
    _cluster(self, self._get_param("ClusterId")).idle_seconds = None
    return ActionResult({})


def _describe_security_configuration(self: ElasticMapReduceResponse) -> ActionResult:
    """DescribeSecurityConfiguration has one error for callers; moto's code is no error of EMR."""
    name = self._get_param("Name")
    if name not in self.backend.security_configurations:
        raise _invalid(f"Security configuration with name '{name}' does not exist.")
    return ActionResult(self.backend.get_security_configuration(name=name))


def install(for_world: aws.Aws) -> None:
    """Make EMR live in this world."""
    global _world
    with _installing:
        uninstall()
        _world = for_world
        live_cluster.live_in(_world)
        export.forget_all()
        calls.forget_all()
        _patches.set(models, "utcnow", lambda: aws.naive_now(world()))
        _patches.set(models, "Cluster", LiveCluster)
        _patches.set(models, "Step", LiveStep)
        _patches.set(ElasticMapReduceResponse, "get_region_from_url", _region)
        for name, method in {
            "list_steps": _list_steps,
            "describe_step": _describe_step,
            "list_clusters": _list_clusters,
            "add_job_flow_steps": _add_job_flow_steps,
            "terminate_job_flows": _terminate_job_flows,
            "cancel_steps": _cancel_steps,
            "run_job_flow": _run_job_flow,
            "put_auto_termination_policy": _put_auto_termination_policy,
            "get_auto_termination_policy": _get_auto_termination_policy,
            "remove_auto_termination_policy": _remove_auto_termination_policy,
            "describe_cluster": ElasticMapReduceResponse.describe_cluster,
            "describe_security_configuration": _describe_security_configuration,
            "add_tags": ElasticMapReduceResponse.add_tags,
            "set_termination_protection": ElasticMapReduceResponse.set_termination_protection,
            "list_instances": _list_instances,
            "list_instance_groups": _list_instance_groups,
            "list_instance_fleets": _list_instance_fleets,
        }.items():
            wrapped = calls.method(world, name, method)
            _patches.set(ElasticMapReduceResponse, name, wrapped)


def uninstall() -> None:
    """Put moto's EMR back."""
    global _world
    _patches.undo()
    live_cluster.live_in(None)
    _world = None
