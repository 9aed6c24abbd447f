"""The EMR engine: a transient cluster a batch, a step an export, followed by its steps.

States and calls: Amazon EMR API reference 2009-03-31. RunJobFlow has no client token: the cluster's
name says which batch it is, and is looked for before each start and after a lost answer.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.engines import emr_steps
from hippolyte.engines.cluster import end_reason, step_log, step_time
from hippolyte.engines.emr_calls import ENDED, EmrCalls, Status, Step
from hippolyte.engines.emr_guard import guard
from hippolyte.engines.emr_job_flow import SHUTDOWN_AFTER, job_flow, put_script
from hippolyte.engines.engine import (
    BatchStatus,
    Handle,
    JobState,
    JobStatus,
    Launch,
    LimitError,
    may_be_taken,
    refusal,
)
from hippolyte.engines.export_job import batch_name, export_arguments, export_id
from hippolyte.errors import EngineError
from hippolyte.record_form import iso, when

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings

# EMR takes 256 pending and running steps; the rest is for its own, and for what is added twice
TABLES_PER_CLUSTER = 200
# a cluster is looked for from this long before its batch was prepared: two clocks differ
_CLOCKS = timedelta(minutes=5)
# what EMR does not know of after this long is gone: the cluster's own end is hours back
_FORGOTTEN = timedelta(days=2)

# an ordinary cluster has its machines after some minutes: then EC2 is short of their type. A fleet
# waits 20 minutes for spot, and takes others then
_START_SECONDS, _FLEET_START_SECONDS = 900, 1800

_NAME_LENGTH = 256

_STATES = {
    "PENDING": JobState.WAITING,
    "RUNNING": JobState.RUNNING,
    "CANCEL_PENDING": JobState.RUNNING,
    "COMPLETED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
    "INTERRUPTED": JobState.CANCELLED,
}
# of a step, by its cluster's end or by hand
_CUT_OFF = frozenset({"CANCELLED", "INTERRUPTED"})
# what a job is if it has several steps
_BEST = ("RUNNING", "CANCEL_PENDING", "PENDING", "COMPLETED")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmrEngine:
    """Runs batches on EMR clusters."""

    clients: Clients
    settings: Settings
    name: str = "emr"
    tables_per_batch: int = TABLES_PER_CLUSTER
    ordered: bool = True
    raises_per_job: bool = True
    calls: EmrCalls = field(default_factory=EmrCalls)

    def prepare(self, launch: Launch) -> Handle:
        """Name the cluster, and put the script that ends it where it will look for it.

        Raises:
            EngineError: the deployment is not set for EMR (any more).
        """
        if self.settings.emr is None:
            raise EngineError("the deployment has no setting emr: it starts no cluster any more")
        put_script(self.clients.s3, self.settings)
        return {
            "name": batch_name(launch, self.settings),
            "since": iso(clock.now() - _CLOCKS),
            "guard_at": iso(launch.deadline + SHUTDOWN_AFTER),
        }

    def start(self, handle: Handle, launch: Launch) -> None:
        """Start the cluster with the jobs that have their ratio, unless there is one already.

        Raises:
            LimitError: a quota or the call rate is met.
            EngineError: the service refuses for any other reason.
        """
        with _nothing_done("ListClusters"):
            if self.started(handle):
                return
        self.calls.wait_for_turn("RunJobFlow")
        numbers = [n for n, ratio in enumerate(launch.ratios) if ratio is not None]
        steps = self._steps(launch, numbers)
        try:
            answer = self.clients.emr_once.run_job_flow(
                **job_flow(handle["name"], launch, steps, self.settings)
            )
        except ClientError as error:
            if may_be_taken(error):
                self.calls.started(handle["name"], None)
                raise
            raise refusal("RunJobFlow", error, handle) from error
        handle["cluster"] = answer["JobFlowId"]
        self.calls.started(handle["name"], handle["cluster"])
        guard(self.clients, self.settings, handle)

    def add(self, handle: Handle, launch: Launch, numbers: Sequence[int]) -> None:
        """Add steps for jobs that have none yet.

        Raises:
            LimitError: a quota or the call rate is met.
            EngineError: the service refuses for any other reason, as for a cluster that ends.
        """
        if "steps" not in handle:
            with _nothing_done("ListSteps"):
                emr_steps.learn(self.calls, self.clients.emr, handle, len(launch.jobs))
        missing = [n for n in numbers if n not in emr_steps.known(handle)]
        if not missing:
            return
        self.calls.wait_for_turn("AddJobFlowSteps")
        try:
            answer = self.clients.emr_once.add_job_flow_steps(
                JobFlowId=handle["cluster"],
                Steps=self._steps(launch, missing),  # type: ignore[arg-type]
            )
        except ClientError as error:
            if may_be_taken(error):
                raise
            raise refusal("AddJobFlowSteps", error, handle) from error
        emr_steps.note(handle, list(zip(answer["StepIds"], missing, strict=True)))

    def finish(self, handle: Handle) -> None:
        """Terminate the cluster: alive without steps, it would cost until it is found idle."""
        if cluster := handle.get("cluster"):
            with suppress(LimitError):
                # it is asked for all the same
                self.calls.wait_for_turn("TerminateJobFlows")
            self.clients.emr.terminate_job_flows(JobFlowIds=[cluster])

    def started(self, handle: Handle) -> bool:
        """Look for the cluster by its name, keep its id, and guard it: who made it may not have."""
        known = "cluster" in handle
        if not self._find(handle):
            return False
        if not known:
            guard(self.clients, self.settings, handle)
        return True

    def _find(self, handle: Handle) -> bool:
        if "cluster" in handle:
            return True
        found = self.calls.named(self.clients.emr, handle["name"], when(handle["since"]))
        if found:
            handle["cluster"] = found
        return found is not None

    def poll(self, handle: Handle, jobs: int, doubt: Collection[int] = ()) -> BatchStatus:
        """Read the cluster's state, and how its steps are that were not over."""
        cluster = handle.get("cluster")
        try:
            status = self.calls.status(self.clients.emr, cluster) if cluster else None
        except LimitError as error:
            _log.warning("cluster %s is not looked at: %s", cluster, error)
            return BatchStatus(host_id=cluster, asked=False)
        if cluster is None or status is None:
            forgotten = clock.now() - when(handle["since"]) > _FORGOTTEN
            return BatchStatus(host_id=cluster, gone=forgotten)
        gone = status["State"] in ENDED
        looked = emr_steps.look(self.calls, self.clients.emr, handle, status, jobs, doubt)
        if not status["State"].startswith("TERMINAT") and _CUT_OFF.intersection(looked.states):
            status = self._newer(cluster) or status
        told = {n: self._told(*ended, gone) for n, ended in looked.told.items()}
        seen = {n: self._job(steps, cluster, gone) for n, steps in looked.steps.items()}
        return BatchStatus(
            jobs={number: one for number, one in {**told, **seen}.items() if number < jobs},
            host_id=cluster,
            gone=gone,
            failure=_failure(status, looked.states),
            start_patience=self._start_patience(status),
            asked=looked.complete,
        )

    def cancel(self, handle: Handle) -> None:
        """Terminate the cluster.

        Never its steps alone: CancelSteps signals the step's process, and "asynchronous processes"
        are not reached (EMR Management Guide, cancel steps): the MapReduce job would read on.
        """
        if self._find(handle):
            self.finish(handle)

    def clean_up(self, handle: Handle) -> None:
        """Do nothing: a cluster that has ended is forgotten by EMR itself."""

    def _newer(self, cluster: str) -> Status | None:
        """Look again why a cluster ends that was listed alive: its steps say that it does."""
        try:
            return self.calls.described(self.clients.emr, cluster)
        except LimitError:
            return None

    def _start_patience(self, status: Status) -> int | None:
        if status["State"] != "STARTING":
            return None
        fleet = self.settings.emr and self.settings.emr.instance_types
        return _FLEET_START_SECONDS if fleet else _START_SECONDS

    def _steps(self, launch: Launch, numbers: Sequence[int]) -> list[dict[str, Any]]:
        assert self.settings.emr is not None
        return [
            {
                "Name": f"{export_id(number)} {launch.jobs[number].table}"[:_NAME_LENGTH],
                # one table's failure must not take the others' cluster
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {
                    "Jar": self.settings.emr.jar,
                    "Args": export_arguments(number, launch, self.settings),
                },
            }
            for number in numbers
        ]

    def _job(self, steps: Sequence[Step], cluster: str, gone: bool) -> JobStatus:
        """Return how a job with these steps is.

        COMPLETED is an end: all Hadoop jobs of the step have succeeded (API, AddJobFlowSteps).
        CANCELLED, INTERRUPTED and FAILED end the step's client alone: the MapReduce job that it
        watched lives on under YARN until its cluster is gone.
        """
        step = next((s for b in _BEST for s in steps if s["Status"]["State"] == b), steps[0])
        state = _STATES.get(step["Status"]["State"], JobState.WAITING)
        return JobStatus(
            state=state,
            dead=gone or all(s["Status"]["State"] == "COMPLETED" for s in steps),
            error=_error(step, state),
            log=step_log(self.settings, cluster, step),
            started_at=step_time(step, "StartDateTime"),
            finished_at=step_time(step, "EndDateTime"),
        )

    def _told(self, name: str, finished: str | None, gone: bool) -> JobStatus:
        step, state, dead = {"Status": {"State": name}}, _STATES[name], gone or name == "COMPLETED"
        return JobStatus(state, dead, _error(step, state), finished_at=finished)


@contextmanager
def _nothing_done(call: str) -> Iterator[None]:
    """Tell a look that fails before anything was asked for: another pass looks again."""
    try:
        yield
    except ClientError as error:
        raise LimitError(f"{call}: {error}") from error


def _error(step: Step, state: JobState) -> str:
    if state not in (JobState.FAILED, JobState.CANCELLED):
        return ""
    details = step["Status"].get("FailureDetails", {})
    texts = [details.get("Reason", ""), details.get("Message", ""), details.get("LogFile", "")]
    return ": ".join(t for t in texts if t)[:1000] or f"the step is {step['Status']['State']}"


def _failure(status: Status, states: Sequence[str]) -> str:
    """Return why the cluster ends or has ended, if it did not end well; `states` of its steps."""
    state = status["State"]
    code = status.get("StateChangeReason", {}).get("Code", "")
    if not state.startswith("TERMINAT") or code == "ALL_STEPS_COMPLETED":
        return ""
    if code == "USER_REQUEST" and states and {"COMPLETED", "FAILED"}.issuperset(states):
        # ended by us, when its steps were over
        return ""
    return f"cluster {state}: {end_reason(status)}"[:1000]
