"""Errors of tasks: how they are named, what a retrier and a catcher take them for, and pauses."""

from __future__ import annotations

import json
from random import Random
from typing import Any

TIMEOUT = "States.Timeout"
# what Lambda itself answers, in place of the function
_OF_LAMBDA = ("TooManyRequestsException",)
_LONGEST_SECONDS = 99_999_999


def name_and_cause(error: dict[str, Any]) -> tuple[str, str]:
    """Return a failed invocation's error as Step Functions names it, and its cause.

    A function's own error and its runtime's (`Sandbox.Timedout`, `Runtime.ExitError`) keep their
    type; one without is `Lambda.Unknown`; what Lambda answers stands below `Lambda.`.
    """
    kind, message = error.get("errorType"), str(error.get("errorMessage", ""))
    if kind in _OF_LAMBDA:
        return f"Lambda.{kind}", f"{message} (Service: Lambda, Status Code: 429)"
    if not kind:
        unknown = "The cause could not be determined because Lambda did not return an error type."
        return "Lambda.Unknown", f"{unknown} Returned payload: {json.dumps(error)}"
    return str(kind), json.dumps(error)


def matches(error: str, names: list[str]) -> bool:
    """Say whether an `ErrorEquals` means a task's error; `States.TaskFailed` means no time-out."""
    wide = error != TIMEOUT and "States.TaskFailed" in names
    return error in names or "States.ALL" in names or wide


def pause_seconds(retrier: dict[str, Any], tried: int, random: Random) -> float | None:
    """Return how long to wait after so many tries by this retrier, None: it tries no more."""
    if tried >= retrier.get("MaxAttempts", 3):
        return None
    try:
        pause = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** tried
    except OverflowError:
        pause = _LONGEST_SECONDS
    pause = min(pause, retrier.get("MaxDelaySeconds", _LONGEST_SECONDS))
    if retrier.get("JitterStrategy") == "FULL":
        pause *= random.random()
    return float(pause)
