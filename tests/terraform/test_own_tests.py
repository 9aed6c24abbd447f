"""Terraform's own tests of the module, tests/*.tftest.hcl, as reviewers run them: `terraform test`.

They need no server: the provider is mocked. They see that a wrong input is refused; test_inputs
sees in which words.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.tf import REPOSITORY, Terraform, environment

pytestmark = pytest.mark.terraform

FILES = sorted((REPOSITORY / "tests").glob("*.tftest.hcl"))


def test_all_pass_and_none_is_left_out(tmp_path: Path, reattached: dict[str, str]) -> None:
    terraform = Terraform(REPOSITORY, tmp_path, environment() | reattached)
    terraform.init()

    said = terraform.test()

    runs = [n for f in FILES for n in re.findall(r'^run "(\w+)"', f.read_text("utf-8"), re.M)]
    assert len(runs) >= 30
    assert f"Success! {len(runs)} passed, 0 failed." in said
    for run in runs:
        assert f'run "{run}"... pass' in said
