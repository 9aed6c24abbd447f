"""The engine `lambda`: a batch is a worker, an execution that invokes the exporter link by link.

Starting is idempotent: the execution has the worker's name, and its input is the same bytes each
time, so that a second start is the first one while that runs, and refused after (Step Functions
API, StartExecution). What DescribeExecution says is late, so only a time that is long past is
concluded from: a worker is dead when its record says so, or when its execution has ended for
longer than its last function can run. A batch with a table that is too much for one worker has
several (see `parts`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines.engine import BatchStatus, Handle, Launch, may_be_taken, refusal
from hippolyte.engines.parts import PartStatus, joined
from hippolyte.engines.workers import PLACE, Order, Orders, Record, Workers, part_name
from hippolyte.errors import ConfigurationError, EngineError
from hippolyte.planning.cost import segments_of_job
from hippolyte.planning.plan import parts_of
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

_log = logging.getLogger(__name__)


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
        for part in range(self._parts(handle)):
            self._execute(handle, part)

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
        parts = self._parts(handle)
        for part in range(parts):
            try:
                self._execute(handle, part)
            except ClientError as error:
                if not part:
                    raise
                # a further one, again: it will be seen to be missing
                _log.warning("%s is not started: %s", self._execution_name(handle, part), error)
        return parts > 0

    def poll(self, handle: Handle, jobs: int, doubt: Collection[int] = ()) -> BatchStatus:
        """Tell how far the worker is, by its record, and whether it is dead."""
        workers, worker = self._workers(handle), handle["worker"]
        found = workers.orders(worker)
        orders = found[0] if found else Orders(handle["run"], worker, handle["deadline"])
        records: list[Record] = []
        states: list[tuple[bool, str]] = []
        for number in range(orders.parts):
            records.append(_record(workers, part_name(worker, number)))
            states.append(self._gone(handle, number, records[-1], bool(orders.ended)))
        gone = all(dead for dead, _ in states)
        return BatchStatus(
            jobs={
                order.number: joined(
                    [
                        PartStatus(
                            part_name(worker, number),
                            records[number].tables.get(name),
                            *states[number],
                        )
                        for number in range(order.parts)
                    ],
                    gone,
                )
                for name, order in orders.tables.items()
            },
            host_id=self._execution_arn(handle),
            gone=gone,
            failure=next((why for _, why in states if why), ""),
        )

    def cancel(self, handle: Handle) -> None:
        """Have the worker end: its link looks every 15 seconds, and no further one is invoked."""
        self._end(handle, "cancelled")
        for part in range(max(1, self._parts(handle))):
            try:
                arn = self._execution_arn(handle, part)
                self.clients.states().stop_execution(executionArn=arn)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _MISSING:
                    raise refusal("StopExecution", error, handle) from error

    def clean_up(self, handle: Handle) -> None:
        """Keep all: the worker's records are the night's evidence."""

    # ---

    def _workers(self, handle: Handle) -> Workers:
        store = Store(self.clients.s3, self.settings.bucket)
        return Workers(store, self.settings, handle["run"])

    def _parts(self, handle: Handle) -> int:
        """Return how many workers were ordered; 0: none were."""
        found = self._workers(handle).orders(handle["worker"])
        return found[0].parts if found else 0

    def _order(self, handle: Handle, launch: Launch, numbers: Sequence[int]) -> None:
        worker = handle["worker"]
        wanted = {launch.jobs[n].table: self._order_of(launch, n) for n in numbers}

        def ordered(before: Orders | None) -> Orders:
            most = min(parts_of(launch.jobs), launch.workers)
            before = before or Orders(handle["run"], worker, handle["deadline"], parts=most)
            if before.ended:
                raise EngineError(f"worker {worker} is to end: {before.ended}")
            # what was ordered once stays as it was: files lie there
            parts = before.parts
            new = {name: replace(one, parts=min(one.parts, parts)) for name, one in wanted.items()}
            tables = {**new, **before.tables}
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
            parts=job.parts,
            planned=job.capacity or None,
        )

    def _end(self, handle: Handle, why: str) -> None:
        def ended(before: Orders | None) -> Orders | None:
            return replace(before, ended=why) if before and not before.ended else before

        self._workers(handle).change(handle["worker"], ended)

    def _execute(self, handle: Handle, part: int) -> None:
        exporter = self.settings.exporter
        if exporter is None:
            raise EngineError("the deployment has no setting exporter: apply the module again")
        try:
            self.clients.states().start_execution(
                stateMachineArn=exporter.machine_arn,
                name=self._execution_name(handle, part),
                input=self._input(handle, part),
            )
        except ClientError as error:
            if may_be_taken(error):
                raise
            # it ran, and is over: that is seen by whoever polls
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return
            if part:
                # the first runs, so it is no refusal: as after a lost answer, `started` tries again
                raise
            raise refusal("StartExecution", error, handle) from error

    def _input(self, handle: Handle, part: int) -> str:
        """Return the same bytes each time."""
        fields = {name: handle[name] for name in ("run", "deadline")}
        fields["worker"] = part_name(handle["worker"], part)
        # a deployment's place may be changed while a run is open in the former one
        place = {name: getattr(self.settings, name) for name in PLACE}
        return json.dumps({**fields, "place": place}, sort_keys=True, separators=(",", ":"))

    def _execution_name(self, handle: Handle, part: int) -> str:
        return f"{handle['run']}-{part_name(handle['worker'], part)}"

    def _execution_arn(self, handle: Handle, part: int = 0) -> str:
        machine = self.settings.exporter.machine_arn if self.settings.exporter else ""
        above = machine.replace(":stateMachine:", ":execution:")
        return f"{above}:{self._execution_name(handle, part)}"

    def _gone(self, handle: Handle, part: int, record: Record, ended: bool) -> tuple[bool, str]:
        """Return whether a worker is dead for certain, and why it ended if not by itself."""
        if record.stopped:
            return True, ""
        try:
            found = self.clients.states().describe_execution(
                executionArn=self._execution_arn(handle, part)
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


def _record(workers: Workers, worker: str) -> Record:
    """Return a worker's record; of one that cannot be read, only that a link may go on."""
    try:
        kept = workers.record(worker)
    except ConfigurationError as error:
        # no reason to leave anything raised: by its execution's end the worker is dead as well
        _log.warning("how far worker %s is cannot be read: %s", worker, error)
        return Record(open=True)
    return kept[0] if kept else Record()
