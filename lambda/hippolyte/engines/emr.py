"""The EMR engine: a transient cluster a batch, a step an export, followed by its steps.

States and calls: Amazon EMR API reference 2009-03-31. RunJobFlow has no client token: the cluster's
name says which batch it is, and is looked for before each start and after a lost answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.engines.cluster import ClusterView, Step, step_time
from hippolyte.engines.emr_guard import guard
from hippolyte.engines.emr_job_flow import SHUTDOWN_AFTER, SHUTDOWN_SCRIPT, job_flow, shutdown_key
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
# what a job is if it has several steps
_BEST = ("RUNNING", "CANCEL_PENDING", "PENDING", "COMPLETED")


@dataclass(frozen=True, slots=True)
class EmrEngine:
    """Runs batches on EMR clusters."""

    clients: Clients
    settings: Settings
    name: str = "emr"
    tables_per_batch: int = TABLES_PER_CLUSTER
    ordered: bool = True
    raises_per_job: bool = True

    def prepare(self, launch: Launch) -> Handle:
        """Name the cluster, and put the script that ends it where it will look for it.

        Raises:
            EngineError: the deployment is not set for EMR (any more).
        """
        if self.settings.emr is None:
            raise EngineError("the deployment has no setting emr: it starts no cluster any more")
        self._put_script()
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
        numbers = [n for n, ratio in enumerate(launch.ratios) if ratio is not None]
        steps = self._steps(launch, numbers)
        try:
            answer = self.clients.emr_once.run_job_flow(
                **job_flow(handle["name"], launch, steps, self.settings)
            )
        except ClientError as error:
            if may_be_taken(error):
                raise
            raise refusal("RunJobFlow", error, handle) from error
        handle["cluster"] = answer["JobFlowId"]
        guard(self.clients, self.settings, handle)

    def add(self, handle: Handle, launch: Launch, numbers: Sequence[int]) -> None:
        """Add steps for jobs that have none yet.

        Raises:
            LimitError: a quota or the call rate is met.
            EngineError: the service refuses for any other reason, as for a cluster that ends.
        """
        with _nothing_done("ListSteps"):
            view = self._view(handle)
        missing = [n for n in numbers if not view.named(n)]
        if not missing:
            return
        try:
            self.clients.emr_once.add_job_flow_steps(
                JobFlowId=handle["cluster"],
                Steps=self._steps(launch, missing),  # type: ignore[arg-type]
            )
        except ClientError as error:
            if may_be_taken(error):
                raise
            raise refusal("AddJobFlowSteps", error, handle) from error

    def finish(self, handle: Handle) -> None:
        """Terminate the cluster: alive without steps, it would cost until it is found idle."""
        if cluster := handle.get("cluster"):
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
        pages = self.clients.emr.get_paginator("list_clusters").paginate(
            CreatedAfter=when(handle["since"])
        )
        for page in pages:
            for cluster in page["Clusters"]:
                if cluster.get("Name") == handle["name"]:
                    handle["cluster"] = cluster["Id"]
                    return True
        return False

    def poll(self, handle: Handle, jobs: int) -> BatchStatus:
        """Read the cluster's state and its steps."""
        view = self._view(handle)
        statuses = {
            number: self._job(named, view)
            for number in range(jobs)
            if (named := view.named(number))
        }
        return BatchStatus(
            jobs=statuses,
            host_id=view.cluster_id,
            gone=view.gone,
            failure=view.failure,
            start_patience=self._start_patience(view),
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

    def _view(self, handle: Handle) -> ClusterView:
        forgotten = clock.now() - when(handle["since"]) > _FORGOTTEN
        view = ClusterView(self.clients, handle.get("cluster"), " ", gone_if_unknown=forgotten)
        view.failure = _failure(view)
        return view

    def _start_patience(self, view: ClusterView) -> int | None:
        if view.status.get("State") != "STARTING":
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

    def _job(self, named: Sequence[Step], view: ClusterView) -> JobStatus:
        step = next((s for b in _BEST for s in named if s["Status"]["State"] == b), named[0])
        name = step["Status"]["State"]
        state = _STATES.get(name, JobState.WAITING)
        return JobStatus(
            state=state,
            dead=view.dead(named),
            error=_error(step, state),
            log=view.log(self.settings, step),
            started_at=step_time(step, "StartDateTime"),
            finished_at=step_time(step, "EndDateTime"),
        )

    def _put_script(self) -> None:
        bucket, key = self.settings.bucket, shutdown_key(self.settings)
        try:
            found = self.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
            found = b""
        if found != SHUTDOWN_SCRIPT.encode():
            self.clients.s3.put_object(Bucket=bucket, Key=key, Body=SHUTDOWN_SCRIPT.encode())


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


def _failure(view: ClusterView) -> str:
    """Return why the cluster ends or has ended, if it did not end well."""
    state = view.status.get("State", "")
    code = view.status.get("StateChangeReason", {}).get("Code", "")
    if not state.startswith("TERMINAT") or code == "ALL_STEPS_COMPLETED":
        return ""
    cut = any(s["Status"]["State"] not in ("COMPLETED", "FAILED") for s in view.steps)
    if code == "USER_REQUEST" and view.steps and not cut:
        # ended by us, when its steps were over
        return ""
    return f"cluster {state}: {view.reason}"[:1000]
