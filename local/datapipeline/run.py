"""One run of a pipeline: its instances, and the cluster it starts and ends.

Source: Developer Guide (pipeline and instance states, on-demand), as set out in the project's
notes. A resource is not tried again (the service's default is not documented).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.core import aws
from local.datapipeline.cluster import CannotLaunch, launch
from local.datapipeline.objects import Fields, Instance
from local.datapipeline.state import PipelineState, RunState
from local.datapipeline.task_runner import Tasks
from local.datapipeline.validation import seconds_of_period, value

if TYPE_CHECKING:
    from local.emr.cluster_state import ClusterState

CREATE_SECONDS = 20.0
"""From activation until there are instances."""
DEPENDENCIES_SECONDS = 20.0
TASK_RUNNER_SECONDS = 45.0
"""From the cluster's readiness until Task Runner polls."""
NOTICE_SECONDS = 30.0
"""Until Data Pipeline notices that a cluster is gone."""
CANCEL_SECONDS = 15.0
"""Until a deactivation or deletion takes hold."""
DEFAULT_RETRIES = 2
RUNNABLE = frozenset({"EmrCluster", "EmrActivity", "DynamoDBDataNode", "S3DataNode"})


class Run(RunState):
    """One run, from its activation to its last instance's end."""

    def __init__(
        self, pipeline: PipelineState, scheduled: datetime, when_over: Callable[[], None]
    ) -> None:
        super().__init__(pipeline, scheduled)
        self._when_over = when_over
        self._ending = ""  # the cluster instance's status when the cluster is gone
        self.tasks = Tasks(self)
        aws.later(self.world, CREATE_SECONDS, self._create)

    # --- beginning

    def _create(self) -> None:
        if self.cancelled:
            return
        objects = self.pipeline.objects
        default: Fields = next((each["fields"] for each in objects if each["id"] == "Default"), [])
        for component in objects:
            if (value(component["fields"], "type") or "") in RUNNABLE:
                self.instances.append(self._instance(component, default))
        self.tasks.enqueue()
        if self.pipeline.state == "ACTIVATING":
            self.pipeline.state = "SCHEDULED"
        for name in self.pipeline.paused:
            self.tasks.pause(name)
        aws.later(self.world, DEPENDENCIES_SECONDS, self.tasks.dependencies_met)
        if self.resource:
            self._launch(self.resource)

    def _instance(self, component: dict[str, Any], default: Fields) -> Instance:
        own = {field["key"] for field in component["fields"]}
        not_inherited = own | {"scheduleType", "maxActiveInstances", "type"}
        inherited = [dict(field) for field in default if field["key"] not in not_inherited]
        is_cluster = value(component["fields"], "type") == "EmrCluster"
        retries = value([*component["fields"], *inherited], "maximumRetries")
        return Instance(
            component=component,
            pipeline_id=self.pipeline.pipeline_id,
            scheduled=self.scheduled,
            created=self.world.clock.now(),
            status="CREATING" if is_cluster else "WAITING_ON_DEPENDENCIES",
            inherited=inherited,
            tries=1 if is_cluster else 1 + int(DEFAULT_RETRIES if retries is None else retries),
        )

    # --- the cluster

    def _launch(self, resource: Instance) -> None:
        resource.new_attempt()
        try:
            cluster = launch(self.pipeline, resource)
        except CannotLaunch as refused:
            resource.failure_reason = str(refused)
            self._resource_over("FAILED")
            return
        self.cluster = cluster
        resource.resource_id = cluster.id
        resource.resource_region = cluster.emr_backend.region_name
        resource.resource_status = cluster.state
        cluster.watchers.append(self._cluster_changed)
        limit = resource.get("terminateAfter")
        if limit:
            seconds = int(limit) * 3600 if limit.isdigit() else seconds_of_period(limit)
            aws.later(self.world, seconds or 0, self._time_is_up)

    def _cluster_changed(self, cluster: ClusterState) -> None:
        resource = self.resource
        if resource is None:
            return
        resource.resource_status = cluster.state
        if cluster.state in {"RUNNING", "WAITING"} and resource.status == "CREATING":
            resource.move("RUNNING", self.world.clock.now())
            aws.later(self.world, TASK_RUNNER_SECONDS, self.tasks.poll)
        elif cluster.over:
            aws.later(self.world, NOTICE_SECONDS, self._cluster_gone)

    def _cluster_gone(self) -> None:
        resource, cluster = self.resource, self.cluster
        if resource is None or cluster is None or resource.over:
            self.end_if_over()
        elif self._ending:
            self._resource_over(self._ending)
        else:
            reason = cluster.reason.get("Message") or "The cluster is gone"
            resource.failure_reason = f"{cluster.id} {cluster.state}: {reason}"
            self._resource_over("FAILED")

    def _resource_over(self, status: str) -> None:
        """End the cluster's instance; activities that are not over are cancelled with it."""
        resource = self.resource
        if resource is None:
            return
        if not resource.over:
            resource.move(status, self.world.clock.now())
        if status != "FINISHED":
            self.tasks.cancel_all(f"The resource {resource.id} is {status}")
        self.end_if_over()

    def _time_is_up(self) -> None:
        resource, cluster = self.resource, self.cluster
        if resource is None or resource.over or cluster is None:
            return
        resource.failure_reason = f"terminateAfter ({resource.get('terminateAfter')}) has passed"
        self._resource_over("TIMEDOUT")
        cluster.shut_down("USER_REQUEST", "Terminated by user request")

    def shut_down(self, status: str) -> None:
        """End the cluster; its instance gets `status` when it is gone."""
        resource, cluster = self.resource, self.cluster
        if resource is None or resource.over:
            return
        self._ending = self._ending or status
        if cluster is None or cluster.over:
            self._resource_over(self._ending)
            return
        resource.status = "SHUTTING_DOWN"
        cluster.shut_down("USER_REQUEST", "Terminated by user request")

    # --- from outside

    def cancel(self, reason: str) -> None:
        """Cancel everything: activities, their steps, the cluster."""
        self.cancelled = self.holding = True
        self._ending = "CANCELED"
        self.tasks.cancel_all(reason)
        for instance in self.instances:
            if not instance.over and instance.kind != "EmrCluster":
                instance.move("CANCELED", self.world.clock.now())
        if self.cluster:
            for step in list(self.cluster.steps):
                self.cluster.cancel_step(step)
        self.shut_down("CANCELED")
        self.end_if_over()

    def hold(self) -> None:
        """Begin nothing more; what runs goes on to its end, what waits is cancelled."""
        self.holding = True
        if not self.instances:
            self.cancelled = True
        self.tasks.cancel_waiting("The pipeline was deactivated")
        self.end_if_over()

    def try_cancel(self, instance: Instance) -> None:
        """Cancel one instance, its step included."""
        if instance.kind == "EmrCluster":
            self.shut_down("CANCELED")
        elif instance.kind == "EmrActivity":
            self.tasks.stop_steps(instance)
            self.tasks.end(instance, "CANCELED", "Cancelled by user")

    def mark_finished(self, instance: Instance) -> None:
        """Call an instance finished, whatever it was."""
        if instance.kind == "EmrActivity" and not instance.over:
            self.tasks.stop_steps(instance)
            self.tasks.end(instance, "FINISHED")
        else:
            instance.move("FINISHED", self.world.clock.now())
            self.end_if_over()

    def end_if_over(self) -> None:
        """Take note when the last instance is over."""
        begun = self.cancelled or bool(self.instances)
        if not self.over and begun and all(one.over for one in self.instances):
            self.over = True
            self._when_over()
