"""EMR clusters that live: states, steps that run one by one, ends. In virtual time.

States, reasons and what becomes of steps: EMR's API model 2009-03-31. The delays are ordinary ones.
"""

from __future__ import annotations

from typing import Any

from local.core import aws
from local.emr import instances, mappers, node_loss, start
from local.emr.cluster_state import CLUSTER_OVER, ClusterState
from local.emr.step import LiveStep
from local.programs import start as programs
from local.programs.hadoop_fs import uses_s3a
from local.programs.step_context import Outcome, StepContext

TERMINATING_SECONDS = 120.0
CANCEL_SECONDS = 30.0
"""From a cancelled step's CANCEL_PENDING until it is dead, asked to end or killed."""
KILL_SECONDS = 5.0

_worlds: list[aws.Aws] = []


def live_in(world: aws.Aws | None) -> None:
    """Let new clusters live in this world."""
    _worlds[:] = [world] if world else []


class LiveCluster(ClusterState):
    """A cluster that starts, runs its steps and ends."""

    # --- hooks of moto's constructor

    def add_steps(self, steps: list[dict[str, Any]]) -> list[LiveStep]:
        """Append steps; they begin when the cluster and the steps before them let them."""
        added = [LiveStep(state="PENDING", **step) for step in steps]
        self.steps.extend(added)
        if getattr(self, "ready_datetime", None) and self.state in {"RUNNING", "WAITING"}:
            aws.later(self.world, 1, self.next)
        return added

    def start_cluster(self) -> None:
        """Begin to start."""
        self.world = _worlds[0]
        self.start_datetime = aws.naive_now(self.world)
        self.state = "STARTING"
        start.begin(self)

    def run_bootstrap_actions(self) -> None:
        """Do nothing: they come with time."""

    # --- life

    def next(self) -> None:
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
                self.change("WAITING", "Cluster ready after last step completed.")
        else:
            well = all(step.state == "COMPLETED" for step in self.steps)
            message = "Steps completed" if well else "Steps completed with errors"
            self.shut_down("ALL_STEPS_COMPLETED", message)

    def idle(self) -> None:
        """Begin to count the time of the auto-termination policy, if there is one."""
        self._waits += 1
        begun = self._waits

        def still() -> None:
            if begun == self._waits and self.state == "WAITING" and self.idle_seconds:
                # state and code of a cluster so ended are not documented
                self.shut_down("USER_REQUEST", "Terminated by the auto-termination policy (idle)")

        if self.idle_seconds and self.state == "WAITING":
            aws.later(self.world, self.idle_seconds, still)

    def _begin(self, step: LiveStep) -> None:
        if self.state == "WAITING":
            self.change("RUNNING", "Running step")
        self.begun_steps += 1
        step.state = "RUNNING"
        step.start_date_time = aws.naive_now(self.world)
        if node_loss.strike(self, step):
            return
        wait = self.nodes_back - self.world.clock.now().timestamp()
        if wait > 0:  # its job waits in YARN for nodes
            aws.later(self.world, wait, lambda: self._run(step))
        else:
            self._run(step)

    def _run(self, step: LiveStep) -> None:
        if step.state == "RUNNING":
            step.program = programs.start(self._context(step), lambda end: self._ended(step, end))

    def _context(self, step: LiveStep) -> StepContext:
        return StepContext(
            world=self.world,
            account=self.emr_backend.account_id,
            partition=self.partition,
            region=self.emr_backend.region_name,
            cluster_id=self.id,
            step_id=step.id,
            role=self.nodes_role,
            log_uri=self.log_uri,
            jar=step.jar,
            args=step.arguments,
            s3a=uses_s3a(self.release_label, self.configurations),
            slots=mappers.slots(self),
        )

    def _ended(self, step: LiveStep, outcome: Outcome) -> None:
        if step.over:  # its client was gone before it
            return
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
        self.next()

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
        if step.program and state != "COMPLETED":
            self.left_running.append(step.program)
        step.state = state
        step.program = None
        step.end_date_time = aws.naive_now(self.world)
        if step.on_end:
            step.on_end(step)

    def cancel_step(self, step: LiveStep, seconds: float = CANCEL_SECONDS) -> None:
        """Cancel a step: at once if it has not begun, else when its client is dead.

        The client only: asynchronous processes are not affected (EMR Management Guide, cancel
        steps), so that the MapReduce job it watched goes on until the cluster is gone.
        """
        if step.state == "PENDING":
            self._end_step(step, "CANCELLED")
        elif step.state == "RUNNING":
            step.state = "CANCEL_PENDING"
            aws.later(self.world, seconds, lambda: self._cancelled(step))

    def _cancelled(self, step: LiveStep) -> None:
        if not step.over:
            self._end_step(step, "CANCELLED")
            self.next()

    # --- ends

    def terminate(self) -> None:
        """Terminate by request: what runs goes on until the machines are gone."""
        self.shut_down("USER_REQUEST", "Terminated by user request")

    def shut_down(self, code: str, message: str, *, with_errors: bool = False) -> None:
        """Go to TERMINATING, and in a while to the end."""
        if self.state in CLUSTER_OVER | {"TERMINATING"}:
            return
        self.change("TERMINATING", message, code)
        last = "TERMINATED_WITH_ERRORS" if with_errors else "TERMINATED"
        aws.later(self.world, TERMINATING_SECONDS, lambda: self._gone(last))

    def die(self, code: str, message: str) -> None:
        """Lose the machines now; EMR tells it in its own time."""
        self._stop_programs()
        self.shut_down(code, message, with_errors=True)

    def _stop_programs(self) -> None:
        for program in (*(s.program for s in self.steps if s.program), *self.left_running):
            program.stop()

    def _gone(self, last: str) -> None:
        self._stop_programs()
        for step in self.steps:
            if step.state in {"RUNNING", "CANCEL_PENDING"}:
                self._end_step(step, "INTERRUPTED")
            elif step.state == "PENDING":
                self._end_step(step, "CANCELLED")
        self.end_datetime = aws.naive_now(self.world)
        self.machines = ()
        self.change(last, self.reason.get("Message", ""), self.reason.get("Code", ""))

    def change(self, state: str, message: str = "", code: str = "") -> None:
        """Go to a state, and tell who watches."""
        waits = state == "WAITING" != self.state
        self.state = state
        if waits:
            self.idle()
        self.reason = {
            name: text for name, text in {"Code": code, "Message": message}.items() if text
        }
        for watcher in list(self.watchers):
            watcher(self)

    @property
    def ec2_instance_attributes(self) -> instances.Place:
        """Ec2InstanceAttributes."""
        return instances.Place(self)
