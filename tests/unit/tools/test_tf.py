"""tools.tf: where providers are looked for, what Terraform is told. It is not run itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools import tf


def provider(root: Path) -> Path:
    """Make a mirror that holds the AWS provider, and return its folder."""
    (root / tf.REGISTRY / "hashicorp" / "aws" / "5.100.0").mkdir(parents=True)
    return root


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tf, "BUILD", tmp_path / "build")
    return tmp_path / "build"


def find(root: Path, **environ: str) -> Path | None:
    return tf.find_mirror({"XDG_DATA_DIRS": str(root / "share"), **environ}, root)


def test_a_named_mirror_wins(tmp_path: Path) -> None:
    named = provider(tmp_path / "named")
    provider(tmp_path / "opt" / "plugins")

    assert find(tmp_path, TF_PLUGIN_MIRROR=str(named)) == named


def test_a_named_mirror_without_the_provider_is_an_error(tmp_path: Path) -> None:
    provider(tmp_path / "opt" / "plugins")

    with pytest.raises(tf.TerraformError, match=r"TF_PLUGIN_MIRROR is .*nowhere.*unset it"):
        find(tmp_path, TF_PLUGIN_MIRROR=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "place",
    ["home/.terraform.d/plugins", "home/.local/share/terraform/plugins", "opt/any"],
)
def test_usual_places(tmp_path: Path, place: str) -> None:
    mirror = provider(tmp_path / place)

    assert find(tmp_path, HOME=str(tmp_path / "home")) == mirror


def test_share_folders(tmp_path: Path) -> None:
    mirror = provider(tmp_path / "share" / "terraform" / "plugins")

    assert find(tmp_path) == mirror


def test_no_mirror(tmp_path: Path) -> None:
    (tmp_path / "opt" / "empty").mkdir(parents=True)

    assert find(tmp_path) is None


def test_configuration_of_a_mirror_downloads_nothing_it_holds() -> None:
    text = tf.cli_configuration(Path("/mirror"), Path("/cache"))

    assert 'path    = "/mirror"' in text
    assert 'include = ["registry.terraform.io/hashicorp/aws"]' in text
    assert 'exclude = ["registry.terraform.io/hashicorp/aws"]' in text


def test_configuration_without_a_mirror_caches_the_download() -> None:
    assert tf.cli_configuration(None, Path("/cache")) == 'plugin_cache_dir = "/cache"\n'


def test_environment_reaches_no_account(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf, "find_mirror", lambda: None)
    values = tf.environment("http://127.0.0.1:1234")

    assert values["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1234"
    assert values["AWS_EC2_METADATA_DISABLED"] == "true"
    assert values["AWS_CONFIG_FILE"] == values["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert values["AWS_ACCESS_KEY_ID"] == "local"
    assert values["AWS_REGION"] == values["AWS_DEFAULT_REGION"] == "us-east-1"
    assert Path(values["TF_CLI_CONFIG_FILE"]).parent == build
    assert Path(values["TF_CLI_CONFIG_FILE"]).is_file()


def test_without_an_endpoint_none_is_set(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf, "find_mirror", lambda: None)

    assert "AWS_ENDPOINT_URL" not in tf.environment()


def test_a_shells_settings_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "TF_VAR_name", "TF_CLI_ARGS_plan"):
        monkeypatch.setenv(name, "left over")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/does/not/exist")

    env = tf.process_environment({"TF_CLI_CONFIG_FILE": "/ours"})

    assert "left over" not in env.values()
    assert env["TF_CLI_CONFIG_FILE"] == "/ours"
    assert env["PATH"] == os.environ["PATH"]


def test_missing_terraform_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert tf.main(["version"]) == 127
    assert "not on the PATH. Install version 1.5 or later" in capsys.readouterr().err


FAKE = """#!/bin/sh
echo "$TF_DATA_DIR $*" >> "$LOG"
case "$1" in
  plan) exit 2 ;;
  output) echo '{"bucket_name": {"sensitive": false, "type": "string", "value": "b"}}' ;;
  destroy) echo "bucket is not empty" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tf.Terraform:
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(FAKE, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    env: Mapping[str, str] = {"LOG": str(tmp_path / "log")}
    return tf.Terraform(tmp_path, tmp_path / "work", env)


def test_state_and_data_stay_in_the_work_folder(terraform: tf.Terraform, tmp_path: Path) -> None:
    terraform.init()
    terraform.apply({"name": "x", "alert_emails": ["a@b.de"], "enabled": False})

    work = tmp_path / "work"
    assert (tmp_path / "log").read_text(encoding="utf-8").splitlines() == [
        f"{work}/data init -no-color",
        f"{work}/data apply -no-color -auto-approve -state={work}/terraform.tfstate "
        '-var=name=x -var=alert_emails=["a@b.de"] -var=enabled=false',
    ]


def test_drift_and_outputs(terraform: tf.Terraform) -> None:
    assert terraform.plan_detailed() is True
    assert terraform.output() == {"bucket_name": "b"}


def test_a_failure_carries_what_terraform_said(terraform: tf.Terraform) -> None:
    with pytest.raises(
        tf.TerraformError, match=r"destroy in .* ended with 1:\nbucket is not empty"
    ):
        terraform.destroy()
