from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest

from local.core.clock import Clock
from local.world import World
from tests.support.deployment import Planned
from tests.support.once import once
from tools.tf import REPOSITORY, Terraform, environment


@pytest.fixture(scope="session")
def plan_of(
    tmp_path_factory: pytest.TempPathFactory, reattached: dict[str, str]
) -> Callable[[str], Planned]:
    """Plan the module once an engine: resources by address, as the provider renders them."""

    def make(engine: str) -> Planned:
        root = REPOSITORY / "tests" / "operations" / "root"
        before = dict(os.environ)
        world = World(Clock(datetime(2026, 11, 23, tzinfo=UTC)))
        with world.served() as endpoint_url:
            work = tmp_path_factory.mktemp(engine)
            terraform = Terraform(root, work, environment(endpoint_url) | reattached)
            terraform.init()
            found = terraform.plan_json({"engine": engine})
        os.environ.clear()
        os.environ.update(before)
        (module,) = found["planned_values"]["root_module"]["child_modules"]
        return {
            resource["address"].removeprefix(f"{module['address']}."): resource["values"]
            for resource in module["resources"]
        }

    @cache
    def plan(engine: str) -> Planned:
        planned: Planned = once(tmp_path_factory, f"plan-{engine}", lambda: make(engine))
        return planned

    return plan


@pytest.fixture(scope="session")
def planned(plan_of: Callable[[str], Planned]) -> Planned:
    """The plan with Data Pipeline."""
    return plan_of("datapipeline")
