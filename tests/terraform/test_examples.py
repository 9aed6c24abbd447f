"""Every example is valid as it stands, and nothing in it is deprecated."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tools.tf import REPOSITORY, Terraform, environment, find_terraform, process_environment

pytestmark = pytest.mark.terraform

EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/main.tf"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_it_is_valid(example: Path, tmp_path: Path, reattached: dict[str, str]) -> None:
    terraform = Terraform(example, tmp_path, environment() | reattached)
    terraform.init()
    env = process_environment(terraform.env) | {"TF_DATA_DIR": str(tmp_path / "data")}

    done = subprocess.run(
        [find_terraform(), "validate", "-json"], cwd=example, env=env, capture_output=True
    )

    told = json.loads(done.stdout)
    assert [one["summary"] for one in told["diagnostics"]] == []
    assert told["valid"]
