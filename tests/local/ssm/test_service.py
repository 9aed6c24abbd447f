from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.core.clock import Clock
from local.world import World
from tests.support.aws_world import START


@pytest.fixture
def ssm() -> Iterator[Any]:
    world = World(Clock(START))
    with world.in_process():
        yield world.client("ssm")


def test_a_standard_parameter_holds_4096_bytes(ssm: Any) -> None:
    ssm.put_parameter(Name="/a/0", Value="x" * 4096, Type="String")
    with pytest.raises(ClientError, match="maximum parameter value of 4096") as refused:
        ssm.put_parameter(Name="/a/1", Value="x" * 4097, Type="String")
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="maximum parameter value of 4096"):
        ssm.put_parameter(Name="/a/1", Value="値" * 1400, Type="String", Tier="Standard")


def test_an_advanced_one_twice_that(ssm: Any) -> None:
    ssm.put_parameter(Name="/a/0", Value="x" * 8192, Type="String", Tier="Advanced")
    with pytest.raises(ClientError, match="maximum parameter value of 8192"):
        ssm.put_parameter(Name="/a/1", Value="x" * 8193, Type="String", Tier="Advanced")
