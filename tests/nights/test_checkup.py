"""`hippolyte doctor` without a trial: rights, quotas, endpoints, versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from hippolyte import check, preflight
from hippolyte_cli import functions
from tests.support.commands import command, deploy, one_package, reach
from tests.support.harness import NightDriver

pytestmark = pytest.mark.engine("lambda")


@pytest.fixture(autouse=True)
def denied(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the functions are denied; tests/operations has their own look."""
    reach(night, monkeypatch)
    deploy(night, "hippolyte-scheduler")
    one_package(night)
    lines: list[str] = []
    monkeypatch.setattr(preflight, "denied", lambda *_: lines)
    night.scheduler()
    return lines


def points(code: int, *more: str) -> dict[str, dict[str, str]]:
    result = command("doctor", "--json", *more)
    assert result.exit_code == code, result.output
    return {point["id"]: point for point in json.loads(result.stdout)["points"]}


def broken(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: point["said"] for name, point in found.items() if point["held"] != "held"}


def test_all_is_well_and_nothing_is_changed(night: NightDriver) -> None:
    before = {each["Key"] for each in night.s3.list_objects_v2(Bucket="backups")["Contents"]}
    found = points(0)
    assert list(found) == [
        "credentials here",
        "bucket from here",
        "endpoint from here",
        "DynamoDB's quotas",
        "functions",
        "scheduler: version",
        "scheduler: rights",
        "monitor: version",
        "monitor: rights",
        "monitor: settings",
        "monitor: quotas",
    ]
    assert not broken(found)
    after = {each["Key"] for each in night.s3.list_objects_v2(Bucket="backups")["Contents"]}
    assert after == before
    assert "All is well." in command("doctor").output


def test_what_a_function_may_not_is_named(night: NightDriver, denied: list[str]) -> None:
    denied.append("dynamodb:Scan: An error occurred (AccessDenied)")
    said = broken(points(1))
    assert set(said) == {"scheduler: rights", "monitor: rights"}
    assert "dynamodb:Scan" in said["scheduler: rights"]
    assert "2 of 11 need a person." in command("doctor").output


def test_an_endpoint_that_refuses_is_there(night: NightDriver) -> None:
    night.world.deny("dynamodb:ListTables")
    assert "answers in us-east-1" in points(0)["endpoint from here"]["said"]


def test_how_high_tables_may_be_raised(night: NightDriver) -> None:
    said = points(0)["DynamoDB's quotas"]["said"]
    limits = night.dynamodb.describe_limits()
    for name in ("AccountMaxReadCapacityUnits", "TableMaxReadCapacityUnits"):
        assert f"{limits[name]:,}" in said
    assert "raised beyond" in said
    night.world.deny("dynamodb:DescribeLimits")
    found = points(1)["DynamoDB's quotas"]
    assert found["held"] == "not seen"
    assert "dynamodb:DescribeLimits" in found["said"]


def test_a_bucket_that_may_not_be_listed_from_here(night: NightDriver) -> None:
    night.world.deny("s3:ListBucket")
    assert "s3:ListBucket on" in broken(points(1))["bucket from here"]


def test_functions_of_another_version(night: NightDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "__version__", "9.9.9")
    said = broken(points(1))
    assert set(said) == {"scheduler: version", "monitor: version"}
    assert "is 9.9.9, this command" in said["monitor: version"]


def test_functions_that_do_not_know_the_question(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    older: dict[str, Any] = {"refused": "refused the event", "at": "2026-11-24T00:00:00Z"}
    monkeypatch.setattr(functions, "invoke", lambda *_: older)
    said = broken(points(1))
    assert "is older than this command" in said["monitor: version"]


def test_functions_that_cannot_be_asked(
    night: NightDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> dict[str, Any]:
        raise EndpointConnectionError(endpoint_url="https://lambda.us-east-1.amazonaws.com")

    monkeypatch.setattr(functions, "invoke", unreachable)
    found = points(1)
    assert {found[name]["held"] for name in ("scheduler", "monitor")} == {"not seen"}
    assert "Look at --region" in found["monitor"]["said"]


def test_functions_of_different_packages(night: NightDriver) -> None:
    one_package(night, "exporter")
    assert "have different code: apply" in broken(points(1))["functions"]


def test_a_deployment_that_is_not_there(night: NightDriver) -> None:
    result = command("doctor", "--function", "nightly-monitor")
    assert result.exit_code == 2
    assert "There is no function nightly-monitor" in result.stderr


def test_a_table_without_an_engine_is_refused(night: NightDriver) -> None:
    for options in (("--table", "orders"), ("--engine", "emr")):
        result = command("doctor", *options)
        assert result.exit_code == 2
        assert "go together" in result.stderr
