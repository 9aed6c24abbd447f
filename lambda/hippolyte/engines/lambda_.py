"""The engine `lambda`: a batch is a worker, an execution that invokes the exporter link by link.

Starting is idempotent: the execution has the worker's name, and its input is the same bytes each
time, so that a second start is the first one while that runs, and refused after (Step Functions
API, StartExecution). What DescribeExecution says is late, so only a time that is long past is
concluded from: a worker is dead when its record says so, or when its execution has ended for
longer than its last function can run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines.engine import (
    BatchStatus,
    Handle,
    JobState,
    JobStatus,
    Launch,
    may_be_taken,
    refusal,
)
from hippolyte.engines.workers import PLACE, Order, Orders, Record, TableRecord, Workers
from hippolyte.errors import EngineError
from hippolyte.planning.cost import segments_of_job
from hippolyte.record_form import iso, when
from hippolyte.store import Store

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings

# slow tables cost a worker only waiting; its record, written twice a minute, grows with them
TABLES_PER_WORKER = 1500
# beside the function's own timeout: until the service has ended it for certain
_GRACE_SECONDS = 60
# an execution that is not found may only not be seen yet
_UNSEEN_SECONDS = 300
_MISSING = ("ExecutionDoesNotExist", "StateMachineDoesNotExist", "StateMachineDeleting")
_STATES = {
    "done": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "opening": JobState.RUNNING,
    "reading": JobState.RUNNING,
    "finishing": JobState.RUNNING,
    "more": JobState.RUNNING,
}


@dataclass(frozen=True, slots=True)
class LambdaEngine:
    """Runs batches by exporter functions."""

    clients: Clients
    settings: Settings
    name: str = "lambda"
    tables_per_batch: int = TABLES_PER_WORKER
    ordered: bool = False
    raises_per_job: bool = True

    def prepare(self, launch: Launch) -> Handle:
        """Name the worker; nothing is called.

        Raises:
            EngineError: the deployment has no exporter.
        """
        if self.settings.exporter is None:
            raise EngineError("the deployment has no setting exporter: apply the module again")
        return {
            "run": launch.run_id,
            "worker": launch.batch_id,
            "deadline": iso(launch.deadline),
            "since": iso(clock.now()),
        }

    def start(self, handle: Handle, launch: Launch) -> None:
        """Write the worker's orders, and start it.

        Raises:
            LimitError: a quota or the call rate is met.
            EngineError: the service refuses for any other reason.
        """
        numbers = [n for n, ratio in enumerate(launch.ratios) if ratio is not None]
        self._order(handle, launch, numbers)
        self._execute(handle)

    def add(self, handle: Handle, launch: Launch, numbers: Sequence[int]) -> None:
        """Order further tables of a worker that runs.

        Raises:
            EngineError: it is to end, or somebody else orders as well.
        """
        self._order(handle, launch, numbers)

    def finish(self, handle: Handle) -> None:
        """Say that nothing more is to be read; the worker ends within seconds."""
        self._end(handle, "all of its tables are over")

    def started(self, handle: Handle) -> bool:
        """Say whether a worker has orders; then it is started once more, which is once."""
        if self._workers(handle).orders(handle["worker"]) is None:
            return False
        self._execute(handle)
        return True

    def poll(self, handle: Handle, jobs: int) -> BatchStatus:
        """Tell how far the worker is, by its record, and whether it is dead."""
        workers, worker = self._workers(handle), handle["worker"]
        found, kept = workers.orders(worker), workers.record(worker)
        record = kept[0] if kept else Record()
        orders = found[0] if found else None
        gone, failure = self._gone(handle, record, bool(orders and orders.ended))
        statuses = {
            order.number: _status(record.tables.get(name))
            for name, order in (orders.tables if orders else {}).items()
        }
        return BatchStatus(
            jobs=statuses,
            host_id=self._execution_arn(handle),
            gone=gone,
            failure=failure,
        )

    def cancel(self, handle: Handle) -> None:
        """Have the worker end: its link looks every 15 seconds, and no further one is invoked."""
        self._end(handle, "cancelled")
        try:
            self.clients.states().stop_execution(executionArn=self._execution_arn(handle))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise refusal("StopExecution", error, handle) from error

    def clean_up(self, handle: Handle) -> None:
        """Keep all: the worker's records are the night's evidence."""

    # ---

    def _workers(self, handle: Handle) -> Workers:
        store = Store(self.clients.s3, self.settings.bucket)
        return Workers(store, self.settings, handle["run"])

    def _order(self, handle: Handle, launch: Launch, numbers: Sequence[int]) -> None:
        worker = handle["worker"]
        wanted = {launch.jobs[n].table: self._order_of(launch, n) for n in numbers}

        def ordered(before: Orders | None) -> Orders:
            before = before or Orders(handle["run"], worker, handle["deadline"])
            if before.ended:
                raise EngineError(f"worker {worker} is to end: {before.ended}")
            # what was ordered once stays as it was: files lie there
            tables = {**wanted, **before.tables}
            return replace(before, tables=tables, more=len(tables) < len(launch.jobs))

        try:
            done = self._workers(handle).change(worker, ordered)
        except (ClientError, BotoCoreError) as error:
            raise EngineError(f"writing its orders: {error}") from error
        if not done:
            raise EngineError(f"the orders of worker {worker} are written by others as well")

    def _order_of(self, launch: Launch, number: int) -> Order:
        job, settings = launch.jobs[number], self.settings
        directory = launch.outputs[number].removeprefix(f"s3://{settings.bucket}/")
        before, raised_to = launch.raised.get(job.table, (None, None))
        return Order(
            number=number,
            table_id=job.table_id,
            directory=directory,
            scan=launch.scans[number],
            segments=segments_of_job(job, settings),
            fraction=settings.consumed_fraction,
            before=before,
            raised_to=raised_to,
            autoscaled=job.autoscaled,
            most=None if job.capacity else job.rate,
            consistent=settings.consistent_reads,
        )

    def _end(self, handle: Handle, why: str) -> None:
        def ended(before: Orders | None) -> Orders | None:
            return replace(before, ended=why) if before and not before.ended else before

        self._workers(handle).change(handle["worker"], ended)

    def _execute(self, handle: Handle) -> None:
        exporter = self.settings.exporter
        if exporter is None:
            raise EngineError("the deployment has no setting exporter: apply the module again")
        try:
            self.clients.states().start_execution(
                stateMachineArn=exporter.machine_arn,
                name=self._execution_name(handle),
                input=self._input(handle),
            )
        except ClientError as error:
            if may_be_taken(error):
                raise
            # it ran, and is over: that is seen by whoever polls
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise refusal("StartExecution", error, handle) from error

    def _input(self, handle: Handle) -> str:
        """Return the same bytes each time."""
        fields = {name: handle[name] for name in ("run", "worker", "deadline")}
        # a deployment's place may be changed while a run is open in the former one
        place = {name: getattr(self.settings, name) for name in PLACE}
        return json.dumps({**fields, "place": place}, sort_keys=True, separators=(",", ":"))

    def _execution_name(self, handle: Handle) -> str:
        return f"{handle['run']}-{handle['worker']}"

    def _execution_arn(self, handle: Handle) -> str:
        machine = self.settings.exporter.machine_arn if self.settings.exporter else ""
        return f"{machine.replace(':stateMachine:', ':execution:')}:{self._execution_name(handle)}"

    def _gone(self, handle: Handle, record: Record, ended: bool) -> tuple[bool, str]:
        """Return whether the worker is dead for certain, and why it ended if not by itself."""
        if record.stopped:
            return True, ""
        try:
            found = self.clients.states().describe_execution(
                executionArn=self._execution_arn(handle)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            heard = when(record.alive) if record.alive else when(handle["since"])
            return self._is_past(heard, _UNSEEN_SECONDS), "its execution is not there any more"
        if found["status"] in ("RUNNING", "PENDING_REDRIVE"):
            return False, ""
        failure = ""
        if found["status"] != "SUCCEEDED":
            said = ": ".join(found[name] for name in ("error", "cause") if found.get(name))
            failure = f"its execution ended as {found['status']}{f' ({said:.300})' if said else ''}"
        # whoever would go on looks at its orders before its first page
        left = ended and not record.open
        return left or self._is_past(found["stopDate"], 0), failure

    def _is_past(self, moment: datetime, more_seconds: float) -> bool:
        exporter = self.settings.exporter
        patience = (exporter.timeout_seconds if exporter else 900) + _GRACE_SECONDS + more_seconds
        return clock.now() >= moment + timedelta(seconds=patience)


def _status(known: TableRecord | None) -> JobStatus:
    if known is None:
        return JobStatus(JobState.WAITING)
    state = _STATES[known.state]
    over = state in (JobState.SUCCEEDED, JobState.FAILED)
    return JobStatus(
        state=state,
        # the one that read it says so: nothing of it is under way
        dead=over,
        error=known.reason if state is JobState.FAILED else "",
        started_at=known.begun,
        finished_at=known.at if over else None,
        progress_at=known.at or known.begun,
    )
