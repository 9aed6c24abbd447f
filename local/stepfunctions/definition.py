"""What is looked at before a machine is made: states that lead nowhere, or that do not run here.

Rules: the Amazon States Language specification, and the Developer Guide for what goes beyond it.
"""

from __future__ import annotations

import json
from typing import Any

from local.stepfunctions import choices
from local.stepfunctions.paths import can_follow, template_paths

_INVOKE = ":states:::lambda:invoke"
_MOST_SECONDS = 99_999_999
_MOST_DELAY_SECONDS = 31_622_400
_MACHINE = ("Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage")
_ON = ("Next", "End")
_STATES: dict[str, tuple[str, ...]] = {
    "Task": (
        *("Resource", "Parameters", "ResultSelector", "ResultPath"),
        *("TimeoutSeconds", "TimeoutSecondsPath", "Retry", "Catch", *_ON),
    ),
    "Choice": ("Choices", "Default"),
    "Wait": ("Seconds", "SecondsPath", "Timestamp", "TimestampPath", *_ON),
    "Pass": ("Result", "Parameters", "ResultPath", *_ON),
    "Succeed": (),
    "Fail": ("Error", "Cause"),
}
_PARAMETERS = ("FunctionName", "FunctionName.$", "Payload", "Payload.$")
_RETRIER = (
    *("ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxAttempts"),
    *("MaxDelaySeconds", "JitterStrategy", "Comment"),
)
_CATCHER = ("ErrorEquals", "Next", "ResultPath", "Comment")


def problems(text: str) -> list[str]:
    """Return what is wrong with a definition, in words; none: it can be run."""
    try:
        definition = json.loads(text)
    except ValueError as error:
        return [f"it is no JSON: {error}"]
    if not isinstance(definition, dict) or not isinstance(definition.get("States"), dict):
        return ["it has no States"]
    states, begin = definition["States"], definition.get("StartAt")
    wrong = _unknown(definition, _MACHINE)
    if begin not in states:
        wrong.append(f"StartAt names {begin!r}, which is no state")
    if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
        wrong.append("the local AWS knows JSONPath alone")
    wrong += _number(definition, "TimeoutSeconds", 1, _MOST_SECONDS)
    for name, state in states.items():
        found = _of_state(state, states) if isinstance(state, dict) else ["it is no state"]
        wrong += [f"{name}: {each}" for each in found]
    if not wrong:
        lost = set(states) - _reached(str(begin), states)
        wrong += [f"{name}: no state leads to it" for name in sorted(lost)]
    return wrong


def _of_state(state: dict[str, Any], states: dict[str, Any]) -> list[str]:
    kind = str(state.get("Type"))
    if kind not in _STATES:
        return [f"the local AWS runs no state of type {kind!r}"]
    wrong = _unknown(state, ("Type", "Comment", *_STATES[kind]))
    wrong += [f"{target!r} is no state" for target in _targets(state) if target not in states]
    if "Next" in _STATES[kind] and ("Next" in state) == (state.get("End") is True):
        wrong.append("it wants either Next or End")
    path = state.get("ResultPath")
    if path is not None and not can_follow(path, context=False):
        wrong.append(f"the local AWS puts no result at {path!r}")
    for field in ("Parameters", "ResultSelector"):
        wrong += [
            f"the local AWS follows no path {path!r}"
            for path in template_paths(state.get(field))
            if not can_follow(path)
        ]
    of_kind = {"Task": _of_task, "Choice": _of_choice, "Wait": _of_wait}.get(kind)
    return wrong + (of_kind(state) if of_kind else [])


def _of_task(state: dict[str, Any]) -> list[str]:
    resource, given = str(state.get("Resource")), state.get("Parameters")
    if not (resource.startswith("arn:") and resource.endswith(_INVOKE)):
        return [f"the local AWS runs no task of {resource!r}"]
    if not isinstance(given, dict):
        return ["it has no Parameters"]
    wrong = _unknown(given, _PARAMETERS)
    if ("FunctionName" in given) == ("FunctionName.$" in given):
        wrong.append("it names no function, or two")
    wrong += _number(state, "TimeoutSeconds", 1, _MOST_SECONDS)
    wrong += _path(state, "TimeoutSecondsPath")
    if "TimeoutSeconds" in state and "TimeoutSecondsPath" in state:
        wrong.append("it has two timeouts")
    for field, known in (("Retry", _RETRIER), ("Catch", _CATCHER)):
        wrong += _of_handlers(state.get(field, []), known)
    return wrong


def _of_handlers(handlers: Any, known: tuple[str, ...]) -> list[str]:
    if not isinstance(handlers, list) or not all(isinstance(each, dict) for each in handlers):
        return ["Retry and Catch want lists of objects"]
    wrong = []
    for number, handler in enumerate(handlers, start=1):
        names = handler.get("ErrorEquals")
        if not isinstance(names, list) or not names:
            wrong.append("a retrier or catcher has no ErrorEquals")
        elif "States.ALL" in names and (len(names) > 1 or number < len(handlers)):
            wrong.append("States.ALL stands alone, and in the last one")
        wrong += _unknown(handler, known)
        wrong += _number(handler, "IntervalSeconds", 1, _MOST_SECONDS)
        wrong += _number(handler, "MaxAttempts", 0, _MOST_SECONDS)
        wrong += _number(handler, "MaxDelaySeconds", 1, _MOST_DELAY_SECONDS)
        rate = handler.get("BackoffRate", 2.0)
        if not isinstance(rate, int | float) or rate < 1:
            wrong.append("a BackoffRate is at least 1")
        if not wrong and handler.get("MaxDelaySeconds", _MOST_SECONDS) <= handler.get(
            "IntervalSeconds", 1
        ):
            wrong.append("MaxDelaySeconds is more than IntervalSeconds")
        if handler.get("JitterStrategy", "NONE") not in ("FULL", "NONE"):
            wrong.append(f"there is no JitterStrategy {handler['JitterStrategy']!r}")
        if "Next" in known and not isinstance(handler.get("Next"), str):
            wrong.append("a catcher has no Next")
    return wrong


def _of_choice(state: dict[str, Any]) -> list[str]:
    rules = state.get("Choices")
    if not isinstance(rules, list) or not rules:
        return ["it has no Choices"]
    return [each for rule in rules for each in choices.problems(rule)]


def _of_wait(state: dict[str, Any]) -> list[str]:
    named = [field for field in _STATES["Wait"] if field in state and field not in _ON]
    if len(named) != 1:
        return [f"it waits for one thing, not for {named}"]
    wrong = _number(state, "Seconds", 0, _MOST_SECONDS)
    if "Timestamp" in state and choices.moment(state["Timestamp"]) is None:
        wrong.append(f"{state['Timestamp']!r} is no time")
    return wrong + _path(state, "SecondsPath") + _path(state, "TimestampPath")


def _unknown(given: dict[str, Any], known: tuple[str, ...]) -> list[str]:
    return [f"the local AWS knows no {key!r} there" for key in given if key not in known]


def _number(given: dict[str, Any], field: str, low: int, high: int) -> list[str]:
    value = given.get(field, low)
    fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    return [] if fits else [f"{field} is a whole number from {low} to {high}, not {value!r}"]


def _path(given: dict[str, Any], field: str) -> list[str]:
    path = given.get(field, "$")
    return [] if can_follow(path) else [f"the local AWS follows no path {path!r}"]


def _targets(state: dict[str, Any]) -> list[str]:
    named = [state.get("Next"), state.get("Default")]
    for field in ("Choices", "Catch"):
        rules = state.get(field)
        each = rules if isinstance(rules, list) else []
        named += [rule.get("Next") for rule in each if isinstance(rule, dict)]
    return [each for each in named if isinstance(each, str)]


def _reached(begin: str, states: dict[str, Any]) -> set[str]:
    seen: set[str] = set()
    waiting = [begin]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _targets(states[name])
    return seen
