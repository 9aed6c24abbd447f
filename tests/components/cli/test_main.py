"""The command line: what it says when it cannot be done, and that it is packed as it runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from typer.testing import CliRunner

import hippolyte
from hippolyte import parameters
from hippolyte_cli import deployment
from hippolyte_cli.main import app
from local.core.call import Call
from tests.support.commands import command, deploy
from tests.support.harness import BUCKET, NightDriver, driver
from tests.support.kept import keep

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch) as made:
        yield made


def refused(*arguments: Any) -> str:
    """Run a command that cannot be done; return what it says."""
    result = command(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    return result.stderr


def test_help_says_what_it_does_and_what_the_exit_codes_mean() -> None:
    assert "release" in command("--help").output
    text = command("release", "--help").output
    for word in ("--dry-run", "--cancel", "--wait", "--function", "--bucket", "--region"):
        assert word in text
    assert "Exit code 0: nothing is raised (any more); 1:" in text


def test_no_command_shows_the_help() -> None:
    assert "Usage" in command().output


def test_the_version_is_that_of_the_package() -> None:
    assert command("--version").output == f"hippolyte {hippolyte.__version__}\n"


def test_a_function_that_does_not_exist(night: NightDriver) -> None:
    text = refused("release", "--function", "nightly-monitor")
    assert "There is no function nightly-monitor in us-east-1" in text
    for remedy in ("--function", "--region", "--bucket"):
        assert remedy in text


def test_a_function_of_somebody_else(night: NightDriver) -> None:
    deploy(night, "shop", STAGE="prod")
    text = refused("release", "--function", "shop")
    assert "shop is none of Hippolyte's" in text
    assert "--function" in text


def test_a_deployment_of_another_version(night: NightDriver) -> None:
    deploy(night, HIPPOLYTE_SETTINGS='{"name": "hippolyte", "colour": "red"}')
    text = refused("release")
    assert "unknown key colour" in text
    assert "of one version" in text


def test_a_prefix_without_a_bucket() -> None:
    assert "give the bucket too" in refused("release", "--prefix", "x")


def test_a_bucket_that_does_not_exist(night: NightDriver) -> None:
    for verb in ("release", "list"):
        text = refused(verb, "--bucket", "gone")
        assert "NoSuchBucket" in text
        assert "on s3://gone" in text or verb == "release"
        assert "credentials" not in text


def test_no_region(monkeypatch: pytest.MonkeyPatch, night: NightDriver) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION")
    result = CliRunner().invoke(app, ["release"])
    assert result.exit_code == 2
    assert "give --region, or set AWS_REGION" in result.stderr


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr(deployment, "_client", fail)
    text = refused("release")
    assert "Unable to locate credentials" in text
    assert "aws sts get-caller-identity" in text


def test_credentials_that_may_not_read_the_records(night: NightDriver) -> None:
    deploy(night)
    night.world.deny("s3:ListBucket")
    text = refused("release")
    assert "AccessDenied" in text
    assert "s3:ListBucket on resource: arn:aws:s3:::backups" in text
    assert "Use credentials that may do that" in text


def test_nothing_is_raised(night: NightDriver) -> None:
    deploy(night)
    result = command("release")
    assert result.exit_code == 0
    assert result.output == ("Nothing is raised by hippolyte in account 123456789012, us-east-1.\n")


def test_the_bucket_alone_gives_the_places_of_the_records(night: NightDriver) -> None:
    given = deployment.by_bucket(BUCKET, "/dynamodb/", "us-east-1", "us-west-2")
    assert given.place("leases", "") == "dynamodb/leases/123456789012/us-east-1/"
    assert (given.partition, given.pipeline_region) == ("aws", "us-west-2")


def test_every_call_that_it_makes_itself_is_a_look(night: NightDriver) -> None:
    calls: list[str] = []
    deploy(night)

    def note(call: Call) -> None:
        calls.append(call.name)

    night.world.before("*", note)
    command("release")
    assert calls == ["lambda:GetFunctionConfiguration", "s3:ListBucket"]


def test_every_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"], "lambda/hippolyte/__init__.py says it"
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "hippolyte.__version__"}
    found = {
        ".".join(path.parent.relative_to(ROOT / root).parts)
        for root in ("lambda", "cli")
        for path in (ROOT / root).rglob("__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == found


def test_a_deployment_whose_settings_are_in_parameters(night: NightDriver) -> None:
    ssm = night.world.client("ssm")
    path = keep(ssm, night.settings)
    deploy(night, HIPPOLYTE_SETTINGS=path)
    assert command("release").exit_code == 0

    parameters.text_at.cache_clear()
    ssm.delete_parameter(Name=f"{path}/0")
    text = refused("release")
    assert f"{path}/0 and following, which are not complete" in text
    assert "apply the module again" in text
