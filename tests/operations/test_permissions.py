"""Least privilege, proved: every action of every role is needed, and no other is.

Each action is taken away once, and the scenario that needs it must show it. docs/permissions.md is
the table of what was seen; WRITE_DOCS=1 writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from deployment import Deployment, Planned, deployed, role_name
from scenarios import SCENARIOS, Scenario, mark, playing

from tools.tf import REPOSITORY

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.timeout(1800)]

DOCUMENT = REPOSITORY / "docs" / "permissions.md"
INTRODUCTION = (
    "Written by `make permissions` (`tests/operations/test_permissions.py`), whose tests fail if",
    "it is not current. On the local test double, with IAM enforced and the policies as the",
    "provider renders them, each action was taken away from its role, once, and the scenario named",
    "here was played until something showed it.",
    "",
    "What this proves differs by role. The functions' calls are made by this code, the exports' by",
    "a copy of the export tool's behaviour. Which calls Data Pipeline, EMR and Task Runner make",
    "with the roles *pipeline* and *cluster* is published nowhere; the test double stands in with",
    "the actions of AWS's own policies for them, reduced:",
    "[servicecalls.py](../local/servicecalls.py). For those rows the table shows that policy and",
    "stand-in agree, not what AWS asks for. Nothing has run on AWS.",
)
ROLES = ("scheduler", "monitor", "schedules", "pipeline", "cluster")
# role and action -> why taking it away cannot be shown; five at most
NOT_SHOWN: dict[tuple[str, str], str] = {}


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
    """Say whether both functions have written a log."""
    logs = d.world.client("logs")
    return all(
        logs.describe_log_streams(logGroupName=f"/aws/lambda/hippolyte-{name}")["logStreams"]
        for name in ("scheduler", "monitor")
    )


def verdicts(d: Deployment) -> dict[str, str]:
    """Return table -> verdict, nothing while the night is open."""
    report = d.record("report.json") or {"tables": {}}
    return {name: table["verdict"] for name, table in report["tables"].items()}


@pytest.fixture(scope="module")
def actions(planned: Planned) -> dict[str, set[str]]:
    with deployed(planned) as d:
        return {role: d.actions(role) for role in ROLES}


@pytest.fixture(scope="module")
def baselines(planned: Planned) -> list[Baseline]:
    return [baseline(scenario, planned) for scenario in SCENARIOS]


def baseline(scenario: Scenario, planned: Planned) -> Baseline:
    with playing(scenario, planned) as (d, steps):
        for _ in steps:
            pass
        denied = [i.log for i in d.world.lambda_logs if "is not authorized" in i.log]
        return Baseline(
            scenario=scenario,
            used=frozenset(d.world.granted),
            denied=(*denied, *(p for p in d.world.problems if "may not" in p)),
            verdicts=verdicts(d),
            has_logs=has_logs(d),
        )


def prove(
    planned: Planned, scenario: Scenario, role: str, action: str, normal: dict[str, str]
) -> Proof:
    """Play a scenario without the action, up to the first thing that shows it."""
    with playing(scenario, planned) as (d, steps):
        d.take_away(role, action)
        shown = ""
        for _ in steps:
            if shown := mark(d, action):
                break
        if not shown and action.startswith("logs:") and not has_logs(d):
            shown = "no log"
        ended = verdicts(d)
        if not shown and ended != normal:
            wrong = sorted({f"{v}" for name, v in ended.items() if v != normal[name]})
            shown = f"tables {' and '.join(wrong)}" if ended else "the night does not end"
        return Proof(role, action, scenario.name, shown)


@pytest.fixture(scope="module")
def proofs(
    planned: Planned, baselines: list[Baseline], actions: dict[str, set[str]]
) -> list[Proof]:
    return list(_proofs(planned, baselines, actions))


def _proofs(
    planned: Planned, baselines: list[Baseline], actions: dict[str, set[str]]
) -> Iterator[Proof]:
    for role in ROLES:
        for action in sorted(actions[role]):
            users = [b for b in baselines if (role_name(role), action) in b.used]
            if (role, action) not in NOT_SHOWN and users:
                yield prove(planned, users[0].scenario, role, action, users[0].verdicts)


@pytest.mark.parametrize("name", ["night", "scheduler alone", "lost answer"])
def test_a_night_needs_no_more_than_the_roles_hold(baselines: list[Baseline], name: str) -> None:
    (found,) = [b for b in baselines if b.scenario.name == name]

    assert found.denied == ()
    assert found.verdicts == dict.fromkeys(("large", "small", "empty"), "backed_up")
    assert found.has_logs


@pytest.mark.parametrize("name", ["stuck night", "stuck, scheduler alone"])
def test_a_failing_night_needs_no_more_either(baselines: list[Baseline], name: str) -> None:
    (found,) = [b for b in baselines if b.scenario.name == name]

    assert found.denied == ()
    assert found.verdicts == {"large": "timed_out", "small": "backed_up", "empty": "backed_up"}


def test_no_action_is_held_that_no_scenario_needs(
    baselines: list[Baseline], actions: dict[str, set[str]]
) -> None:
    used = {pair for found in baselines for pair in found.used}
    idle = {(r, a) for r in ROLES for a in actions[r] if (role_name(r), a) not in used}

    assert idle == set(NOT_SHOWN)
    assert len(NOT_SHOWN) <= 5


def test_without_any_one_action_a_scenario_shows_it(proofs: list[Proof]) -> None:
    silent = [f"{p.role}: {p.action} ({p.scenario})" for p in proofs if not p.shown]

    assert silent == []


def test_the_table_of_permissions_is_current(proofs: list[Proof]) -> None:
    text = document(proofs)
    if os.environ.get("WRITE_DOCS"):
        DOCUMENT.write_text(text, encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == text, "run make permissions"


def document(proofs: list[Proof]) -> str:
    """Return docs/permissions.md."""
    counts = ", ".join(f"{role} {sum(p.role == role for p in proofs)}" for role in ROLES)
    lines = [
        "# What each role may do, and what needs it",
        "",
        *INTRODUCTION,
        "",
        f"{len(proofs)} actions: {counts}. Not shown: {len(NOT_SHOWN)} (five are allowed).",
        "",
        "Scenarios:",
        "",
        *(f"- **{s.name}**: {s.says}." for s in SCENARIOS),
    ]
    for role in ROLES:
        lines += ["", f"## {role.capitalize()}", "", "| action | scenario | what shows it |"]
        lines.append("|---|---|---|")
        lines += [
            f"| `{p.action}` | {p.scenario} | {p.shown or 'nothing'} |"
            for p in proofs
            if p.role == role
        ]
    if NOT_SHOWN:
        lines += ["", "## Not shown", ""]
        lines += [f"- {role}: `{action}`: {why}" for (role, action), why in NOT_SHOWN.items()]
    return "\n".join(lines) + "\n"
