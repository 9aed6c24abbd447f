"""One execution's course through its machine: each wait, retry and answer is an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from local.core.aws import Aws, later
from local.stepfunctions.choices import holds
from local.stepfunctions.paths import NoPath, filled, found, put

if TYPE_CHECKING:
    from local.functions.invocation import Invocation

_TIMEOUT_SECONDS = 99_999_999


@dataclass
class Execution:
    """An execution. `invoke(name, payload, ended)` invokes a function as the machine's role."""

    world: Aws
    arn: str
    machine_arn: str
    machine_name: str
    name: str
    input: str
    definition: dict[str, Any]
    invoke: Callable[[str, Any, Callable[[dict[str, Any] | Invocation], None]], None]
    started: datetime
    status: str = "RUNNING"
    stopped: datetime | None = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    redriven: int = 0
    redriven_at: datetime | None = None
    transitions: int = 0
    # of each change: (when, status, stop date, error, cause), for those who are told late
    seen: list[tuple[datetime, str, datetime | None, str | None, str | None]] = field(
        default_factory=list
    )
    _turn: int = 0  # what belongs to a former state is passed over
    _state: str = ""
    _data: Any = None
    _entered: datetime | None = None
    _tries: dict[int, int] = field(default_factory=dict)
    _random: Random = field(default_factory=lambda: Random(0))

    def begin(self) -> None:
        """Start at the first state."""
        self._note()
        seconds = self.definition.get("TimeoutSeconds")
        if seconds:
            run = self.redriven
            later(self.world, seconds, lambda: self._out_of_time(run))
        self._enter(self.definition["StartAt"], json.loads(self.input))

    def redrive(self) -> None:
        """Go on from the state that failed, with the machine's time anew."""
        self.status, self.stopped, self.error, self.cause = "RUNNING", None, None, None
        self.redriven += 1
        self.redriven_at = self.world.clock.now()
        self._note()
        seconds = self.definition.get("TimeoutSeconds")
        if seconds:
            run = self.redriven
            later(self.world, seconds, lambda: self._out_of_time(run))
        self._enter(self._state, self._data)

    def stop(self, error: str | None = None, cause: str | None = None) -> None:
        """Abort it; a function that runs for it runs on."""
        if self.status == "RUNNING":
            self._end("ABORTED", error, cause)

    def _out_of_time(self, run: int) -> None:
        if self.status == "RUNNING" and run == self.redriven:
            self._end("TIMED_OUT", "States.Timeout", None)

    def _end(self, status: str, error: str | None = None, cause: str | None = None) -> None:
        self._turn += 1
        self.status, self.error, self.cause = status, error, cause
        self.stopped = self.world.clock.now()
        self._note()

    def _note(self) -> None:
        now = self.world.clock.now()
        self.seen.append((now, self.status, self.stopped, self.error, self.cause))

    # --- states

    def _enter(self, name: str, data: Any) -> None:
        self._turn += 1
        self.transitions += 1
        self._state, self._data, self._tries = name, data, {}
        self._entered = self.world.clock.now()
        self._run_after(0)

    def _run_after(self, seconds: float) -> None:
        turn = self._turn
        later(self.world, seconds, lambda: self._run() if turn == self._turn else None)

    @property
    def _context(self) -> dict[str, Any]:
        return {
            "Execution": {
                "Id": self.arn,
                "Input": json.loads(self.input),
                "Name": self.name,
                "StartTime": _text(self.started),
                "RedriveCount": self.redriven,
            },
            "State": {
                "Name": self._state,
                "EnteredTime": _text(self._entered or self.started),
                "RetryCount": sum(self._tries.values()),
            },
            "StateMachine": {"Id": self.machine_arn, "Name": self.machine_name},
        }

    def _run(self) -> None:
        state = self.definition["States"][self._state]
        try:
            getattr(self, f"_{state['Type'].lower()}")(state)
        except NoPath as error:
            self._failed("States.Runtime", str(error))

    def _succeed(self, _: dict[str, Any]) -> None:
        self.output = self._data
        self._end("SUCCEEDED")

    def _fail(self, state: dict[str, Any]) -> None:
        self._end("FAILED", state.get("Error"), state.get("Cause"))

    def _pass(self, state: dict[str, Any]) -> None:
        result = state.get("Result", self._data)
        if "Parameters" in state:
            result = filled(state["Parameters"], self._data, self._context)
        self._next(state, put(state.get("ResultPath", "$"), self._data, result))

    def _choice(self, state: dict[str, Any]) -> None:
        for rule in state["Choices"]:
            if holds(rule, self._data, self._context):
                self._enter(rule["Next"], self._data)
                return
        if "Default" in state:
            self._enter(state["Default"], self._data)
        else:
            self._failed("States.NoChoiceMatched", None)

    def _wait(self, state: dict[str, Any]) -> None:
        now = self.world.clock.now()
        if "Seconds" in state:
            seconds = float(state["Seconds"])
        elif "SecondsPath" in state:
            seconds = float(found(state["SecondsPath"], self._data, self._context))
        else:
            text = state.get("Timestamp") or found(
                state["TimestampPath"], self._data, self._context
            )
            seconds = max(0.0, (datetime.fromisoformat(text) - now).total_seconds())
        turn = self._turn
        later(
            self.world,
            seconds,
            lambda: self._next(state, self._data) if turn == self._turn else None,
        )

    def _next(self, state: dict[str, Any], data: Any) -> None:
        if state.get("End"):
            self.output = data
            self._end("SUCCEEDED")
        else:
            self._enter(state["Next"], data)

    # --- tasks

    def _task(self, state: dict[str, Any]) -> None:
        self._turn += 1
        turn = self._turn
        asked = filled(state.get("Parameters", {}), self._data, self._context)
        if "TimeoutSecondsPath" in state:
            limit = found(state["TimeoutSecondsPath"], self._data, self._context)
        else:
            limit = state.get("TimeoutSeconds", _TIMEOUT_SECONDS)

        def ended(what: dict[str, Any] | Invocation) -> None:
            if turn == self._turn:
                self._answered(state, what)

        later(
            self.world,
            limit,
            lambda: (
                self._task_failed(state, "States.Timeout", None) if turn == self._turn else None
            ),
        )
        self.invoke(asked["FunctionName"], asked.get("Payload", {}), ended)

    def _answered(self, state: dict[str, Any], what: dict[str, Any] | Invocation) -> None:
        if isinstance(what, dict):
            self._task_failed(state, what["Error"], what["Cause"])
            return
        if what.error:
            self._task_failed(state, _error_name(what.error), json.dumps(what.error))
            return
        result = {
            "ExecutedVersion": "$LATEST",
            "Payload": what.payload,
            "StatusCode": 200,
        }
        try:
            chosen = (
                filled(state["ResultSelector"], result, self._context)
                if ("ResultSelector" in state)
                else result
            )
        except NoPath as error:
            self._failed("States.ParameterPathFailure", str(error))
            return
        self._next(state, put(state.get("ResultPath", "$"), self._data, chosen))

    def _task_failed(self, state: dict[str, Any], error: str, cause: str | None) -> None:
        self._turn += 1
        for number, retrier in enumerate(state.get("Retry", [])):
            if not _is_named(error, retrier["ErrorEquals"]):
                continue
            tried = self._tries.get(number, 0)
            if tried >= retrier.get("MaxAttempts", 3):
                break
            self._tries[number] = tried + 1
            pause = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** tried
            pause = min(pause, retrier.get("MaxDelaySeconds", _TIMEOUT_SECONDS))
            if retrier.get("JitterStrategy") == "FULL":
                pause *= self._random.random()
            self._run_after(pause)
            return
        for catcher in state.get("Catch", []):
            if _is_named(error, catcher["ErrorEquals"]):
                told = {"Error": error, "Cause": cause or ""}
                self._enter(catcher["Next"], put(catcher.get("ResultPath", "$"), self._data, told))
                return
        self._failed(error, cause)

    def _failed(self, error: str, cause: str | None) -> None:
        self._end("FAILED", error, cause)

    def as_seen(self, at: datetime) -> tuple[str, datetime | None, str | None, str | None]:
        """Return status, stop date, error and cause as they were then."""
        told = self.seen[0]
        for each in self.seen:
            if each[0] <= at:
                told = each
        return told[1:]

    def may_be_redriven(self) -> bool:
        """Say whether it may be: it did not end well, and not longer than 14 days ago."""
        fits = self.status in ("FAILED", "ABORTED", "TIMED_OUT") and self.stopped is not None
        return fits and self.world.clock.now() - (self.stopped or self.started) <= timedelta(14)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _error_name(error: dict[str, Any]) -> str:
    """Return a failed invocation's error as Step Functions names it."""
    kind = str(error.get("errorType", "Lambda.Unknown"))
    if kind == "TooManyRequestsException":
        return "Lambda.TooManyRequestsException"
    return kind


def _is_named(error: str, names: list[str]) -> bool:
    # a function's own errors and its runtime's are TaskFailed as well; a time-out is not
    wide = error != "States.Timeout" and "States.TaskFailed" in names
    return error in names or "States.ALL" in names or wide
