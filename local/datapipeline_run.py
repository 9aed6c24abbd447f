"""One run of a pipeline: its instances, the cluster it starts, the activities on that cluster.

Source: Developer Guide (how tasks are scheduled, cascading failures, Task Runner threading), as set
out in the project's notes. Resources are not tried again (the service's default is not documented).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local import jobs
from local.datapipeline_cluster import CannotLaunch, launch, may_run_tasks
from local.datapipeline_objects import WAITING, Instance
from local.datapipeline_validation import seconds_of_period, value, values

if TYPE_CHECKING:
    from local.datapipeline_pipeline import Pipeline
    from local.emrcluster import LiveCluster, LiveStep

CREATE_SECONDS = 20.0
"""From activation until there are instances."""
DEPENDENCIES_SECONDS = 20.0
TASK_RUNNER_SECONDS = 45.0
"""From the cluster's readiness until Task Runner polls."""
POLL_SECONDS = 5.0
NOTICE_SECONDS = 30.0
"""Until Data Pipeline notices that a cluster is gone."""
CANCEL_SECONDS = 15.0
"""Until a deactivation or deletion takes hold."""
RUNNER_THREADS = 2
RUNNABLE = frozenset({"EmrCluster", "EmrActivity", "DynamoDBDataNode", "S3DataNode"})


def step_arguments(text: str) -> list[str]:
    r"""Split a `step` at its commas; `\\,` is a literal comma, as one level of `\` is eaten."""
    eaten = re.sub(r"\\(.)", r"\1", text)
    return [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\),", eaten)]


class Run:
    """One run, from its activation to its last instance's end."""

    def __init__(self, pipeline: Pipeline, scheduled: datetime) -> None:
        self.pipeline = pipeline
        self.world = pipeline.world
        self.scheduled = scheduled
        self.instances: list[Instance] = []
        self.cluster: LiveCluster | None = None
        self.over = False
        self.holding = False  # a deactivation without cancelActive: nothing new begins
        self.cancelled = False
        self._ending = ""  # the cluster instance's status at its end
        self._order = random.Random(f"{pipeline.name} {pipeline.unique_id} {scheduled}")
        self._queue: list[Instance] = []
        jobs.later(self.world, CREATE_SECONDS, self._create)

    @property
    def _now(self) -> datetime:
        return self.world.clock.now()

    # --- instances

    def _create(self) -> None:
        if self.cancelled:
            self._end_if_over()
            return
        default = value_fields(self.pipeline.objects, "Default")
        for component in self.pipeline.objects:
            if (value(component["fields"], "type") or "") in RUNNABLE:
                self.instances.append(self._instance(component, default))
        self._queue = list(self.activities())
        self._order.shuffle(self._queue)
        self.pipeline.state = "SCHEDULED"
        jobs.later(self.world, DEPENDENCIES_SECONDS, self._dependencies_met)
        for instance in self._of("EmrCluster"):
            self._launch(instance)

    def _instance(self, component: dict[str, Any], default: list[dict[str, str]]) -> Instance:
        own = {field["key"] for field in component["fields"]}
        inherited = [
            dict(field)
            for field in default
            if field["key"] not in own | {"scheduleType", "maxActiveInstances", "type"}
        ]
        kind = value(component["fields"], "type")
        retries = int(
            value(component["fields"], "maximumRetries") or value(default, "maximumRetries") or 2
        )
        return Instance(
            component=component,
            pipeline_id=self.pipeline.pipeline_id,
            scheduled=self.scheduled,
            created=self._now,
            status="CREATING" if kind == "EmrCluster" else "WAITING_ON_DEPENDENCIES",
            inherited=inherited,
            tries=1 if kind == "EmrCluster" else 1 + retries,
        )

    def _of(self, kind: str) -> Iterator[Instance]:
        return (instance for instance in self.instances if instance.kind == kind)

    def activities(self) -> Iterator[Instance]:
        """Return the instances of activities."""
        return self._of("EmrActivity")

    @property
    def resource(self) -> Instance | None:
        """The cluster's instance."""
        return next(self._of("EmrCluster"), None)

    def named(self, name: str) -> Instance | None:
        """Return the instance of a component."""
        return next((one for one in self.instances if one.name == name), None)

    def _dependencies_met(self) -> None:
        """Let inputs that nobody produces be there, and activities wait for a runner."""
        produced = {name for activity in self.activities() for name in activity.all("output")}
        for instance in self.instances:
            if instance.status != "WAITING_ON_DEPENDENCIES":
                continue
            if instance.kind == "EmrActivity":
                self._wait_for_runner(instance)
            elif instance.name not in produced:
                instance.move("FINISHED", self._now)

    def _wait_for_runner(self, activity: Instance) -> None:
        needs = [self.named(name) for name in activity.all("dependsOn")]
        activity.waiting_on = [need.id for need in needs if need and need.status != "FINISHED"]
        if not activity.waiting_on:
            activity.status = "WAITING_FOR_RUNNER"
            activity.waiting_on = [self.resource.id] if self.resource else []
            if not activity.attempts:
                activity.new_attempt()

    # --- the cluster

    def _launch(self, instance: Instance) -> None:
        instance.new_attempt()
        try:
            cluster = launch(self.pipeline, instance)
        except CannotLaunch as refused:
            instance.failure_reason = str(refused)
            self._resource_over("FAILED")
            return
        self.cluster = cluster
        instance.resource_id = cluster.id
        instance.resource_region = cluster.emr_backend.region_name
        instance.resource_status = cluster.state
        cluster.watchers.append(self._cluster_changed)
        limit = instance.get("terminateAfter")
        if limit:
            seconds = int(limit) * 3600 if limit.isdigit() else seconds_of_period(limit)
            jobs.later(self.world, seconds or 0, self._time_is_up)

    def _cluster_changed(self, cluster: LiveCluster) -> None:
        resource = self.resource
        if resource is None:
            return
        resource.resource_status = cluster.state
        if cluster.state in {"RUNNING", "WAITING"} and resource.status == "CREATING":
            resource.move("RUNNING", self._now)
            jobs.later(self.world, TASK_RUNNER_SECONDS, self._poll)
        elif cluster.over:
            jobs.later(self.world, NOTICE_SECONDS, self._cluster_gone)

    def _cluster_gone(self) -> None:
        resource, cluster = self.resource, self.cluster
        if resource is None or cluster is None or resource.over:
            self._end_if_over()
            return
        if self._ending:
            self._resource_over(self._ending)
            return
        reason = cluster.reason.get("Message") or "The cluster is gone"
        resource.failure_reason = f"{cluster.id} {cluster.state}: {reason}"
        self._resource_over("FAILED")

    def _resource_over(self, status: str) -> None:
        """End the cluster's instance; what is not over yet is cancelled with it."""
        resource = self.resource
        if resource is None:
            return
        if not resource.over:
            resource.move(status, self._now)
        if status != "FINISHED":
            self._cancel_activities(f"The resource {resource.id} is {status}")
        self._end_if_over()

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

    # --- activities

    def _poll(self) -> None:
        """Task Runner asks for work, two at a time, in no promised order."""
        resource = self.resource
        if resource is None or resource.status != "RUNNING" or self.holding:
            return
        if not may_run_tasks(self.pipeline, resource):
            return  # Task Runner is refused for ever: activities stay WAITING_FOR_RUNNER
        running = sum(activity.status == "RUNNING" for activity in self.activities())
        for activity in list(self._queue):
            if running >= RUNNER_THREADS:
                return
            if activity.status == "WAITING_FOR_RUNNER":
                self._queue.remove(activity)
                self._begin(activity)
                running += 1

    def _begin(self, activity: Instance) -> None:
        activity.waiting_on = []
        activity.move("RUNNING", self._now)
        attempt = activity.attempts[-1]
        steps = []
        for text in values(activity.component["fields"], "step"):
            jar, *args = step_arguments(text)
            steps.append(
                {
                    "name": activity.attempt_id(attempt),
                    "action_on_failure": "CONTINUE",
                    "hadoop_jar_step": {"Jar": jar, "Args": args},
                }
            )
        if not steps or self.cluster is None:
            self._activity_over(activity, "FINISHED")
            return
        added = self.cluster.add_steps(steps)
        for step in added:
            step.on_end = lambda ended: self._step_over(activity, attempt.number, added, ended)

    def _step_over(
        self, activity: Instance, number: int, steps: list[LiveStep], ended: LiveStep
    ) -> None:
        if activity.over or activity.attempts[-1].number != number:
            return
        if ended.state == "COMPLETED":
            if all(step.state == "COMPLETED" for step in steps):
                self._activity_over(activity, "FINISHED")
        elif ended.state == "FAILED":
            for step in steps:
                if not step.over and self.cluster:
                    self.cluster.cancel_step(step)
            self._failed(activity, ended)
        elif (
            ended.state == "CANCELLED"
            and self.cluster
            and self.cluster.state in {"RUNNING", "WAITING"}
        ):
            self._activity_over(activity, "CANCELED", "The step was cancelled")

    def _failed(self, activity: Instance, step: LiveStep) -> None:
        attempt, details = activity.attempts[-1], step.failure or {}
        cluster_id = self.cluster.id if self.cluster else ""
        attempt.error_id = "ActivityFailed:EmrException"
        attempt.error_message = (
            f"EMR job '{step.name}' with jobFlowId '{cluster_id}' is failed with status 'FAILED' "
            f"and reason '{details.get('Reason', 'Unknown Error.')}'. Step '{step.id}' failed: "
            f"{details.get('Message', '')}"
        )[:10_000]
        attempt.step_log = details.get("LogFile")
        if len(activity.attempts) < activity.tries and not self.holding:
            attempt.status, attempt.end = "FAILED", self._now
            delay = seconds_of_period(activity.get("retryDelay") or "") or 120
            activity.status = "WAITING_FOR_RUNNER"
            activity.new_attempt()
            jobs.later(self.world, delay, lambda: self._try_again(activity))
            jobs.later(self.world, POLL_SECONDS, self._poll)
            return
        self._activity_over(activity, "FAILED")
        resource = self.resource
        action = (resource.get("actionOnTaskFailure") or "") if resource else ""
        if action.lower() == "terminate":
            self.shut_down("FINISHED")
            self._cancel_activities("Another activity failed (actionOnTaskFailure is terminate)")

    def _try_again(self, activity: Instance) -> None:
        if activity.status == "WAITING_FOR_RUNNER":
            self._queue.append(activity)
            self._poll()

    def _activity_over(self, activity: Instance, status: str, reason: str | None = None) -> None:
        """End an activity, and draw the consequences for what depends on it."""
        if activity.over:
            return
        activity.cancellation_reason = reason
        activity.move(status, self._now)
        for name in activity.all("output"):
            output = self.named(name)
            if output and not output.over:
                self._follow(output, activity)
        for other in self.activities():
            if activity.name in other.all("dependsOn") and not other.over:
                self._follow(other, activity)
        jobs.later(self.world, POLL_SECONDS, self._poll)
        if all(one.over for one in self.activities()):
            self.shut_down("FINISHED")
        self._end_if_over()

    def _follow(self, dependent: Instance, on: Instance) -> None:
        """Do to a dependent what the end of `on` means for it."""
        cascade = (dependent.get("failureAndRerunMode") or "").upper() == "CASCADE"
        if on.status == "FINISHED":
            if dependent.kind == "EmrActivity":
                self._wait_for_runner(dependent)
            else:
                dependent.move("FINISHED", self._now)
        elif cascade:
            dependent.cascade_failed_on = on.id
            if dependent.kind == "EmrActivity":
                self._activity_over(dependent, "CASCADE_FAILED")
            else:
                dependent.move("CASCADE_FAILED", self._now)

    def _cancel_activities(self, reason: str) -> None:
        for activity in list(self.activities()):
            if not activity.over:
                self._activity_over(activity, "CANCELED", reason)

    # --- from outside

    def cancel(self, reason: str) -> None:
        """Cancel everything: activities, their steps, the cluster."""
        self.cancelled = self.holding = True
        self._cancel_activities(reason)
        if self.cluster:
            for step in list(self.cluster.steps):
                self.cluster.cancel_step(step)
        for instance in self.instances:
            if not instance.over and instance.kind != "EmrCluster":
                instance.move("CANCELED", self._now)
        self._ending = "CANCELED"
        self.shut_down("CANCELED")
        self._end_if_over()

    def hold(self) -> None:
        """Begin nothing more; what runs goes on to its end, what waits is cancelled."""
        self.holding = True
        for activity in self.activities():
            if activity.status in WAITING:
                self._activity_over(activity, "CANCELED", "The pipeline was deactivated")
        self._end_if_over()

    def resume(self, instance: Instance) -> None:
        """Let a paused instance wait as it did before, and look for work."""
        instance.status = instance.before_pause
        if instance.status == "WAITING_ON_DEPENDENCIES" and instance.kind == "EmrActivity":
            self._wait_for_runner(instance)
        self._poll()

    def try_cancel(self, instance: Instance) -> None:
        """Cancel one instance, its step included."""
        if instance.kind == "EmrCluster":
            self.shut_down("CANCELED")
            return
        self._stop_steps(instance)
        self._activity_over(instance, "CANCELED", "Cancelled by user")

    def mark_finished(self, instance: Instance) -> None:
        """Call an instance finished, whatever it was."""
        self._stop_steps(instance)
        if instance.over:
            instance.move("FINISHED", self._now)
        else:
            self._activity_over(instance, "FINISHED")

    def _stop_steps(self, instance: Instance) -> None:
        names = {instance.attempt_id(attempt) for attempt in instance.attempts}
        for step in self.cluster.steps if self.cluster else []:
            if step.name in names and not step.over and self.cluster:
                self.cluster.cancel_step(step)

    def _end_if_over(self) -> None:
        done = self.cancelled or bool(self.instances)
        if not self.over and done and all(one.over for one in self.instances):
            self.over = True
            self.pipeline.run_over()


def value_fields(objects: list[dict[str, Any]], name: str) -> list[dict[str, str]]:
    """Return the fields of the object with this id, none if it is not there."""
    return next((thing["fields"] for thing in objects if thing["id"] == name), [])
