"""In every example: whoever `alert_emails` names hears of every alarm, in whatever account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hippolyte
from local.world import World
from tools.tf import REPOSITORY, Terraform, environment

pytestmark = pytest.mark.terraform

EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/main.tf"))
EMAILS = ["oncall@example.com", "second@example.com"]
_NAMES = ("catalog", "checkout", "identity", "orders", "search", "shipping")
# what an example asks of everybody
REQUIRED: dict[str, dict[str, Any]] = {
    "emr": {"jar": "s3://jars/emr-dynamodb-tools-5.6.0.jar"},
    "monorepo": {
        "accounts": {name: {"id": str(n) * 12} for n, name in enumerate(_NAMES, start=1)},
        "backup_account_id": "777777777777",
    },
    "multi-account": {"account_ids": {"backup": "1" * 12, "shop": "2" * 12, "analytics": "3" * 12}},
}
# alarms of a deployment, and of the fleet's report
_OF_DEPLOYMENT, _OF_FLEET = 7, 2
ALARMS = {
    "monorepo": 6 * _OF_DEPLOYMENT + _OF_FLEET,
    "multi-account": 3 * _OF_DEPLOYMENT + _OF_FLEET,
}


def modules(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a module of a plan and all below it."""
    yield module
    for child in module.get("child_modules", []):
        yield from modules(child)


def of_kind(module: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the planned values of a module's resources of one type."""
    return [r["values"] for r in module.get("resources", []) if r["type"] == kind]


def unheard(plan: dict[str, Any]) -> list[str]:
    """Return the alarms of which not everybody in EMAILS hears.

    The ARN of a topic of the alarm's own module is not known at plan: it has one topic.
    """
    planned = list(modules(plan["planned_values"]["root_module"]))
    told = {
        topic["name"]: {s["endpoint"] for s in of_kind(module, "aws_sns_topic_subscription")}
        for module in planned
        for topic in of_kind(module, "aws_sns_topic")
        if module.get("address", "").endswith("topic")
    }
    found = []
    for module in planned:
        own = {s["endpoint"] for s in of_kind(module, "aws_sns_topic_subscription")}
        for alarm in of_kind(module, "aws_cloudwatch_metric_alarm"):
            known = [arn for arn in alarm.get("alarm_actions") or [] if arn]
            heard = told.get(known[0].rpartition(":")[2], set()) if known else own
            if not known:
                assert len(of_kind(module, "aws_sns_topic")) == 1
            if heard != set(EMAILS):
                found.append(f"{module.get('address')}: {alarm['alarm_name']}")
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_alarm_is_told_to_those_who_are_named(
    world: World, tmp_path: Path, example: Path
) -> None:
    terraform = Terraform(example, tmp_path, environment(world.endpoint_url))
    terraform.init()
    inputs = REQUIRED.get(example.name, {}) | {"alert_emails": EMAILS}
    plan = terraform.plan_json(inputs)

    alarms = [
        alarm
        for module in modules(plan["planned_values"]["root_module"])
        for alarm in of_kind(module, "aws_cloudwatch_metric_alarm")
    ]
    assert len(alarms) >= ALARMS.get(example.name, _OF_DEPLOYMENT)
    assert unheard(plan) == []
    # what is deployed is said by every example
    said = {name: told.get("value") for name, told in plan["planned_values"]["outputs"].items()}
    versions = said["versions"].values() if "versions" in said else [said["version"]]
    assert {*versions} == {hippolyte.__version__}
