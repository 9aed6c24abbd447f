"""Least privilege, proved: every action of every role is needed, and no other is.

Each action is taken away once, and the scenario that needs it must show it. docs/permissions.md is
the table of what was seen; WRITE_DOCS=1 writes it. With EMR that takes `-m "faults or not faults"`;
without it one night is run, and the table is held against the policies.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from local.iam import authorize
from tests.support.deployment import (
    ALL_FUNCTIONS,
    FUNCTIONS,
    Deployment,
    Planned,
    deployed,
    role_name,
)
from tests.support.faults.forks import Forks
from tests.support.scenarios import SCENARIOS, Scenario, mark, playing
from tools.tf import REPOSITORY

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.timeout(1800)]

DOCUMENT = REPOSITORY / "docs" / "permissions.md"
INTRODUCTION = """\
# What each role may do, and what needs it

Written by `make permissions` (`tests/operations/test_permissions.py`). On the local test double,
with IAM enforced and the policies as the provider renders them, each action was taken away from
its role, once, and the scenario named here was played until something showed it.

What this proves differs by role. The functions' calls are made by this code, the exports' by
a copy of the export tool's behaviour. Which calls Data Pipeline, EMR and Task Runner make
with the roles *pipeline*, *emr* and *cluster* is published nowhere; the test double stands in
with the actions of AWS's own policies for them, reduced:
[emr/service_role.py](../local/emr/service_role.py),
[datapipeline/service_role.py](../local/datapipeline/service_role.py). For those rows the table
shows that policy and stand-in agree, not what AWS asks for. Nothing has run on AWS.

What the functions hold for a night that began with another engine (`elasticmapreduce:*` beside
`lambda`, `states:DescribeExecution` and `states:StopExecution` beside the others) is in that
engine's part. So are the roles *exporter* and *machine*, with which the others' nights read their
backups back. Tables that DynamoDB exports itself (`native_export`) are in that part's nights alone:
what they need is the same beside any engine.

`make test` proves the parts of `lambda` and Data Pipeline again. Of EMR's it plays the first night,
and looks that every action is in the table; `make permissions` proves the rest.
"""
ROLES = {
    "lambda": ("scheduler", "monitor", "schedules", "exporter", "machine"),
    "datapipeline": ("scheduler", "monitor", "schedules", "pipeline", "cluster"),
    "emr": ("scheduler", "monitor", "schedules", "emr", "cluster", "guard"),
}
TITLES = {engine: f'## With `engine = "{engine}"`' for engine in ROLES}
# role and action -> why taking it away cannot be shown; five at most
NOT_SHOWN: dict[str, dict[tuple[str, str], str]] = {name: {} for name in ROLES} | {
    "lambda": {
        ("monitor", "dynamodb:Scan"): "looks into a table of which a cluster's export read nothing"
    }
}
# held with every engine, for a night that began with another: shown with that one
_WORKERS = ("states:DescribeExecution", "states:StopExecution")
OF_OTHERS = {"lambda": ("elasticmapreduce:",), "datapipeline": _WORKERS, "emr": _WORKERS}
BACKED_UP = {
    name: dict.fromkeys(("large", "small", "empty", "queue", *more), "backed_up")
    for name, more in (("lambda", ("native",)), ("datapipeline", ()), ("emr", ()))
}
GOOD = {
    "lambda": ("night", "scheduler alone", "lost answer"),
    "datapipeline": ("night", "scheduler alone", "lost answer"),
    "emr": ("night", "scheduler alone", "lost answer", "older release"),
}
BAD = ("stuck night", "stuck, scheduler alone")


@dataclass(frozen=True)
class Proof:
    """What a scenario showed when a role was without an action."""

    role: str
    action: str
    scenario: str
    shown: str


@dataclass(frozen=True)
class Baseline:
    """A scenario with all its permissions."""

    scenario: Scenario
    used: frozenset[tuple[str, str]]
    denied: tuple[str, ...]
    verdicts: dict[str, str]
    has_logs: bool


def has_logs(d: Deployment) -> bool:
    """Say whether the functions have written a log."""
    logs = d.world.client("logs")
    names = ALL_FUNCTIONS if d.engine == "lambda" else FUNCTIONS
    return all(
        logs.describe_log_streams(logGroupName=f"/aws/lambda/hippolyte-{name}")["logStreams"]
        for name in names
    )


def verdicts(d: Deployment) -> dict[str, str]:
    """Return table -> verdict, nothing while the night is open."""
    report = d.record("report.json") or {"tables": {}}
    return {name: table["verdict"] for name, table in report["tables"].items()}


@dataclass(frozen=True)
class Engine:
    """The module with one engine: its policies, and its nights with all they need."""

    name: str
    actions: dict[str, set[str]]
    played: Callable[[str], Baseline]
    proofs: list[Proof]

    @property
    def baselines(self) -> list[Baseline]:
        """All scenarios with all their permissions."""
        return [self.played(scenario.name) for scenario in SCENARIOS[self.name]]


@pytest.fixture(scope="module")
def engine_of(
    plan_of: Callable[[str], Planned], request: pytest.FixtureRequest
) -> Callable[[str], Engine]:
    everything = "faults" in request.config.option.markexpr.replace("not faults", "")

    @cache
    def make(name: str) -> Engine:
        planned = plan_of(name)
        with deployed(planned) as d:
            others = OF_OTHERS[name]
            actions = {
                role: {action for action in d.actions(role) if not action.startswith(others)}
                for role in ROLES[name]
            }
        proofs: list[Proof] = []

        @cache
        def played(scenario: str) -> Baseline:
            (found,) = [s for s in SCENARIOS[name] if s.name == scenario]
            proved = {(p.role, p.action) for p in proofs} | set(NOT_SHOWN[name])
            held = {(r, a) for r in ROLES[name] for a in actions[r]}
            # the others' are proved when all their nights are played
            wanted = held - proved if name != "emr" or everything else set()
            done, shown = baseline(found, planned, wanted)
            proofs.extend(shown)
            return done

        return Engine(name, actions, played, proofs)

    return make


@pytest.fixture(
    scope="module",
    params=["lambda", "datapipeline", pytest.param("emr", marks=pytest.mark.faults)],
)
def engine(request: pytest.FixtureRequest, engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of(request.param)


def baseline(
    scenario: Scenario, planned: Planned, wanted: set[tuple[str, str]]
) -> tuple[Baseline, list[Proof]]:
    """Play a scenario with all permissions; and, of each wanted one, what shows that it lacks.

    At its first use the night is forked: the child goes on without it, up to the first thing that
    shows it. Until there it is the same night.
    """
    forks = Forks()
    with playing(scenario, planned) as (d, steps), taken_away(d, wanted, forks) as lacks:
        try:
            shown = ""
            for _ in steps:
                if lacks and (shown := mark(d, lacks[0])):
                    break
            if lacks:
                if not shown and lacks[0].startswith("logs:") and not has_logs(d):
                    shown = "no log"
                forks.finish({"shown": shown, "ended": verdicts(d)})
        except BaseException:
            if lacks:
                forks.fail()
            raise
        denied = [i.log for i in d.world.lambda_logs if "is not authorized" in i.log]
        normal = verdicts(d)
        found = Baseline(
            scenario=scenario,
            used=frozenset(d.world.granted),
            denied=(*denied, *(p for p in d.world.problems if "may not" in p)),
            verdicts=normal,
            has_logs=has_logs(d),
        )
        return found, [_proof(scenario, result, normal) for result in forks.collect()]


@contextmanager
def taken_away(d: Deployment, wanted: set[tuple[str, str]], forks: Forks) -> Iterator[list[str]]:
    """Fork at the first use of each wanted (role, action); give the child the action it lacks."""
    names = {(role_name(role), action): (role, action) for role, action in wanted}
    original, lacks = authorize.why_not, list[str]()

    def why_not(world: Any, principal: Any, action: str, *rest: Any) -> str | None:
        why = original(world, principal, action, *rest)
        pair = principal.role, action
        if why or lacks or pair not in names:
            return why
        role, _ = names.pop(pair)
        if not forks.branch(f"{role} {action}"):
            return None
        lacks.append(action)
        d.take_away(role, action)
        return original(world, principal, action, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authorize, "why_not", why_not)
        yield lacks


def _proof(scenario: Scenario, result: dict[str, Any], normal: dict[str, str]) -> Proof:
    assert "problems" not in result, result
    role, action = result["name"].split(" ")
    shown, ended = result["shown"], result["ended"]
    if not shown and ended != normal:
        wrong = sorted({f"{v}" for name, v in ended.items() if v != normal[name]})
        shown = f"tables {' and '.join(wrong)}" if ended else "the night does not end"
    return Proof(role, action, scenario.name, shown)


@pytest.fixture(scope="module")
def proofs(engine: Engine) -> list[Proof]:
    """Of every action that a scenario uses, by roles and names as the document has them."""
    assert engine.baselines
    order = list(ROLES[engine.name])
    return sorted(engine.proofs, key=lambda p: (order.index(p.role), p.action))


def _nights() -> Iterator[object]:
    """Yield engine and scenario; with EMR the first night alone is for `make test`."""
    for engine, names in GOOD.items():
        for name in names:
            left = engine == "emr" and name != "night"
            yield pytest.param(engine, name, marks=[pytest.mark.faults] if left else [])


@pytest.mark.parametrize(("name", "scenario"), list(_nights()))
def test_a_night_needs_no_more_than_the_roles_hold(
    engine_of: Callable[[str], Engine], name: str, scenario: str
) -> None:
    found = engine_of(name).played(scenario)

    assert found.denied == ()
    assert found.verdicts == BACKED_UP[name]
    assert found.has_logs


def test_a_drill_needs_no_more_either(engine_of: Callable[[str], Engine]) -> None:
    found = engine_of("lambda").played("drill")

    assert found.denied == ()
    assert found.verdicts == BACKED_UP["lambda"] | {
        "plain": "backed_up",
        "hippolyte-drill-others": "skipped",
    }
    assert {action for role, action in found.used if role == role_name("monitor")} >= {
        "dynamodb:DeleteTable",
        "dynamodb:DescribeImport",
        "dynamodb:ImportTable",
        "dynamodb:ListImports",
    }


@pytest.mark.parametrize("scenario", BAD)
def test_a_failing_night_needs_no_more_either(engine: Engine, scenario: str) -> None:
    found = engine.played(scenario)

    assert found.denied == ()
    # a scan that reads nothing is seen to, and tried again; a cluster's export may only be slow
    wrong = "failed" if engine.name == "lambda" else "timed_out"
    assert found.verdicts == BACKED_UP[engine.name] | {"large": wrong}


def test_no_action_is_held_that_no_scenario_needs(engine: Engine) -> None:
    used = {pair for found in engine.baselines for pair in found.used}
    held = {(r, a) for r in ROLES[engine.name] for a in engine.actions[r]}
    idle = {(r, a) for r, a in held if (role_name(r), a) not in used}

    assert idle == set(NOT_SHOWN[engine.name])
    assert len(NOT_SHOWN[engine.name]) <= 5


def test_without_any_one_action_a_scenario_shows_it(proofs: list[Proof]) -> None:
    silent = [f"{p.role}: {p.action} ({p.scenario})" for p in proofs if not p.shown]

    assert silent == []


def test_the_table_of_permissions_is_current(engine: Engine, proofs: list[Proof]) -> None:
    parts = split(DOCUMENT.read_text(encoding="utf-8"))
    text = part(engine.name, proofs)
    if os.environ.get("WRITE_DOCS"):
        parts |= {"": INTRODUCTION, engine.name: text}
        written = "\n".join(parts[name] for name in ("", *ROLES) if name in parts)
        DOCUMENT.write_text(written, encoding="utf-8")

    assert parts[""] == INTRODUCTION, "run make permissions"
    assert parts[engine.name] == text, "run make permissions"


@pytest.mark.parametrize("name", ROLES)
def test_the_table_has_the_actions_of_the_policies(
    engine_of: Callable[[str], Engine], name: str
) -> None:
    text = split(DOCUMENT.read_text(encoding="utf-8"))[name]
    held = [(r, a) for r, actions in engine_of(name).actions.items() for a in actions]

    assert sorted(_listed(text)) == sorted(held), "run make permissions"


def _listed(text: str) -> Iterator[tuple[str, str]]:
    """Yield role and action of every row, and of what is not shown."""
    role = ""
    for line in text.splitlines():
        if line.startswith("### "):
            role = line.removeprefix("### ").lower()
        elif found := re.match(r"\| `([^`]+)` \|", line):
            yield role, found[1]
        elif found := re.match(r"- (\w+): `([^`]+)`: ", line):
            yield found[1], found[2]


def split(text: str) -> dict[str, str]:
    """Return the document's parts: its introduction under no name, one an engine."""
    parts, name = {"": ""}, ""
    for line in text.splitlines():
        for engine, title in TITLES.items():
            if line == title:
                parts[name] = parts[name].removesuffix("\n")
                name, parts[engine] = engine, ""
        parts[name] += f"{line}\n"
    return parts


def part(engine: str, proofs: list[Proof]) -> str:
    """Return an engine's part of docs/permissions.md."""
    roles, not_shown = ROLES[engine], NOT_SHOWN[engine]
    counts = ", ".join(f"{role} {sum(p.role == role for p in proofs)}" for role in roles)
    lines = [
        TITLES[engine],
        "",
        f"{len(proofs)} actions: {counts}. Not shown: {len(not_shown)} (five are allowed).",
        "",
        "Scenarios:",
        "",
        *(f"- **{s.name}**: {s.says}." for s in SCENARIOS[engine]),
    ]
    for role in roles:
        title = role.upper() if role == "emr" else role.capitalize()
        lines += ["", f"### {title}", "", "| action | scenario | what shows it |"]
        lines.append("|---|---|---|")
        lines += [
            f"| `{p.action}` | {p.scenario} | {p.shown or 'nothing'} |"
            for p in proofs
            if p.role == role
        ]
    if not_shown:
        lines += ["", "### Not shown", ""]
        lines += [f"- {role}: `{action}`: {why}" for (role, action), why in not_shown.items()]
    return "\n".join(lines) + "\n"
