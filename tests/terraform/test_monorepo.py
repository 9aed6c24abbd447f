"""examples/monorepo, planned on the local AWS: six accounts, each by its provider and settings.

The central keys are made first, as they are there when an account is added: without their ARNs,
policies and settings are not known at plan.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import hippolyte
from local.world import World
from tests.support.kept import planned_text
from tools.tf import REPOSITORY, Terraform, TerraformError, environment

pytestmark = pytest.mark.terraform

EXAMPLE = REPOSITORY / "examples" / "monorepo"
BACKUP = "777777777777"
NAMES = ("catalog", "checkout", "identity", "orders", "search", "shipping")
ACCOUNTS: dict[str, Any] = {
    name: {"id": str(number) * 12} for number, name in enumerate(NAMES, start=1)
}
ACCOUNTS["orders"]["window"] = {"start": "22:00", "end": "05:00"}
ACCOUNTS["search"]["exclude"] = ["index-*"]
BUCKET = "example-monorepo-dynamodb-backups"
INPUTS = {"accounts": ACCOUNTS, "backup_account_id": BACKUP}
KEYS = [f"module.{name}.aws_kms_key.this" for name in ("backup_bucket", "backup_topic")]


@pytest.fixture(scope="module")
def terraform(world: World, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    made = Terraform(EXAMPLE, tmp_path_factory.mktemp("work"), environment(world.endpoint_url))
    made.init()
    made.apply(INPUTS, KEYS)
    return made


@pytest.fixture(scope="module")
def planned(terraform: Terraform) -> dict[str, Any]:
    return terraform.plan_json(INPUTS)


def module(planned: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Return the planned values of an account's deployment by address."""
    root = planned["planned_values"]["root_module"]["child_modules"]
    (outer,) = [m for m in root if m["address"] == f"module.{name}"]
    (inner,) = outer["child_modules"]
    prefix = f"module.{name}.module.hippolyte."
    return {
        r["address"].removeprefix(prefix): r["values"] for r in inner["resources"] if "values" in r
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_deployment_is_in_its_account(planned: dict[str, Any], name: str) -> None:
    own = module(planned, name)
    policies = [v["policy"] for a, v in own.items() if a.startswith("aws_iam_role_policy.this")]
    ids = {account["id"] for account in ACCOUNTS.values()}

    assert len(policies) >= 4
    known = " ".join(policies)
    assert f":{ACCOUNTS[name]['id']}:" in known
    assert not [other for other in ids - {ACCOUNTS[name]["id"]} if other in known]


def test_outputs_say_each_version_and_place(planned: dict[str, Any]) -> None:
    told = planned["planned_values"]["outputs"]

    assert told["versions"]["value"] == dict.fromkeys(NAMES, hippolyte.__version__)
    assert told["backups_urls"]["value"] == {
        name: f"s3://{BUCKET}/backups/{account['id']}/us-east-1/"
        for name, account in ACCOUNTS.items()
    }


def test_all_deployments_are_alike_but_for_what_is_their_own(planned: dict[str, Any]) -> None:
    made = {name: module(planned, name) for name in NAMES}
    settings = {
        name: json.loads(planned_text(made[name]).replace(ACCOUNTS[name]["id"], "of its own"))
        for name in NAMES
    }

    assert len({frozenset(own) for own in made.values()}) == 1
    assert len(made["catalog"]) > 40
    differing = {
        key for own in settings.values() for key in own if own[key] != settings["catalog"][key]
    }
    assert differing == {"window_seconds", "tables"}
    assert settings["orders"]["window_seconds"] == 7 * 3600
    assert settings["search"]["tables"]["exclude"] == ["scratch-*", "*-test", "index-*"]


def test_the_backup_account_lets_in_all_and_expects_a_night_of_each(
    planned: dict[str, Any],
) -> None:
    root = planned["planned_values"]["root_module"]["child_modules"]
    central = {
        r["address"]: r["values"]
        for m in root
        if m["address"] in ("module.backup_bucket", "module.fleet_report")
        for r in m["resources"]
    }
    policy = central["module.backup_bucket.aws_s3_bucket_policy.this"]["policy"]
    function = central["module.fleet_report.aws_lambda_function.this"]
    told = json.dumps(function["environment"])

    for account in ACCOUNTS.values():
        assert account["id"] in policy
        assert account["id"] in told


@pytest.mark.parametrize(
    ("accounts", "words"),
    [
        ({**ACCOUNTS, "users": {"id": "8" * 12}}, ('"users"', "a provider in providers.tf")),
        ({n: ACCOUNTS[n] for n in NAMES[1:]}, ('"checkout","identity"', "one that is gone")),
        ({**ACCOUNTS, "search": ACCOUNTS["orders"]}, ("different ids", "444444444444")),
        ({**ACCOUNTS, "search": {"id": "5"}}, ("12 digits", '"search":"5"')),
    ],
    ids=["without a provider", "gone", "twice", "no id"],
)
def test_accounts_that_the_files_do_not_have_are_refused(
    tmp_path: Path, accounts: dict[str, Any], words: tuple[str, ...]
) -> None:
    """The variables by themselves: no provider starts."""
    shutil.copy(EXAMPLE / "variables.tf", tmp_path)
    terraform = Terraform(tmp_path, tmp_path / "work", environment())
    with pytest.raises(TerraformError) as error:
        terraform.plan_detailed(INPUTS | {"accounts": accounts})

    said = " ".join(str(error.value).replace("\u2502", " ").split())
    assert all(word in said for word in words), said
