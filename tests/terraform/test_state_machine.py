"""aws_sfn_state_machine against the local AWS: made, planned again, changed, destroyed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.world import World
from tools.tf import Terraform, TerraformError, environment

pytestmark = pytest.mark.terraform

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:small"
ROOT = """
variable "definition" { type = string }
variable "owner" { type = string }

resource "aws_iam_role" "machine" {
  name = "small"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:states:us-east-1:*:stateMachine:small" }
      }
    }]
  })
}

resource "aws_sfn_state_machine" "small" {
  name       = "small"
  role_arn   = aws_iam_role.machine.arn
  type       = "STANDARD"
  definition = var.definition
  tags       = { owner = var.owner }
}
"""


def waiting(seconds: int) -> str:
    wait = {"Type": "Wait", "Seconds": seconds, "End": True}
    return json.dumps({"StartAt": "Wait", "States": {"Wait": wait}})


def described(world: World) -> dict[str, Any]:
    states = world.client("stepfunctions")
    found: dict[str, Any] = states.describe_state_machine(stateMachineArn=MACHINE)
    tags = states.list_tags_for_resource(resourceArn=MACHINE)["tags"]
    return {**found, "tags": {tag["key"]: tag["value"] for tag in tags}}


def test_a_machines_life(world: World, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    terraform = Terraform(tmp_path, tmp_path / "work", environment(world.endpoint_url))
    terraform.init()
    first = {"definition": waiting(5), "owner": "data"}
    terraform.apply(first)
    assert not terraform.plan_detailed(first), "nothing drifts"
    found = described(world)
    assert (found["definition"], found["tags"]) == (waiting(5), {"owner": "data"})

    second = {"definition": waiting(7), "owner": "us"}
    terraform.apply(second)
    assert not terraform.plan_detailed(second)
    found = described(world)
    assert (found["definition"], found["tags"]) == (waiting(7), {"owner": "us"})

    # refused while it is planned, in the service's words
    lost = json.dumps({"StartAt": "Wait", "States": {}})
    with pytest.raises(TerraformError, match="StartAt names 'Wait', which is no state"):
        terraform.plan_detailed({**second, "definition": lost})

    states = world.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=MACHINE, name="one")["executionArn"]
    world.clock.advance(7)
    ended = states.describe_execution(executionArn=execution)
    assert ended["status"] == "SUCCEEDED"
    assert ended["stopDate"] - ended["startDate"] == timedelta(seconds=7)

    terraform.destroy(second)
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        described(world)
