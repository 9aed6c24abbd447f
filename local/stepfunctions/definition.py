"""What is looked at before a machine is made: states that lead nowhere, or that do not run here."""

from __future__ import annotations

import json
from typing import Any

from local.stepfunctions.choices import known

_STATES = ("Task", "Choice", "Wait", "Pass", "Succeed", "Fail")
_INVOKE = ":states:::lambda:invoke"


def problems(text: str) -> list[str]:
    """Return what is wrong with a definition, in words; none: it can be run."""
    try:
        definition = json.loads(text)
        states = definition["States"]
        begin = definition["StartAt"]
    except (ValueError, KeyError, TypeError) as error:
        return [f"it is no definition: {error!r}"]
    wrong = [] if begin in states else [f"StartAt names {begin!r}, which is no state"]
    for name, state in states.items():
        wrong += [f"{name}: {each}" for each in _of_state(state, states)]
    return wrong


def _of_state(state: dict[str, Any], states: dict[str, Any]) -> list[str]:
    kind = state.get("Type")
    if kind not in _STATES:
        return [f"the local AWS runs no state of type {kind!r}"]
    wrong = [f"{target!r} is no state" for target in _targets(state) if target not in states]
    if kind in ("Task", "Wait", "Pass") and not (state.get("Next") or state.get("End")):
        wrong.append("it has neither Next nor End")
    if kind == "Task" and not str(state.get("Resource", "")).endswith(_INVOKE):
        wrong.append(f"the local AWS runs no task of {state.get('Resource')!r}")
    for rule in state.get("Choices", []):
        wrong += _of_rule(rule)
    for retrier in state.get("Retry", []):
        if not retrier.get("ErrorEquals"):
            wrong.append("a retrier without ErrorEquals")
    return wrong


def _of_rule(rule: dict[str, Any]) -> list[str]:
    inner = [*rule.get("And", []), *rule.get("Or", []), *([rule["Not"]] if "Not" in rule else [])]
    if inner:
        return [each for one in inner for each in _of_rule(one)]
    names = [key for key in rule if key not in ("Variable", "Next", "Comment")]
    if len(names) != 1 or not known(names[0]) or "Variable" not in rule:
        return [f"the local AWS knows no comparison {names}"]
    return []


def _targets(state: dict[str, Any]) -> list[str]:
    named = [state.get("Next"), state.get("Default")]
    named += [each.get("Next") for each in [*state.get("Choices", []), *state.get("Catch", [])]]
    return [each for each in named if each]
