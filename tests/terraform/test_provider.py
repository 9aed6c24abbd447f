"""The provider that commands share: each has its own configuration, and only types are left out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.world import World
from tests.support.provider import only
from tools.tf import Terraform, environment

pytestmark = pytest.mark.terraform

ROOT = """
data "aws_region" "own" {}

provider "aws" {
  alias  = "tokyo"
  region = "ap-northeast-1"
}

data "aws_region" "tokyo" {
  provider = aws.tokyo
}

output "names" { value = [data.aws_region.own.name, data.aws_region.tokyo.name] }
"""


def field(number: int, value: bytes) -> bytes:
    """Return a message's field in protobuf's form: key, length, value."""
    size, short = len(value), b""
    while size > 127:
        size, short = size >> 7, short + bytes([size & 127 | 128])
    return bytes([number << 3 | 2]) + short + bytes([size]) + value


def test_schemas_of_other_types_are_left_out_and_nothing_else_is() -> None:
    long = b"x" * 300
    types = {name: field(2, field(1, name) + field(2, long)) for name in (b"aws_a", b"aws_b")}
    source = field(3, field(1, b"aws_c") + field(2, b"schema"))
    provider, capabilities = field(1, long), field(6, b"\x08\x01")

    answer = provider + types[b"aws_a"] + types[b"aws_b"] + source + capabilities

    assert only({b"aws_b", b"aws_c"}, answer) == (
        provider + types[b"aws_b"] + source + capabilities
    )


def test_commands_at_once_and_aliases_have_their_own_configuration(
    world: World, tmp_path: Path
) -> None:
    def names(region: str) -> list[str]:
        root = tmp_path / region
        root.mkdir()
        (root / "main.tf").write_text(ROOT, "utf-8")
        terraform = Terraform(root, root / "work", environment(world.endpoint_url, region))
        terraform.init()
        terraform.apply()
        found: list[str] = terraform.output()["names"]
        return found

    regions = ("us-west-2", "eu-west-1")
    with ThreadPoolExecutor() as threads:
        found = list(threads.map(names, regions))

    assert found == [[region, "ap-northeast-1"] for region in regions]
