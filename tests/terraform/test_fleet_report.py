"""modules/fleet-report: what is refused, in which words. test_multi_account.py has it at work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.world import World
from tools.tf import (
    REPOSITORY,
    Terraform,
    TerraformError,
    environment,
    find_terraform,
    process_environment,
)

pytestmark = pytest.mark.terraform

MODULE = REPOSITORY / "modules" / "fleet-report"
GOOD: dict[str, Any] = {
    "backup_bucket": {"name": "central-backups", "prefix": "nightly"},
    "topic": {"arn": "arn:aws:sns:us-east-1:123456789012:central"},
}
ROOT = """
module "fleet" {
  source        = "%s"
  backup_bucket = { name = "central-backups" }
  topic         = { arn = "arn:aws:sns:eu-west-1:123456789012:central" }
  schedule      = { timezone = "Europe/Atlantis" }
}
"""

Plan = Callable[[dict[str, Any]], list[str]]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Return a function that plans the variables alone, and returns the errors' texts."""
    root = tmp_path_factory.mktemp("inputs")
    shutil.copy(MODULE / "variables.tf", root)
    env = process_environment(environment())

    def run(inputs: dict[str, Any]) -> list[str]:
        (root / "terraform.tfvars.json").write_text(json.dumps(inputs), encoding="utf-8")
        result = subprocess.run(
            [find_terraform(), "plan", "-json", "-lock=false"],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
        )
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        return [
            line["diagnostic"]["detail"]
            for line in lines
            if line["type"] == "diagnostic" and line["diagnostic"]["severity"] == "error"
        ]

    return run


def test_what_the_other_modules_say_is_taken_as_it_is(plan: Plan) -> None:
    bucket = {
        **GOOD["backup_bucket"],
        "region": "eu-west-1",
        "kms_key_arn": None,
        "owner": "123456789012",
        "grant": {"account_ids": [], "names": []},
    }
    topic = {**GOOD["topic"], "kms_key_arn": None, "grant": {"account_ids": [], "names": []}}
    assert plan({"backup_bucket": bucket, "topic": topic}) == []
    named = ["111111111111", "222222222222/us-gov-west-1"]
    assert plan({**GOOD, "expected": named, "schedule": {"time": "23:59"}}) == []
    assert plan({**GOOD, "more_prefixes": ["", "team/x"]}) == []


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"topic": {"arn": "central"}}, "topic.arn must be the ARN of a topic"),
        ({"expected": ["1111"]}, "expected must be ids of accounts"),
        ({"expected": ["111111111111/"]}, "expected must be ids of accounts"),
        ({"expected": ["111111111111/mars"]}, "expected must be ids of accounts"),
        (
            {"expected": [f"{n:012d}" for n in range(250)]},
            "expected has 250 entries, 3751 characters as JSON, of 3000",
        ),
        ({"more_prefixes": ["team/"]}, "more_prefixes must be up to 10 prefixes"),
        ({"more_prefixes": ["nightly"]}, "more_prefixes must be up to 10 prefixes"),
        (
            {"more_prefixes": [f"p{n}" for n in range(11)]},
            "more_prefixes must be up to 10 prefixes",
        ),
        ({"schedule": {"time": "7:00"}}, "schedule.time must be HH:MM"),
        ({"nights": 0}, "nights must be a whole number from 1 to 400"),
        ({"nights": 1.5}, "nights must be a whole number from 1 to 400"),
        ({"seen_days": 1}, "seen_days must be a whole number from 2"),
        ({"name": "Fleet"}, "name must be 2 to 40 lower-case"),
        ({"lambda": {"runtime": "python3.8"}}, "lambda.runtime must be one of"),
        ({"lambda": {"memory_size": 128}}, "lambda.memory_size must be a whole number"),
    ],
)
def test_wrong_inputs_are_refused(plan: Plan, inputs: dict[str, Any], said: str) -> None:
    (error,) = plan({**GOOD, **inputs})
    assert said in error


def test_a_topic_elsewhere_and_no_time_zone_are_refused(world: World, tmp_path: Path) -> None:
    # by an absolute path Terraform copies a module, and leaves the package behind
    source = os.path.relpath(MODULE, tmp_path)
    (tmp_path / "main.tf").write_text(ROOT % source, encoding="utf-8")
    terraform = Terraform(tmp_path, tmp_path / "work", environment())
    terraform.init()
    with pytest.raises(TerraformError) as refused:
        terraform.plan_json()
    said = " ".join(str(refused.value).replace("│", " ").split())
    assert "topic must be of this account and region (123456789012, us-east-1)" in said
    assert 'schedule.timezone must be an IANA time zone, got "Europe/Atlantis"' in said
