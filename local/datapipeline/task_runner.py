"""Task Runner: takes a run's activities to the cluster as steps, and what their ends entail.

Source: Developer Guide (Task Runner's threads, cascading failures, retries). Task Runner takes two
activities at a time, in no promised order: here a shuffle that is the same for the same pipeline.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from local.core import aws
from local.datapipeline.cluster import may_run_tasks
from local.datapipeline.objects import WAITING, Instance
from local.datapipeline.validation import seconds_of_period

if TYPE_CHECKING:
    from local.datapipeline.state import RunState
    from local.emr.step import LiveStep

POLL_SECONDS = 5.0
THREADS = 2
RETRY_SECONDS = 120


def step_arguments(text: str) -> list[str]:
    r"""Split a `step` at its commas; `\\,` is a literal comma, as one level of `\` is eaten."""
    eaten = re.sub(r"\\(.)", r"\1", text)
    return [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\),", eaten)]


class Tasks:
    """The activities of one run."""

    def __init__(self, run: RunState) -> None:
        self.run = run
        self.world = run.world
        pipeline = run.pipeline
        self._order = random.Random(f"{pipeline.name} {pipeline.unique_id} {run.scheduled}")
        self._queue: list[Instance] = []

    def __iter__(self) -> Iterator[Instance]:
        return (one for one in self.run.instances if one.kind == "EmrActivity")

    def enqueue(self) -> None:
        """Line the activities up, in an order of Task Runner's own."""
        self._queue = list(self)
        self._order.shuffle(self._queue)

    # --- waiting

    def dependencies_met(self) -> None:
        """Let inputs that nobody produces be there, and activities wait for a runner."""
        produced = {name for activity in self for name in activity.all("output")}
        for instance in self.run.instances:
            if instance.status != "WAITING_ON_DEPENDENCIES":
                continue
            if instance.kind == "EmrActivity":
                self.wait_for_runner(instance)
            elif instance.name not in produced:
                instance.move("FINISHED", self.world.clock.now())
        self.run.end_if_over()

    def wait_for_runner(self, activity: Instance) -> None:
        """Let an activity wait for a runner, if what it depends on has finished."""
        needs = [self.run.named(name) for name in activity.all("dependsOn")]
        activity.waiting_on = [need.id for need in needs if need and need.status != "FINISHED"]
        if not activity.waiting_on:
            activity.status = "WAITING_FOR_RUNNER"
            activity.waiting_on = [self.run.resource.id] if self.run.resource else []
            if not activity.attempts:
                activity.new_attempt()

    def pause(self, name: str) -> None:
        """Let nothing of a component begin."""
        for activity in self:
            if activity.name == name and activity.status in WAITING - {"PAUSED"}:
                activity.before_pause, activity.status = activity.status, "PAUSED"

    def resume(self, name: str) -> None:
        """Let paused instances wait as they did before, and look for work."""
        for activity in self:
            if activity.name == name and activity.status == "PAUSED":
                activity.status = activity.before_pause
                if activity.status == "WAITING_ON_DEPENDENCIES":
                    self.wait_for_runner(activity)
        self.poll()

    # --- running

    def poll(self) -> None:
        """Ask for work, as Task Runner on the cluster does."""
        resource = self.run.resource
        if resource is None or resource.status != "RUNNING" or self.run.holding:
            return
        if not may_run_tasks(self.run.pipeline, resource):
            return  # Task Runner is refused for ever: activities stay WAITING_FOR_RUNNER
        running = sum(activity.status == "RUNNING" for activity in self)
        for activity in list(self._queue):
            if running >= THREADS:
                return
            if activity.status == "WAITING_FOR_RUNNER":
                self._queue.remove(activity)
                self._begin(activity)
                running += 1

    def _begin(self, activity: Instance) -> None:
        activity.waiting_on = []
        activity.move("RUNNING", self.world.clock.now())
        attempt, cluster = activity.attempts[-1], self.run.cluster
        steps = []
        for text in activity.all("step"):
            jar, *args = step_arguments(text)
            steps.append(
                {
                    "name": activity.attempt_id(attempt),
                    "action_on_failure": "CONTINUE",
                    "hadoop_jar_step": {"Jar": jar, "Args": args},
                }
            )
        if not steps or cluster is None:
            self.end(activity, "FINISHED")
            return
        added = cluster.add_steps(steps)
        for step in added:
            step.on_end = lambda ended: self._step_over(activity, attempt.number, added, ended)

    def _step_over(
        self, activity: Instance, number: int, steps: list[LiveStep], ended: LiveStep
    ) -> None:
        cluster = self.run.cluster
        if activity.over or activity.attempts[-1].number != number or cluster is None:
            return
        if ended.state == "COMPLETED":
            if all(step.state == "COMPLETED" for step in steps):
                self.end(activity, "FINISHED")
        elif ended.state == "FAILED":
            for step in steps:
                cluster.cancel_step(step)
            self._failed(activity, ended)
        elif ended.state == "CANCELLED" and cluster.state in {"RUNNING", "WAITING"}:
            self.end(activity, "CANCELED", "The step was cancelled")

    def _failed(self, activity: Instance, step: LiveStep) -> None:
        attempt, details = activity.attempts[-1], step.failure or {}
        attempt.error_id = "ActivityFailed:EmrException"
        attempt.error_message = (
            f"EMR job '{step.name}' with jobFlowId '{self.run.cluster_id}' is failed with status "
            f"'FAILED' and reason '{details.get('Reason', 'Unknown Error.')}'. Step '{step.id}' "
            f"failed: {details.get('Message', '')}"
        )[:10_000]
        attempt.step_log = details.get("LogFile")
        if len(activity.attempts) < activity.tries and not self.run.holding:
            self._retry(activity)
            return
        self.end(activity, "FAILED")
        resource = self.run.resource
        action = (resource.get("actionOnTaskFailure") or "") if resource else ""
        if action.lower() == "terminate":
            self.run.shut_down("FINISHED")
            self.cancel_all("Another activity failed (actionOnTaskFailure is terminate)")

    def _retry(self, activity: Instance) -> None:
        """Try again on the same cluster, with the same directory, as the service does."""
        head = activity.attempts[-1]
        head.status, head.end = "FAILED", self.world.clock.now()
        activity.status = "WAITING_FOR_RUNNER"
        activity.new_attempt()
        delay = seconds_of_period(activity.get("retryDelay") or "") or RETRY_SECONDS

        def try_again() -> None:
            if not activity.over:
                self._queue.append(activity)
                self.poll()

        aws.later(self.world, delay, try_again)
        aws.later(self.world, POLL_SECONDS, self.poll)

    # --- ends

    def end(self, activity: Instance, status: str, reason: str | None = None) -> None:
        """End an activity, and draw the consequences for what depends on it."""
        if activity.over:
            return
        activity.cancellation_reason = reason
        activity.move(status, self.world.clock.now())
        for name in activity.all("output"):
            output = self.run.named(name)
            if output and not output.over:
                self._follow(output, activity)
        for other in self:
            if activity.name in other.all("dependsOn") and not other.over:
                self._follow(other, activity)
        aws.later(self.world, POLL_SECONDS, self.poll)
        if all(one.over for one in self):
            self.run.shut_down("FINISHED")
        self.run.end_if_over()

    def _follow(self, dependent: Instance, on: Instance) -> None:
        """Do to a dependent what the end of `on` means for it."""
        cascade = (dependent.get("failureAndRerunMode") or "").upper() == "CASCADE"
        if on.status == "FINISHED":
            if dependent.kind == "EmrActivity":
                self.wait_for_runner(dependent)
            else:
                dependent.move("FINISHED", self.world.clock.now())
        elif cascade:
            dependent.cascade_failed_on = on.id
            if dependent.kind == "EmrActivity":
                self.end(dependent, "CASCADE_FAILED")
            else:
                dependent.move("CASCADE_FAILED", self.world.clock.now())

    def cancel_all(self, reason: str) -> None:
        """Cancel every activity that is not over."""
        for activity in list(self):
            self.end(activity, "CANCELED", reason)

    def cancel_waiting(self, reason: str) -> None:
        """Cancel every activity that has not begun."""
        for activity in list(self):
            if activity.status in WAITING:
                self.end(activity, "CANCELED", reason)

    def stop_steps(self, activity: Instance) -> None:
        """Cancel the steps of an activity."""
        cluster = self.run.cluster
        names = {activity.attempt_id(attempt) for attempt in activity.attempts}
        for step in cluster.steps if cluster else []:
            if step.name in names and cluster:
                cluster.cancel_step(step)
