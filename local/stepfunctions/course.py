"""One execution's course through its machine: each wait, retry and answer is an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from local.core.aws import later
from local.stepfunctions import errors
from local.stepfunctions.choices import holds, moment
from local.stepfunctions.paths import NoPath, filled, found, put
from local.stepfunctions.standing import MOST_BYTES, MOST_EVENTS, Standing, Status

if TYPE_CHECKING:
    from local.functions.invocation import Invocation

_TASK_SECONDS = 99_999_999


@dataclass
class Execution(Standing):
    """An execution, from `begin` to its end."""

    _turn: int = 0  # what belongs to a former state is passed over
    _state: str = ""
    _data: Any = None
    _entered: datetime | None = None
    _tries: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = Random(self.arn)

    def begin(self) -> None:
        """Start at the first state."""
        self.seen.append(Status(self.started))
        self._event("ExecutionStarted", input=self.input, roleArn=self.role_arn)
        self._begin_timeout()
        self._enter(self.definition["StartAt"], json.loads(self.input))

    def redrive(self) -> None:
        """Go on from the state that failed, with the machine's time anew."""
        now = self.world.clock.now()
        self.seen.append(Status(now, redriven=self.now.redriven + 1, redriven_at=now))
        self._event("ExecutionRedriven", redriveCount=self.now.redriven)
        self._begin_timeout()
        self._enter(self._state, self._data)

    def stop(self, error: str | None = None, cause: str | None = None) -> None:
        """Abort it; a function that runs for it runs on."""
        if self.status == "RUNNING":
            self._end("ABORTED", error, cause)

    def _begin_timeout(self) -> None:
        seconds, run = self.definition.get("TimeoutSeconds"), self.now.redriven

        def out_of_time() -> None:
            if self.status == "RUNNING" and run == self.now.redriven:
                self._end("TIMED_OUT", errors.TIMEOUT)

        if seconds:
            later(self.world, seconds, out_of_time)

    def _end(
        self,
        status: str,
        error: str | None = None,
        cause: str | None = None,
        output: str | None = None,
    ) -> None:
        self._turn += 1
        now = self.world.clock.now()
        ended = replace(self.now, at=now, status=status, stopped=now)
        self.seen.append(replace(ended, error=error, cause=cause, output=output))
        kind = f"Execution{status.title().replace('_', '')}"
        self._event(kind, output=output, error=error, cause=cause)
        self.over()

    # --- states

    def _enter(self, name: str, data: Any) -> None:
        self._turn += 1
        self._state, self._data, self._tries = name, data, {}
        self._entered = self.world.clock.now()
        self._event(f"{self._kind}StateEntered", name=name, input=json.dumps(data))
        self._later(0, self._run)

    @property
    def _context(self) -> dict[str, Any]:
        return self.context(self._state, self._entered or self.started, sum(self._tries.values()))

    @property
    def _kind(self) -> str:
        return str(self.definition["States"][self._state]["Type"])

    def _later(self, seconds: float, event: Callable[[], object]) -> None:
        """Let something happen, unless the execution has gone on by then."""
        later(self.world, seconds, self._if_still(event))

    def _if_still(self, event: Callable[..., object]) -> Callable[..., None]:
        """Return what does nothing once the execution has gone on; broken paths end it."""
        turn = self._turn

        def run(*given: Any) -> None:
            if turn != self._turn:
                return
            try:
                event(*given)
            except NoPath as error:
                # no retrier and no catcher is asked about it
                where = f"An error occurred while executing the state '{self._state}'. "
                self._end("FAILED", "States.Runtime", f"{where}{error}")

        return run

    def _run(self) -> None:
        if self.doomed:
            self._end("ABORTED", cause="Its state machine is deleted")
            return
        if len(self.events) > MOST_EVENTS:
            # by which name such an end goes is not documented
            self._end("FAILED", "States.Runtime", "The history is full")
            return
        state = self.definition["States"][self._state]
        getattr(self, f"_{state['Type'].lower()}")(state)

    def _found(self, path: str) -> Any:
        return found(path, self._data, self._context)

    def _succeed(self, _: dict[str, Any]) -> None:
        self._event("SucceedStateExited", name=self._state)
        self._end("SUCCEEDED", output=json.dumps(self._data))

    def _fail(self, state: dict[str, Any]) -> None:
        self._end("FAILED", state.get("Error"), state.get("Cause"))

    def _pass(self, state: dict[str, Any]) -> None:
        given = self._data
        if "Parameters" in state:
            given = filled(state["Parameters"], self._data, self._context)
        result = state.get("Result", given)
        self._next(state, put(state.get("ResultPath", "$"), self._data, result))

    def _choice(self, state: dict[str, Any]) -> None:
        for rule in state["Choices"]:
            if holds(rule, self._data, self._context):
                self._leave(rule["Next"], self._data)
                return
        if "Default" in state:
            self._leave(state["Default"], self._data)
        else:
            self._end("FAILED", "States.NoChoiceMatched")

    def _wait(self, state: dict[str, Any]) -> None:
        self._later(self._wait_seconds(state), lambda: self._next(state, self._data))

    def _wait_seconds(self, state: dict[str, Any]) -> float:
        if "Seconds" in state or "SecondsPath" in state:
            given = state.get("Seconds")
            return self._seconds(self._found(state["SecondsPath"]) if given is None else given)
        text = state.get("Timestamp") or self._found(state["TimestampPath"])
        until = moment(text)
        if until is None:
            raise NoPath(f"{text!r} is no time")
        return max(0.0, (until - self.world.clock.now()).total_seconds())

    @staticmethod
    def _seconds(value: Any) -> int:
        fits = isinstance(value, int) and not isinstance(value, bool)
        if not fits or not 0 <= value <= _TASK_SECONDS:
            raise NoPath(f"{value!r} are no seconds from 0 to {_TASK_SECONDS}")
        return int(value)

    def _next(self, state: dict[str, Any], data: Any) -> None:
        if not state.get("End"):
            self._leave(state["Next"], data)
            return
        self._event(f"{self._kind}StateExited", name=self._state, output=json.dumps(data))
        self._end("SUCCEEDED", output=json.dumps(data))

    def _leave(self, name: str, data: Any) -> None:
        self._event(f"{self._kind}StateExited", name=self._state, output=json.dumps(data))
        self._enter(name, data)

    # --- tasks

    def _task(self, state: dict[str, Any]) -> None:
        self._turn += 1
        asked = filled(state["Parameters"], self._data, self._context)
        limit = state.get("TimeoutSeconds", _TASK_SECONDS)
        if "TimeoutSecondsPath" in state:
            limit = self._seconds(self._found(state["TimeoutSecondsPath"]))
        answered = self._if_still(partial(self._answered, state))

        def ended(what: dict[str, Any] | Invocation) -> None:
            with self.world.lock:
                answered(what)

        self._event("TaskScheduled", parameters=json.dumps(asked), timeoutInSeconds=limit)
        self._event("TaskStarted")
        self._later(limit, lambda: self._task_failed(state, errors.TIMEOUT, None))
        self.invoke(asked["FunctionName"], asked.get("Payload", {}), ended)

    def _answered(self, state: dict[str, Any], what: dict[str, Any] | Invocation) -> None:
        if isinstance(what, dict):
            self._task_failed(state, what["Error"], what["Cause"])
            return
        if what.error:
            self._task_failed(state, *errors.name_and_cause(what.error))
            return
        result: dict[str, Any] = {
            "ExecutedVersion": "$LATEST",
            "Payload": what.payload,
            "SdkResponseMetadata": {"RequestId": what.request_id},
            "StatusCode": 200,
        }
        self._event("TaskSucceeded", output=json.dumps(result))
        if "ResultSelector" in state:
            result = filled(state["ResultSelector"], result, self._context)
        data = put(state.get("ResultPath", "$"), self._data, result)
        if len(json.dumps(data, ensure_ascii=False).encode()) > MOST_BYTES:
            # no retrier and no catcher is asked about it
            cause = f"The state '{self._state}' returned more than {MOST_BYTES} bytes"
            self._end("FAILED", "States.DataLimitExceeded", cause)
            return
        self._next(state, data)

    def _task_failed(self, state: dict[str, Any], error: str, cause: str | None) -> None:
        self._turn += 1
        kind = "TaskTimedOut" if error == errors.TIMEOUT else "TaskFailed"
        self._event(kind, error=error, cause=cause)
        for number, retrier in enumerate(state.get("Retry", [])):
            if errors.matches(error, retrier["ErrorEquals"]):
                tried = self._tries.get(number, 0)
                pause = errors.pause_seconds(retrier, tried, self._random)
                if pause is not None:
                    self._tries[number] = tried + 1
                    self._later(pause, self._run)
                    return
                break
        for catcher in state.get("Catch", []):
            if errors.matches(error, catcher["ErrorEquals"]):
                told = {"Error": error, "Cause": cause or ""}
                self._leave(catcher["Next"], put(catcher.get("ResultPath", "$"), self._data, told))
                return
        self._end("FAILED", error, cause)
