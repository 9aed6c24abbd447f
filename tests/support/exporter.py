"""The exporter's function and machine without Terraform."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from local.world import World

_TEMPLATE = Path(__file__).parents[2] / "exporter.asl.json"


def definition(function_arn: str, timeout_seconds: int = 960) -> str:
    """Return the module's machine as Terraform would fill it in."""
    text = _TEMPLATE.read_text()
    for name, value in (
        ("${name}", "hippolyte"),
        ("${partition}", "aws"),
        ("${function_arn}", function_arn),
        ("${timeout_seconds}", str(timeout_seconds)),
    ):
        text = text.replace(name, value)
    json.loads(text)
    return text


def deploy(world: World, machine_arn: str, timeout_seconds: int = 900) -> None:
    """Make function and machine; in process the function runs this repository's own source."""
    name = machine_arn.rpartition(":")[2]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("empty", "")
    role = f"arn:aws:iam::{world.account}:role/{name}"
    policy = {"Version": "2012-10-17", "Statement": []}
    world.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))
    arn = world.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="hippolyte.exporter.handler",
        Code={"ZipFile": package.getvalue()},
        Timeout=timeout_seconds,
        MemorySize=1769,
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"},
    )["FunctionArn"]
    world.client("stepfunctions").create_state_machine(
        name=name, definition=definition(arn, timeout_seconds + 60), roleArn=role
    )
