"""EMR clusters that live: states, steps that run one by one, ends. In virtual time.

States, reasons and what becomes of steps: EMR's API model 2009-03-31. The delays are ordinary ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.emr import models

from local import jobs, programs

STARTING_SECONDS = 300.0
BOOTSTRAPPING_SECONDS = 90.0
TERMINATING_SECONDS = 120.0
CANCEL_SECONDS = 30.0
"""From a cancelled step's CANCEL_PENDING until it is dead."""

STEP_OVER = frozenset({"COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"})
CLUSTER_OVER = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})

_worlds: list[jobs.JobsWorld] = []


def live_in(world: jobs.JobsWorld | None) -> None:
    """Let new clusters live in this world."""
    _worlds[:] = [world] if world else []


class LiveStep(models.Step):
    """A step with EMR's own states."""

    def __init__(self, state: str, **kwargs: Any) -> None:
        super().__init__(state=state, **kwargs)
        self.program: programs.Program | None = None
        self.failure: dict[str, str] | None = None
        self.on_end: Callable[[LiveStep], None] | None = None

    @property
    def status(self) -> dict[str, Any]:
        """StepStatus. StateChangeReason's code is never anything but empty."""
        status = {
            "State": self.state,
            "StateChangeReason": {},
            "Timeline": {
                "CreationDateTime": self.creation_date_time,
                "StartDateTime": self.start_date_time,
                "EndDateTime": self.end_date_time,
            },
        }
        return status | ({"FailureDetails": self.failure} if self.failure else {})

    def start(self) -> None:
        """Do nothing: moto calls this for the first step at the cluster's creation."""

    @property
    def over(self) -> bool:
        """Whether the step has come to its end."""
        return self.state in STEP_OVER


class LiveCluster(models.Cluster):
    """A cluster that starts, runs its steps and ends."""

    world: jobs.JobsWorld
    steps: list[LiveStep]

    # --- hooks of moto's constructor

    @property
    def kerberos_attributes(self) -> dict[str, Any] | None:
        """None without Kerberos: moto would answer an empty structure, which the model forbids."""
        return self._kerberos or None

    @kerberos_attributes.setter
    def kerberos_attributes(self, attributes: dict[str, Any] | None) -> None:
        self._kerberos = attributes

    def add_steps(self, steps: list[dict[str, Any]]) -> list[LiveStep]:
        """Append steps; they begin when the cluster and the steps before them let them."""
        added = [LiveStep(state="PENDING", **step) for step in steps]
        self.steps.extend(added)
        if getattr(self, "ready_datetime", None) and self.state in {"RUNNING", "WAITING"}:
            jobs.later(self.world, 1, self._next)
        return added

    def start_cluster(self) -> None:
        """Begin to start."""
        self.world = _worlds[0]
        self.watchers: list[Callable[[LiveCluster], None]] = []
        self.reason: dict[str, str] = {}
        self.begun_steps = 0
        self.start_datetime = jobs.naive_now(self.world)
        self.state = "STARTING"
        faults = self.world.faults
        if faults.cluster_never_starts:
            faults.cluster_never_starts -= 1
        elif faults.cluster_start_fails:
            message = faults.cluster_start_fails.pop(0)
            jobs.later(self.world, 60, lambda: self._start_failed(message))
        else:
            jobs.later(self.world, STARTING_SECONDS, self._bootstrap)

    def run_bootstrap_actions(self) -> None:
        """Do nothing: they come with time."""

    # --- life

    def _start_failed(self, message: str) -> None:
        self.shut_down("VALIDATION_ERROR", message, with_errors=True)

    def _bootstrap(self) -> None:
        if self.state == "STARTING":
            self._change("BOOTSTRAPPING")
            jobs.later(self.world, BOOTSTRAPPING_SECONDS, self._ready)

    def _ready(self) -> None:
        if self.state == "BOOTSTRAPPING":
            self.ready_datetime = jobs.naive_now(self.world)
            self._change("RUNNING" if self.steps else "WAITING")
            self._next()

    def _next(self) -> None:
        """Begin what may begin; with nothing left, wait or end."""
        if self.state not in {"RUNNING", "WAITING"}:
            return
        active = sum(step.state in {"RUNNING", "CANCEL_PENDING"} for step in self.steps)
        for step in self.steps:
            if active >= self.step_concurrency_level or self.state not in {"RUNNING", "WAITING"}:
                return
            if step.state == "PENDING":
                active += 1
                self._begin(step)
        if active or self.state not in {"RUNNING", "WAITING"}:
            return
        if self.keep_job_flow_alive_when_no_steps:
            if self.state != "WAITING":
                self._change("WAITING", "Cluster ready after last step completed.")
        else:
            well = all(step.state == "COMPLETED" for step in self.steps)
            message = "Steps completed" if well else "Steps completed with errors"
            self.shut_down("ALL_STEPS_COMPLETED", message)

    def _begin(self, step: LiveStep) -> None:
        if self.state == "WAITING":
            self._change("RUNNING", "Running step")
        self.begun_steps += 1
        step.state = "RUNNING"
        step.start_date_time = jobs.naive_now(self.world)
        faults = self.world.faults
        if faults.cluster_dies_at_step == self.begun_steps:
            faults.cluster_dies_at_step = None
            self.die("INSTANCE_FAILURE", "The master failed: instance terminated unexpectedly.")
            return
        step.program = programs.start(self._context(step), lambda end: self._ended(step, end))

    def _context(self, step: LiveStep) -> programs.StepContext:
        account, region = self.emr_backend.account_id, self.emr_backend.region_name
        partition = self.emr_backend.partition
        role = jobs.profile_role(account, partition, self.role) or self.role.rpartition("/")[2]
        return programs.StepContext(
            world=self.world,
            account=account,
            partition=partition,
            region=region,
            cluster_id=self.id,
            step_id=step.id,
            role=role,
            log_uri=self.log_uri,
            jar=step.jar,
            args=tuple(step.args or ()),
        )

    def _ended(self, step: LiveStep, outcome: programs.Outcome) -> None:
        if outcome.succeeded:
            self._end_step(step, "COMPLETED")
        else:
            texts = {
                "Reason": outcome.reason,
                "Message": outcome.message,
                "LogFile": outcome.log_file,
            }
            step.failure = {name: text for name, text in texts.items() if text}
            self._end_step(step, "FAILED")
            self._act_on_failure(step)
        self._next()

    def _act_on_failure(self, step: LiveStep) -> None:
        match step.action_on_failure:
            case "TERMINATE_CLUSTER" | "TERMINATE_JOB_FLOW":
                message = f"Shut down as step failed: {step.id}"
                self.shut_down("STEP_FAILURE", message, with_errors=True)
            case "CANCEL_AND_WAIT":
                for other in self.steps:
                    if other.state == "PENDING":
                        self._end_step(other, "CANCELLED")

    def _end_step(self, step: LiveStep, state: str) -> None:
        step.state = state
        step.program = None
        step.end_date_time = jobs.naive_now(self.world)
        if step.on_end:
            step.on_end(step)

    def cancel_step(self, step: LiveStep) -> None:
        """Cancel a step: at once if it has not begun, else when its program is dead."""
        if step.state == "PENDING":
            self._end_step(step, "CANCELLED")
        elif step.state == "RUNNING":
            step.state = "CANCEL_PENDING"
            jobs.later(self.world, CANCEL_SECONDS, lambda: self._cancelled(step))

    def _cancelled(self, step: LiveStep) -> None:
        if not step.over:
            if step.program:
                step.program.stop()
            self._end_step(step, "CANCELLED")
            self._next()

    # --- ends

    def terminate(self) -> None:
        """Terminate by request: what runs goes on until the machines are gone."""
        self.shut_down("USER_REQUEST", "Terminated by user request")

    def shut_down(self, code: str, message: str, *, with_errors: bool = False) -> None:
        """Go to TERMINATING, and in a while to the end."""
        if self.state in CLUSTER_OVER | {"TERMINATING"}:
            return
        self._change("TERMINATING", message, code)
        last = "TERMINATED_WITH_ERRORS" if with_errors else "TERMINATED"
        jobs.later(self.world, TERMINATING_SECONDS, lambda: self._gone(last))

    def die(self, code: str, message: str) -> None:
        """Lose the machines now; EMR tells it in its own time."""
        for step in self.steps:
            if step.program:
                step.program.stop()
        self.shut_down(code, message, with_errors=True)

    def _gone(self, last: str) -> None:
        for step in self.steps:
            if step.program:
                step.program.stop()
            if step.state in {"RUNNING", "CANCEL_PENDING"}:
                self._end_step(step, "INTERRUPTED")
            elif step.state == "PENDING":
                self._end_step(step, "CANCELLED")
        self.end_datetime = jobs.naive_now(self.world)
        self._change(last, self.reason.get("Message", ""), self.reason.get("Code", ""))

    def _change(self, state: str, message: str = "", code: str = "") -> None:
        self.state = state
        self.reason = {
            name: text for name, text in {"Code": code, "Message": message}.items() if text
        }
        for watcher in list(self.watchers):
            watcher(self)

    @property
    def status(self) -> dict[str, Any]:
        """ClusterStatus."""
        timeline: dict[str, datetime | None] = {
            "CreationDateTime": self.creation_datetime,
            "ReadyDateTime": self.ready_datetime,
            "EndDateTime": self.end_datetime,
        }
        return {"State": self.state, "StateChangeReason": self.reason, "Timeline": timeline}

    @property
    def over(self) -> bool:
        """Whether the cluster has come to its end."""
        return self.state in CLUSTER_OVER
